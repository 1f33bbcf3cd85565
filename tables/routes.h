// Longest-prefix match for one network and family: a hash table per prefix length that occurs, longest first.
// Pod subnets have one to three lengths, so a lookup is one to three probes into a few KiB.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "encap/net_types.h"
#include "tables/probe_table.h"

namespace viaduct {

enum class RouteKind : std::uint8_t {
    none,         // no route
    peer,         // through the tunnel; index: Snapshot::peers
    via,          // through a next hop; index: Snapshot::next_hops
    connected,    // the destination is a neighbour on a port; index: PortId
    kernel,       // the gateway host itself
    unreachable,  // a route that says so: ICMP to the sender
};

struct RouteTarget {
    RouteKind kind = RouteKind::none;
    std::uint32_t index = 0;
    bool operator==(const RouteTarget&) const = default;
};

template <Address A>
struct Route {
    Prefix<A> prefix;
    RouteTarget target;
};

template <Address A>
class RouteTable {
public:
    RouteTable() = default;
    /// Duplicate prefixes: the first one stays. Routes of kind `none` are no routes and are left out.
    explicit RouteTable(std::span<const Route<A>> routes);

    /// The longest prefix's target; kind `none` without one.
    [[nodiscard]] RouteTarget lookup(A destination) const noexcept {
        const AddressWords<A> address = words(destination);
        for (const Level& level : levels_) {
            const AddressWords<A> key = both(address, level.mask);
            const Slot* slot = level.slots.find(hash_of(key), [&](const Slot& s) { return same(s.key, key); });
            if (slot != nullptr) return slot->target;
        }
        return {};
    }
    /// All routes, longest prefixes first, for people.
    [[nodiscard]] std::vector<Route<A>> routes() const;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    struct Slot {
        AddressWords<A> key{};  // masked
        RouteTarget target;
        [[nodiscard]] bool used() const noexcept { return target.kind != RouteKind::none; }
    };
    struct Level {
        AddressWords<A> mask;
        ProbeTable<Slot> slots;
        std::uint8_t length;
    };
    static constexpr AddressWords<A> both(AddressWords<A> a, const AddressWords<A>& b) noexcept {
        for (std::size_t i = 0; i < a.size(); ++i) a[i] &= b[i];
        return a;
    }

    std::vector<Level> levels_;  // longest prefixes first
    std::size_t size_ = 0;
};

extern template class RouteTable<Ipv4>;
extern template class RouteTable<Ipv6>;

}  // namespace viaduct
