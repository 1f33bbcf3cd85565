// A set of backends and the order and table that every gateway derives from it alike.
#include "lb/service.h"

#include <algorithm>
#include <tuple>

#include "encap/net_text.h"
#include "lb/maglev.h"

namespace viaduct {
namespace {

constexpr std::size_t max_backends = 65'535;  // what a Maglev table's 16-bit entries can name

bool same_endpoint(const Backend& a, const Backend& b) { return a.address == b.address && a.port == b.port; }

bool before(const Backend& a, const Backend& b) { return std::tie(a.address, a.port) < std::tie(b.address, b.port); }

bool id_before(BackendId a, BackendId b) { return std::tie(a.index, a.generation) < std::tie(b.index, b.generation); }

// What a backend's place in the table depends on: its address, and for the second port of one address and further ones
// (host-network pods of one node) which of them it is. Other gateways derive the same: do not change it lightly.
std::string identity(const Backend& backend, unsigned nth_of_address) {
    const std::string address = to_string(backend.address);
    return nth_of_address == 0 ? address : address + "+" + std::to_string(nth_of_address);
}

}  // namespace

SharedMaglevTable make_maglev_table(std::span<const Backend> backends) {
    const std::uint32_t size = maglev_size(backends.size());
    std::vector<MaglevPermutation> permutations;
    permutations.reserve(backends.size());
    unsigned nth = 0;
    for (const Backend& backend : backends) {
        nth = &backend != backends.data() && backend.address == (&backend - 1)->address ? nth + 1 : 0;
        permutations.push_back(maglev_permutation(identity(backend, nth), size, std::max(backend.weight, 1U)));
    }
    const std::vector<std::uint16_t> table = maglev_table(permutations, size);
    return std::make_shared<const MaglevTable>(table.begin(), table.end());
}

BackendSet::BackendSet(const std::vector<Backend>& backends, const TableOf& table_of)
    : backends_(backends.begin(), backends.end()) {
    std::stable_sort(backends_.begin(), backends_.end(), before);
    backends_.erase(std::unique(backends_.begin(), backends_.end(), same_endpoint), backends_.end());
    if (backends_.size() > max_backends) backends_.resize(max_backends);  // the same ones on every gateway
    if (backends_.empty()) return;
    shared_table_ = table_of(backends_);
    table_ = *shared_table_;
    by_id_.resize(backends_.size());
    for (std::size_t i = 0; i < by_id_.size(); ++i) by_id_[i] = static_cast<std::uint16_t>(i);
    std::sort(by_id_.begin(), by_id_.end(),
              [this](std::uint16_t a, std::uint16_t b) { return id_before(backends_[a].id, backends_[b].id); });
}

const Backend* BackendSet::find(BackendId id) const noexcept {
    const auto at = std::lower_bound(
        by_id_.begin(), by_id_.end(), id,
        [this](std::uint16_t position, BackendId wanted) { return id_before(backends_[position].id, wanted); });
    return at != by_id_.end() && backends_[*at].id == id ? &backends_[*at] : nullptr;
}

}  // namespace viaduct
