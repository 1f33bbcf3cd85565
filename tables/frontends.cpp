// Fills the frontend tables; the lookups are in the header.
#include "tables/frontends.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace viaduct {
namespace {

constexpr std::size_t filter_bits_per_address = 32;  // at most 3 % of the addresses that are no service's pass

std::size_t count_v4(std::span<const Frontend> frontends) {
    const auto count = std::ranges::count_if(frontends, [](const Frontend& f) { return f.address.is_v4(); });
    return static_cast<std::size_t>(count);
}

}  // namespace

template <Address A>
FrontendIndex<A>::FrontendIndex(std::size_t frontends) : owners_(frontends, 2), keys_(frontends, 2) {
    const std::size_t bits = std::bit_ceil(std::max<std::size_t>(64, frontends * filter_bits_per_address));
    filter_.resize(bits / 64);
    filter_shift_ = 64U - static_cast<unsigned>(std::countr_zero(bits));
}

template <Address A>
bool FrontendIndex<A>::add(A address, const Frontend& frontend) noexcept {
    const Be16 port(frontend.port);
    Key& key = keys_.place(hash(address, port, frontend.protocol),
                           [&](const Key& k) { return same(k, address, port, frontend.protocol); });
    if (key.used()) return false;
    key = {{frontend.service, frontend.check_source}, address, port, frontend.protocol};
    ++size_;

    const std::uint64_t hash = hash_of(address);
    const std::uint64_t bit = hash >> filter_shift_;
    filter_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    Owner& owner = owners_.place(hash, [&](const Owner& o) { return o.address == address; });
    const AddressOwner mine = frontend.own_address ? AddressOwner::shared : AddressOwner::service;
    if (owner.used() && owner.owner != mine) regular_ = false;
    owner.address = address;
    owner.owner = std::max(owner.owner, mine);
    if (++owner.frontends == 0) regular_ = false;
    return true;
}

template <Address A>
void FrontendIndex<A>::remove(A address, const Frontend& frontend) noexcept {
    const Be16 port(frontend.port);
    Key& key = keys_.place(hash(address, port, frontend.protocol),
                           [&](const Key& k) { return same(k, address, port, frontend.protocol); });
    if (!key.used()) return;
    keys_.free(key, [](const Key& k) { return hash(k.address, k.port, k.protocol); });
    --size_;
    Owner& owner = owners_.place(hash_of(address), [&](const Owner& o) { return o.address == address; });
    if (--owner.frontends != 0) return;
    owners_.free(owner, [](const Owner& o) { return hash_of(o.address); });
    ++forgotten_;
}

template <Address A>
FrontendIndex<A> FrontendIndex<A>::clone() const {
    FrontendIndex copy = *this;
    copy.owners_ = owners_.clone();
    copy.keys_ = keys_.clone();
    return copy;
}

template <Address A>
bool FrontendIndex<A>::has_room_for(std::size_t more) const noexcept {
    const std::size_t bits = filter_.size() * 64;
    return keys_.has_room_for(size_ + more) && (size_ + more + forgotten_) * filter_bits_per_address <= 2 * bits;
}

template <Address A>
void FrontendIndex<A>::list(std::vector<Frontend>& all) const {
    for (const Key& key : keys_.slots())
        if (key.used())
            all.push_back({key.address, key.port.value(), key.protocol, key.service,
                           owner_of(key.address) == AddressOwner::shared, key.check_source});
}

template class FrontendIndex<Ipv4>;
template class FrontendIndex<Ipv6>;

FrontendTable::Index::Index(const ServiceArray& services, std::span<const Frontend> all)
    : v4(count_v4(all)), v6(all.size() - count_v4(all)), ids(services.size(), 2), used_ids(services.size()) {
    for (const Frontend& frontend : all)
        if (!add(frontend)) regular = false;
    for (ServiceIndex i = 0; i < services.size(); ++i) {
        const std::uint64_t id = services[i].id;
        ids.place(spread(id), [&](const Id& slot) { return slot.id == id; }) = {id, i};
    }
}

FrontendTable::Index::Index(const Index& other)
    : v4(other.v4.clone()),
      v6(other.v6.clone()),
      ids(other.ids.clone()),
      used_ids(other.used_ids),
      regular(other.regular) {}

bool FrontendTable::Index::has_room_for(std::span<const Frontend> more) const {
    const std::size_t of_v4 = count_v4(more);
    return v4.has_room_for(of_v4) && v6.has_room_for(more.size() - of_v4) && ids.has_room_for(used_ids + 1);
}

bool FrontendTable::Index::add(const Frontend& frontend) {
    const IpAddress& address = frontend.address;
    return address.is_v4() ? v4.add(address.v4(), frontend) : v6.add(address.v6(), frontend);
}

FrontendTable::FrontendTable(std::vector<Service> services, std::span<const Frontend> frontends)
    : services_(std::move(services)), index_(std::make_shared<const Index>(services_, frontends)) {}

FrontendTable FrontendTable::with(std::vector<std::pair<ServiceIndex, Service>> others) const {
    FrontendTable table = *this;
    table.services_ = services_.with(std::move(others), services_.size());
    return table;
}

std::vector<Frontend> FrontendTable::frontends() const {
    std::vector<Frontend> all;
    index_->v4.list(all);
    index_->v6.list(all);
    return all;
}

}  // namespace viaduct
