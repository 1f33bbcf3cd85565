// Where a route leads.
#pragma once

#include <cstdint>

#include "encap/net_types.h"

namespace viaduct {

enum class RouteKind : std::uint8_t {
    peer,         // through the tunnel; index: Snapshot::peers. Most packets go there, and 0 is told fastest
    via,          // through a next hop; index: Snapshot::next_hops
    connected,    // the destination is a neighbour on a port; index: PortId
    kernel,       // the gateway host itself
    unreachable,  // a route that says so: ICMP to the sender
    none,         // no route
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

}  // namespace viaduct
