// JSON of what the workers forward by.
#include "control/api/forwarding_json.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <vector>

namespace viaduct {
namespace {

template <class T>
void append(Json& list, const std::optional<T>& value) {
    if (value) list.push_back(to_string(*value));
}

Json network_json(const Snapshot& snapshot, const DesiredNetwork& network) {
    Json vteps = Json::array();
    append(vteps, network.vtep_v4);
    append(vteps, network.vtep_v6);
    Json pod_subnets = Json::array();
    append(pod_subnets, network.pod_subnet_v4);
    append(pod_subnets, network.pod_subnet_v6);
    const bool fixed_dscp = network.dscp == DscpMode::pipe;
    return {{"name", network.name},
            {"vni", network.vni.value()},
            {"any_vni", network.any_vni},
            {"udp_port", network.udp_port},
            {"vteps", std::move(vteps)},
            {"vtep_mac", to_string(network.vtep_mac)},
            {"pod_subnets", std::move(pod_subnets)},
            {"cluster_cidrs", texts(network.cluster_cidrs)},
            {"mtu", network.mtu},
            {"masquerade", network.masquerade},
            {"outer_udp_checksum", network.outer_checksum == OuterChecksum::valid ? "valid" : "zero"},
            {"dscp", fixed_dscp ? Json(network.pipe_dscp) : Json("uniform")},
            {"ttl", network.ttl},
            {"host_port", port_name(snapshot, network.host_port)}};
}

/// `Snapshot::peers` lists the desired peers in their order.
Json peer_json(const Snapshot& snapshot, std::size_t index) {
    const DesiredPeer& desired = snapshot.desired().peers[index];
    const Peer& peer = snapshot.peers[index];
    // The peer itself names its port only once its next hop is resolved.
    const NextHop hop = peer.next_hop < snapshot.next_hops.size() ? snapshot.next_hops[peer.next_hop] : NextHop{};
    return {{"name", desired.name},
            {"network", network_name(snapshot, desired.network)},
            {"underlay", to_string(desired.underlay)},
            {"vtep_mac", to_string(desired.vtep_mac)},
            {"pod_subnets", texts(desired.pod_subnets)},
            {"port", port_name(snapshot, hop.port)},
            {"next_hop", hop.address.is_unspecified() ? "" : to_string(hop.address)},
            {"reachable", peer.headers.length != 0}};
}

std::string kind_text(RouteKind kind) {
    switch (kind) {
        case RouteKind::peer:
            return "peer";
        case RouteKind::via:
            return "via";
        case RouteKind::connected:
            return "connected";
        case RouteKind::kernel:
            return "kernel";
        case RouteKind::unreachable:
            return "unreachable";
        case RouteKind::none:
            break;
    }
    return "none";
}

/// A peer's name, a gateway's address, or nothing.
std::string next_text(const Snapshot& snapshot, RouteTarget target) {
    if (target.kind == RouteKind::peer && target.index < snapshot.peers.size()) {
        return snapshot.peers[target.index].name;
    }
    if (target.kind == RouteKind::via && target.index < snapshot.next_hops.size()) {
        return to_string(snapshot.next_hops[target.index].address);
    }
    return {};
}

PortId port_of(const Snapshot& snapshot, RouteTarget target) {
    if (target.kind == RouteKind::connected) return static_cast<PortId>(target.index);
    if (target.kind == RouteKind::peer && target.index < snapshot.peers.size()) {
        return snapshot.peers[target.index].port;
    }
    if (target.kind == RouteKind::via && target.index < snapshot.next_hops.size()) {
        return snapshot.next_hops[target.index].port;
    }
    return PortId::none;
}

template <Address A>
void list_routes(Listing& listing, const Snapshot& snapshot, const Network& network) {
    const std::vector<Route<A>>& routes = network.family<A>().routes->routes();
    for (auto it = routes.rbegin(); it != routes.rend(); ++it) {  // longest prefixes first
        const Route<A>& route = *it;
        listing.add([&]() -> Json {
            return {{"network", network.settings.name},
                    {"prefix", to_string(route.prefix)},
                    {"kind", kind_text(route.target.kind)},
                    {"next", next_text(snapshot, route.target)},
                    {"port", port_name(snapshot, port_of(snapshot, route.target))}};
        });
    }
}

/// Positions by name, for people: in the snapshot they are in no order.
std::vector<std::size_t> services_by_name(const Snapshot& snapshot) {
    const auto& desired = snapshot.desired().services;
    std::vector<std::size_t> order(desired.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) {
        const DesiredService& one = desired[i];
        return std::tie(one.network, one.name, one.family, one.protocol, one.group);
    });
    return order;
}

Json service_json(const Snapshot& snapshot, std::size_t position) {
    const Service& service = snapshot.frontends->services()[position];
    const DesiredService& desired = snapshot.desired().services[position];
    Json addresses = Json::array();
    for (const DesiredFrontend& one : desired.frontends) addresses.push_back(endpoint_text(one.address, one.port));
    return {{"name", service.name.view()},
            {"protocol", to_string(desired.protocol)},
            {"network", network_name(snapshot, service.network)},
            {"frontends", std::move(addresses)},
            {"backends", service.backends->backends().size()},
            {"when_empty", service.when_empty == WhenEmpty::reject ? "reject" : "drop"},
            {"affinity_seconds", service.affinity_seconds},
            {"source_ranges", texts(service.source_ranges)},
            {"maglev_slots", service.backends->table().size()}};
}

}  // namespace

std::string network_name(const Snapshot& snapshot, NetworkId id) {
    return static_cast<std::size_t>(id) < snapshot.networks.size() ? snapshot.network(id).settings.name : "";
}

std::string port_name(const Snapshot& snapshot, PortId id) {
    return static_cast<std::size_t>(id) < snapshot.ports.size() ? snapshot.port(id).name : "";
}

Json networks_json(const Snapshot& snapshot, Page page) {
    Listing listing(page);
    for (const Network& network : snapshot.networks) {
        listing.add([&] { return network_json(snapshot, network.settings); });
    }
    return listing.take("networks");
}

Json peers_json(const Snapshot& snapshot, Page page) {
    Listing listing(page);
    for (std::size_t i = 0; i < snapshot.peers.size(); ++i) {
        listing.add([&] { return peer_json(snapshot, i); });
    }
    return listing.take("peers");
}

Json routes_json(const Snapshot& snapshot, Page page) {
    Listing listing(page);
    for (const Network& network : snapshot.networks) {
        list_routes<Ipv4>(listing, snapshot, network);
        list_routes<Ipv6>(listing, snapshot, network);
    }
    return listing.take("routes");
}

Json services_json(const Snapshot& snapshot, Page page) {
    Listing listing(page);
    for (const std::size_t i : services_by_name(snapshot)) listing.add([&] { return service_json(snapshot, i); });
    return listing.take("services");
}

Json backends_json(const Snapshot& snapshot, Page page) {
    const auto& services = snapshot.frontends->services();
    Listing listing(page);
    for (const std::size_t i : services_by_name(snapshot)) {
        for (const Backend& backend : services[i].backends->backends()) {
            listing.add([&]() -> Json {
                return {{"service", services[i].name.view()},
                        {"protocol", to_string(snapshot.desired().services[i].protocol)},
                        {"network", network_name(snapshot, services[i].network)},
                        {"address", endpoint_text(backend.address, backend.port.value())},
                        {"weight", backend.weight}};
            });
        }
    }
    return listing.take("backends");
}

}  // namespace viaduct
