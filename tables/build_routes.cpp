// Networks for the snapshot: route tables, SNAT pools and what is inside.
#include "tables/build_routes.h"

#include <algorithm>
#include <bit>

namespace viaduct {
namespace {

template <Address A>
Prefix<A> prefix_of(const IpPrefix& prefix) {
    if constexpr (std::same_as<A, Ipv4>)
        return prefix.v4();
    else
        return prefix.v6();
}

template <Address A>
const std::optional<Prefix<A>>& pod_subnet(const DesiredNetwork& network) {
    if constexpr (std::same_as<A, Ipv4>)
        return network.pod_subnet_v4;
    else
        return network.pod_subnet_v6;
}

template <Address A>
bool of_family(const IpPrefix& prefix) {
    return prefix.is_v4() == std::same_as<A, Ipv4>;
}

/// Kind `none` for a route by a port that does not exist.
RouteTarget target_of(const DesiredRoute& route, NextHopList& hops) {
    switch (route.kind) {
        case DesiredRoute::Kind::connected:
            if (!hops.has_port(route.port)) return {};
            return {RouteKind::connected, static_cast<std::uint32_t>(route.port)};
        case DesiredRoute::Kind::gateway:
            if (!hops.has_port(route.port)) return {};
            return {RouteKind::via, hops.index_of(route.port, route.gateway)};
        case DesiredRoute::Kind::kernel:
            return {RouteKind::kernel, 0};
        case DesiredRoute::Kind::unreachable:
            return {RouteKind::unreachable, 0};
    }
    return {};
}

/// For each peer the way of plain packets to its node, where there may be any and the node is a neighbour; else none.
using DirectPaths = std::vector<RouteTarget>;

DirectPaths direct_paths(const DesiredState& desired, NextHopList& hops) {
    DirectPaths paths(desired.peers.size());
    if (std::ranges::all_of(desired.networks, [](const auto& network) { return network.direct_cidrs.empty(); }))
        return paths;
    const RouteTable<Ipv4> v4 = underlay_routes<Ipv4>(desired, hops);
    const RouteTable<Ipv6> v6 = underlay_routes<Ipv6>(desired, hops);
    for (PeerIndex i = 0; i < paths.size(); ++i) {
        const DesiredPeer& peer = desired.peers[i];
        const auto network = static_cast<std::size_t>(peer.network);
        if (network >= desired.networks.size() || desired.networks[network].direct_cidrs.empty()) continue;
        const RouteTarget way = peer.underlay.is_v4() ? v4.lookup(peer.underlay.v4()) : v6.lookup(peer.underlay.v6());
        if (way.kind == RouteKind::connected)
            paths[i] = {RouteKind::via, hops.index_of(static_cast<PortId>(way.index), peer.underlay)};
    }
    return paths;
}

template <Address A>
void add_peers(std::vector<Route<A>>& routes, const DesiredState& desired, NetworkId network,
               const DirectPaths& direct) {
    const std::vector<IpPrefix>& cidrs = desired.networks[static_cast<std::size_t>(network)].direct_cidrs;
    for (PeerIndex i = 0; i < desired.peers.size(); ++i) {
        const DesiredPeer& peer = desired.peers[i];
        if (peer.network != network) continue;
        const bool may_be_direct = direct[i].kind != RouteKind::none && of_family<A>({peer.underlay, 0});
        for (const IpPrefix& subnet : peer.pod_subnets) {
            if (!of_family<A>(subnet)) continue;
            const bool plainly = may_be_direct && std::ranges::any_of(cidrs, [&](const IpPrefix& cidr) {
                                     return cidr.contains(subnet.address);
                                 });
            routes.push_back({prefix_of<A>(subnet), plainly ? direct[i] : RouteTarget{RouteKind::peer, i}});
        }
    }
}

template <Address A>
void add_kernel_routes(std::vector<Route<A>>& routes, const std::vector<DesiredRoute>& desired, NetworkId network,
                       NextHopList& hops) {
    for (const DesiredRoute& route : desired)
        if (route.network == network && of_family<A>(route.prefix))
            routes.push_back({prefix_of<A>(route.prefix), target_of(route, hops)});
}

template <Address A>
std::shared_ptr<const RouteTable<A>> build_table(const DesiredState& desired, NetworkId id, const DirectPaths& direct,
                                                 NextHopList& hops) {
    std::vector<Route<A>> routes;
    if (const auto& own = pod_subnet<A>(desired.networks[static_cast<std::size_t>(id)]))
        routes.push_back({*own, {RouteKind::kernel, 0}});
    add_peers(routes, desired, id, direct);
    add_kernel_routes(routes, desired.routes, id, hops);
    add_kernel_routes(routes, desired.routes, NetworkId::none, hops);
    return routes.empty() ? RouteTable<A>::empty() : std::make_shared<const RouteTable<A>>(routes);
}

template <Address A>
NetworkFamily<A> build_family(const DesiredState& desired, NetworkId id, const Snapshot* lender,
                              const DirectPaths& direct, NextHopList& hops) {
    const DesiredNetwork& network = desired.networks[static_cast<std::size_t>(id)];
    NetworkFamily<A> family;
    family.routes =
        lender != nullptr ? lender->network(id).family<A>().routes : build_table<A>(desired, id, direct, hops);
    for (const IpPrefix& cidr : network.cluster_cidrs)
        if (of_family<A>(cidr)) family.inside.add(prefix_of<A>(cidr));
    family.pod_subnet = pod_subnet<A>(network);
    if (family.pod_subnet) {
        family.snat = snat_pool(*family.pod_subnet);
        family.gateway = family.pod_subnet->address;
    }
    return family;
}

/// Next hops are numbered in the order of the kernel's routes, and then of the peers with a direct path, whether or not
/// a table is built: so that a table that is taken over still means the same ones.
void number_next_hops(const DesiredState& desired, NextHopList& hops) {
    for (const DesiredRoute& route : desired.routes) target_of(route, hops);
}

bool same_routes(const DesiredState& a, const DesiredState& b) {
    return a.routes == b.routes && a.networks == b.networks && a.peers == b.peers && a.ports.size() == b.ports.size();
}

/// `address` plus a number that fits into its last byte without a carry.
template <Address A>
A plus(A address, std::uint8_t number) {
    address.bytes.back() = static_cast<std::uint8_t>(address.bytes.back() + number);
    return address;
}

}  // namespace

SnatPool<Ipv4> snat_pool(const Prefix<Ipv4>& pod_subnet) {
    constexpr std::uint64_t most = 65'536;
    const std::uint64_t size = std::uint64_t{1} << (Ipv4::bits - pod_subnet.length);
    if (size <= 3) return {};
    return {plus(pod_subnet.address, 2), static_cast<std::uint32_t>(std::min(size - 3, most))};
}

SnatPool<Ipv6> snat_pool(const Prefix<Ipv6>& pod_subnet) {
    const unsigned host_bits = Ipv6::bits - pod_subnet.length;
    if (host_bits < 2) return {};
    const std::uint32_t size = 1U << std::min(host_bits, 8U);
    return {plus(pod_subnet.address, 2), size - 2};
}

template <Address A>
RouteTable<A> underlay_routes(const DesiredState& desired, NextHopList& hops) {
    std::vector<Route<A>> routes;
    add_kernel_routes(routes, desired.routes, NetworkId::none, hops);
    return RouteTable<A>(routes);
}
template RouteTable<Ipv4> underlay_routes(const DesiredState&, NextHopList&);
template RouteTable<Ipv6> underlay_routes(const DesiredState&, NextHopList&);

std::vector<Network> build_networks(const DesiredState& desired, const Snapshot& last, NextHopList& hops) {
    number_next_hops(desired, hops);
    const DirectPaths direct = direct_paths(desired, hops);
    const Snapshot* lender = same_routes(desired, last.desired()) ? &last : nullptr;
    std::vector<Network> networks;
    networks.reserve(desired.networks.size());
    for (std::size_t i = 0; i < desired.networks.size(); ++i) {
        const auto id = static_cast<NetworkId>(i);
        networks.push_back({desired.networks[i], build_family<Ipv4>(desired, id, lender, direct, hops),
                            build_family<Ipv6>(desired, id, lender, direct, hops)});
    }
    return networks;
}

}  // namespace viaduct
