// Has the kernel find out one neighbour's MAC address.
#pragma once

#include "encap/net_types.h"

struct nl_sock;

namespace viaduct {

/// Has the kernel ask for the neighbour (ARP, ND), or confirm a stale one. True when it does, or need not: an entry
/// that somebody fixed stays as it is. Throws std::bad_alloc.
[[nodiscard]] bool resolve_neighbour(nl_sock* socket, unsigned interface, const IpAddress& address);

}  // namespace viaduct
