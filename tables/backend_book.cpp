// Identities of backends and sharing of backend sets between services and builds.
#include "tables/backend_book.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "tables/probe_table.h"

namespace viaduct {

BackendList::BackendList(const DesiredService& service) : network(service.network) {
    const auto of_family = [&](const DesiredBackend& b) { return b.address.is_v4() == (service.family == Family::v4); };
    const auto same_endpoint = [](const DesiredBackend& a, const DesiredBackend& b) {
        return a.address == b.address && a.port == b.port;
    };
    std::ranges::copy_if(service.backends, std::back_inserter(backends), of_family);
    std::ranges::sort(backends);
    backends.erase(std::unique(backends.begin(), backends.end(), same_endpoint), backends.end());
}

std::size_t BackendBook::Hash::operator()(const BackendKey& key) const noexcept {
    const auto rest = std::uint64_t{key.port} << 8U | static_cast<std::uint64_t>(key.network);
    const std::uint64_t hash = spread(hash_of(key.address.v6()) + rest);
    return hash ^ (hash >> 32U);  // unordered_map takes the low bits
}

std::size_t BackendBook::Hash::operator()(const BackendList& list) const noexcept {
    std::uint64_t hash = list.backends.size();
    for (const DesiredBackend& b : list.backends)
        hash = spread(hash + (*this)(BackendKey{list.network, b.port, b.address})) ^ b.weight;
    return hash ^ (hash >> 32U);
}

std::shared_ptr<const BackendSet> BackendBook::acquire(const BackendList& list) {
    auto found = sets_.find(list);
    if (found == sets_.end()) found = sets_.emplace(list, SharedSet{make_set(list), 0}).first;
    ++found->second.users;
    return found->second.set;
}

void BackendBook::release(const BackendList& list) {
    const auto found = sets_.find(list);
    if (found == sets_.end() || --found->second.users > 0) return;
    for (const DesiredBackend& b : list.backends) leave({list.network, b.port, b.address});
    if (const BackendSet& set = *found->second.set; !set.empty()) tables_.release(set.backends());
    sets_.erase(found);
}

std::shared_ptr<const BackendSet> BackendBook::make_set(const BackendList& list) {
    std::vector<Backend> backends;
    backends.reserve(list.backends.size());
    for (const DesiredBackend& b : list.backends)
        backends.push_back({b.address, Be16(b.port), b.weight, enter({list.network, b.port, b.address})});
    return std::allocate_shared<const BackendSet>(HugeAllocator<BackendSet>(), backends,
                                                  [this](auto ready) { return tables_.acquire(ready); });
}

BackendId BackendBook::enter(const BackendKey& key) {
    Identity& identity = identities_[key];
    if (identity.users++ > 0) return identity.id;
    if (free_.empty()) {
        identity.id = {indexes_++, 0};
    } else {
        identity.id = free_.back();
        free_.pop_back();
    }
    return identity.id;
}

void BackendBook::leave(const BackendKey& key) {
    const auto found = identities_.find(key);
    if (found == identities_.end() || --found->second.users > 0) return;
    const BackendId old = found->second.id;
    free_.push_back({old.index, old.generation + 1});
    identities_.erase(found);
}

}  // namespace viaduct
