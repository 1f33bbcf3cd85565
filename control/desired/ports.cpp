// The kernel's part of desired state.
#include "control/desired/ports.h"

#include <algorithm>

namespace viaduct {

namespace {

bool is_link_local(const IpPrefix& prefix) {
    return IpPrefix(Ipv4{169, 254, 0, 0}, 16).contains(prefix.address) ||
           (!prefix.is_v4() && prefix.address.v6().bytes[0] == 0xfe && (prefix.address.v6().bytes[1] & 0xc0) == 0x80);
}

bool is_loopback(const IpPrefix& prefix) {
    Ipv6 one;
    one.bytes[15] = 1;
    return IpPrefix(Ipv4{127, 0, 0, 0}, 8).contains(prefix.address) || prefix.address == IpAddress(one);
}

bool is_multicast(const IpPrefix& prefix) {
    return prefix.is_v4() ? (prefix.address.v4().bytes[0] & 0xf0) == 0xe0 && prefix.length >= 4
                          : prefix.address.v6().bytes[0] == 0xff;
}

bool is_host_port(std::span<const PortFacts> ports, unsigned interface) {
    return std::ranges::any_of(ports,
                               [&](const PortFacts& port) { return port.host && port.interface_index == interface; });
}

DesiredRoute unicast_route(std::span<const PortFacts> ports, const KernelRoute& route) {
    const PortId port = port_of_interface(ports, route.interface);
    // It leaves by an interface that is not ours: the host's own routing takes care of such packets.
    if (port == PortId::none) return {route.prefix, DesiredRoute::Kind::kernel, PortId::none, {}, NetworkId::none};
    if (route.gateway.is_unspecified()) return {route.prefix, DesiredRoute::Kind::connected, port, {}, NetworkId::none};
    return {route.prefix, DesiredRoute::Kind::gateway, port, route.gateway, NetworkId::none};
}

DesiredRoute route_of(std::span<const PortFacts> ports, const KernelRoute& route) {
    using Kind = DesiredRoute::Kind;
    switch (route.type) {
        case KernelRoute::Type::unicast:
            return unicast_route(ports, route);
        case KernelRoute::Type::unreachable:
        case KernelRoute::Type::blackhole:
        case KernelRoute::Type::prohibit:
            return {route.prefix, Kind::unreachable, PortId::none, {}, NetworkId::none};
        default:
            return {route.prefix, Kind::kernel, PortId::none, {}, NetworkId::none};
    }
}

}  // namespace

NetworkId network_named(const Config& config, const std::string& name) {
    if (name.empty()) return config.networks.empty() ? NetworkId::none : NetworkId{0};
    const auto found = std::ranges::find(config.networks, name, &NetworkConfig::name);
    return found == config.networks.end() ? NetworkId::none : static_cast<NetworkId>(found - config.networks.begin());
}

PortId port_of_interface(std::span<const PortFacts> ports, unsigned interface) {
    for (std::size_t i = 0; interface != 0 && i < ports.size(); ++i)
        if (!ports[i].host && ports[i].interface_index == interface) return static_cast<PortId>(i);
    return PortId::none;
}

PortId host_port_named(std::span<const PortFacts> ports, const std::string& interface) {
    for (std::size_t i = 0; !interface.empty() && i < ports.size(); ++i)
        if (ports[i].host && ports[i].interface_name == interface) return static_cast<PortId>(i);
    return PortId::none;
}

std::vector<DesiredPort> desired_ports(const Config& config, std::span<const PortFacts> ports,
                                       const KernelState& kernel) {
    std::vector<DesiredPort> desired;
    for (const PortFacts& facts : ports) {
        DesiredPort& port = desired.emplace_back();
        port.name = facts.name;
        port.mac = facts.mac;
        port.mtu = facts.mtu;
        // An MTU lowered on the interface holds for the port at once; a raised one needs larger packet buffers.
        if (const KernelInterface* interface = kernel.interface_of(facts.interface_index); interface && interface->mtu)
            port.mtu = std::min(port.mtu, interface->mtu);
        port.network = network_named(config, facts.network);
        port.kernel_port = facts.kernel_port;
        port.host = facts.host;
        // A port that Linux shares has no twin: what was steered away from Linux reaches it by the host's TAP.
        if (!port.host && port.kernel_port == PortId::none && port.network != NetworkId::none)
            port.kernel_port =
                host_port_named(ports, config.networks[static_cast<std::size_t>(port.network)].host_interface);
        port.flow_stable = facts.flow_stable;
        for (const KernelAddress& address : kernel.addresses)
            if (facts.interface_index != 0 && address.interface == facts.interface_index && !address.link_local)
                port.addresses.push_back(address.address);
    }
    return desired;
}

std::vector<DesiredRoute> desired_routes(std::span<const PortFacts> ports, const KernelState& kernel,
                                         std::span<const DesiredNetwork> networks) {
    const auto in_a_cluster = [&](const IpPrefix& prefix) {
        for (const DesiredNetwork& network : networks)
            for (const IpPrefix& cidr : network.cluster_cidrs)
                if (cidr.contains(prefix.address) && cidr.length <= prefix.length) return true;
        return false;
    };
    std::vector<DesiredRoute> desired;
    for (const KernelRoute& route : kernel.routes) {
        if (is_link_local(route.prefix) || is_loopback(route.prefix) || is_multicast(route.prefix)) continue;
        const bool ours = port_of_interface(ports, route.interface) != PortId::none;
        // What we told the kernel to send to us must not come back as a route of the kernel's.
        if (!ours && (is_host_port(ports, route.interface) || in_a_cluster(route.prefix))) continue;
        // The tables are sorted local first, and local addresses win over main's routes of the same prefix.
        desired.push_back(route_of(ports, route));
    }
    std::ranges::stable_sort(desired, {}, &DesiredRoute::prefix);
    const auto same = [](const DesiredRoute& a, const DesiredRoute& b) { return a.prefix == b.prefix; };
    desired.erase(std::unique(desired.begin(), desired.end(), same), desired.end());
    return desired;
}

std::vector<DesiredNeighbour> desired_neighbours(std::span<const PortFacts> ports, const KernelState& kernel) {
    std::vector<DesiredNeighbour> desired;
    for (const KernelNeighbour& neighbour : kernel.neighbours) {
        const PortId port = port_of_interface(ports, neighbour.interface);
        if (port == PortId::none || !neighbour.usable || neighbour.mac.is_multicast() || neighbour.mac.is_zero())
            continue;
        desired.push_back({port, neighbour.address, neighbour.mac});
    }
    return desired;
}

}  // namespace viaduct
