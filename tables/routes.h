// Longest-prefix match for one network and family: a hash table per prefix length that occurs, longest first.
// Pod subnets have one to three lengths, so a lookup is one to three probes into a few KiB.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "encap/net_types.h"

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
    /// Duplicate prefixes: the first one stays.
    explicit RouteTable(std::span<const Route<A>> routes);

    /// The longest prefix's target; kind `none` without one.
    [[nodiscard]] RouteTarget lookup(A destination) const noexcept;
    /// All routes, longest prefixes first, for people.
    [[nodiscard]] std::vector<Route<A>> routes() const;
    [[nodiscard]] std::size_t size() const noexcept;
    // private parts are the implementation's choice
};

}  // namespace viaduct
