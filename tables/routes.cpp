// Fills and lists the route tables; the lookup is in the header.
#include "tables/routes.h"

#include <algorithm>
#include <array>

namespace viaduct {
namespace {

template <Address A>
AddressWords<A> mask_of(std::uint8_t length) {
    A ones;
    ones.bytes.fill(0xff);
    return words(masked(ones, length));
}

template <Address A>
A address_of(const AddressWords<A>& words) {
    A address;
    std::memcpy(address.bytes.data(), words.data(), address.bytes.size());
    return address;
}
static_assert(std::endian::native == std::endian::little, "an IPv4 address lies in the first bytes of its word");

}  // namespace

template <Address A>
RouteTable<A>::RouteTable(std::span<const Route<A>> routes) {
    std::array<std::size_t, A::bits + 1> entries{};
    for (const Route<A>& route : routes) ++entries[route.prefix.length];

    std::array<Level*, A::bits + 1> level_of{};
    levels_.reserve(entries.size());
    for (unsigned length = A::bits + 1U; length-- > 0;) {
        if (entries[length] == 0) continue;
        const auto bits = static_cast<std::uint8_t>(length);
        levels_.push_back({mask_of<A>(bits), ProbeTable<Slot>(entries[length]), bits});
        level_of[length] = &levels_.back();
    }
    for (const Route<A>& route : routes) {
        const AddressWords<A> key = words(route.prefix.address);
        Slot& slot =
            level_of[route.prefix.length]->slots.place(hash_of(key), [&](const Slot& s) { return s.key == key; });
        if (slot.used() || route.target.kind == RouteKind::none) continue;
        slot = {key, route.target};
        ++size_;
    }
    levels_.shrink_to_fit();
}

template <Address A>
std::vector<Route<A>> RouteTable<A>::routes() const {
    std::vector<Route<A>> all;
    all.reserve(size_);
    for (const Level& level : levels_)
        for (const Slot& slot : level.slots.slots())
            if (slot.used()) all.push_back({Prefix<A>(address_of<A>(slot.key), level.length), slot.target});
    std::ranges::sort(all, [](const Route<A>& a, const Route<A>& b) {
        return a.prefix.length != b.prefix.length ? a.prefix.length > b.prefix.length
                                                  : a.prefix.address < b.prefix.address;
    });
    return all;
}

template class RouteTable<Ipv4>;
template class RouteTable<Ipv6>;

}  // namespace viaduct
