// The builder's part for networks: their routes, SNAT pools and insides.
#pragma once

#include <vector>

#include "tables/desired.h"
#include "tables/next_hops.h"
#include "tables/snapshot.h"

namespace viaduct {

/// The addresses that connections are translated to: a pod subnet without its first (the host's), its second (by
/// custom the bridge's) and, in IPv4, its last (broadcast). At most 65,536 in IPv4 and 254 in IPv6, where a subnet is
/// larger than any need.
[[nodiscard]] SnatPool<Ipv4> snat_pool(const Prefix<Ipv4>& pod_subnet);
[[nodiscard]] SnatPool<Ipv6> snat_pool(const Prefix<Ipv6>& pod_subnet);

/// The kernel's routes that serve the underlay: those of no particular network.
template <Address A>
[[nodiscard]] RouteTable<A> underlay_routes(const DesiredState& desired, NextHopList& hops);

/// All networks. Route tables are shared with `last` when nothing that goes into them changed. Where one prefix has
/// several routes, the first counts of: our own pod subnet, the peers in their order, the kernel's routes.
[[nodiscard]] std::vector<Network> build_networks(const DesiredState& desired, const Snapshot& last, NextHopList& hops);

}  // namespace viaduct
