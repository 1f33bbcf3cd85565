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

    const std::uint64_t hash = hash_of(address);
    const std::uint64_t bit = hash >> filter_shift_;
    filter_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    Owner& owner = owners_.place(hash, [&](const Owner& o) { return o.address == address; });
    owner.address = address;
    owner.owner = std::max(owner.owner, frontend.own_address ? AddressOwner::shared : AddressOwner::service);
    return true;
}

template class FrontendIndex<Ipv4>;
template class FrontendIndex<Ipv6>;

FrontendTable::Index::Index(const ServiceArray& services, std::span<const Frontend> all)
    : v4(count_v4(all)), v6(all.size() - count_v4(all)), ids(services.size(), 2) {
    frontends.reserve(all.size());
    for (const Frontend& frontend : all) {
        const IpAddress& address = frontend.address;
        if (address.is_v4() ? v4.add(address.v4(), frontend) : v6.add(address.v6(), frontend))
            frontends.push_back(frontend);
    }
    for (ServiceIndex i = 0; i < services.size(); ++i) {
        const std::uint64_t id = services[i].id;
        ids.place(spread(id), [&](const Id& slot) { return slot.id == id; }) = {id, i};
    }
}

FrontendTable::FrontendTable(std::vector<Service> services, std::span<const Frontend> frontends)
    : services_(std::move(services)), index_(std::make_shared<const Index>(services_, frontends)) {}

FrontendTable FrontendTable::with(std::vector<std::pair<ServiceIndex, Service>> others) const {
    FrontendTable table = *this;
    table.services_ = services_.with(std::move(others));
    return table;
}

}  // namespace viaduct
