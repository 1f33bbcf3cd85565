// A small cluster as desired state, for the builder's tests: one gateway, two nodes, both families.
#pragma once

#include <string>

#include "tables/snapshot.h"

namespace viaduct {

inline constexpr PortId outside_port{0};
inline constexpr PortId underlay_port{1};
inline constexpr NetworkId first_network{0};

template <class A>
A address(std::uint8_t net, std::uint8_t host);
/// 10.244.`net`.`host`
template <>
inline Ipv4 address<Ipv4>(std::uint8_t net, std::uint8_t host) {
    return {10, 244, net, host};
}
/// fd00:10:244:`net`::`host`
template <>
inline Ipv6 address<Ipv6>(std::uint8_t net, std::uint8_t host) {
    Ipv6 a;
    a.bytes = {0xfd, 0, 0, 0x10, 2, 0x44, 0, net, 0, 0, 0, 0, 0, 0, 0, host};
    return a;
}

/// An address of the underlay: 192.168.1.`host` or fd01::`host`.
template <class A>
A underlay(std::uint8_t host) {
    if constexpr (std::same_as<A, Ipv4>) {
        return {192, 168, 1, host};
    } else {
        Ipv6 a;
        a.bytes[0] = 0xfd;
        a.bytes[1] = 1;
        a.bytes[15] = host;
        return a;
    }
}

template <class A>
inline constexpr std::uint8_t subnet_bits = std::same_as<A, Ipv4> ? 24 : 64;
template <class A>
Prefix<A> subnet(std::uint8_t net) {
    return {address<A>(net, 0), subnet_bits<A>};
}
template <class A>
const NetworkFamily<A>& family(const Snapshot& snapshot) {
    return snapshot.network(first_network).family<A>();
}

inline Mac mac(std::uint8_t last) { return Mac{{2, 0, 0, 0, 0, last}}; }

inline DesiredPort port(const std::string& name, Mac mac) {
    DesiredPort port;
    port.name = name;
    port.mac = mac;
    return port;
}
inline DesiredNetwork network(const std::string& name, std::uint32_t vni, std::uint16_t udp_port = 8472) {
    DesiredNetwork network;
    network.name = name;
    network.vni = Vni(vni);
    network.udp_port = udp_port;
    return network;
}

/// Network "pods" with our subnet 9, peers "a" (subnet 1) and "b" (subnet 2) over family A, neighbours resolved.
template <class A>
DesiredState small_cluster() {
    DesiredState state;
    state.ports = {port("outside", mac(1)), port("underlay", mac(2))};
    DesiredNetwork pods = network("pods", 1);
    pods.vtep_v4 = underlay<Ipv4>(9);
    pods.vtep_v6 = underlay<Ipv6>(9);
    pods.vtep_mac = mac(9);
    pods.pod_subnet_v4 = subnet<Ipv4>(9);
    pods.pod_subnet_v6 = subnet<Ipv6>(9);
    pods.cluster_cidrs = {IpPrefix(address<Ipv4>(0, 0), 16), IpPrefix(address<Ipv6>(0, 0), 56)};
    state.networks = {pods};
    const auto add_peer = [&](const char* name, std::uint8_t n, Mac vtep, Mac hop) {
        state.peers.push_back({name, first_network, underlay<A>(n), vtep, {subnet<Ipv4>(n), subnet<Ipv6>(n)}});
        state.neighbours.push_back({underlay_port, underlay<A>(n), hop});
    };
    add_peer("a", 1, mac(0x11), mac(0x21));
    add_peer("b", 2, mac(0x12), mac(0x22));
    const IpPrefix underlay_net(underlay<A>(0), subnet_bits<A>);
    state.routes = {{underlay_net, DesiredRoute::Kind::connected, underlay_port, {}, NetworkId::none}};
    return state;
}

/// "default/NAME:http" on 10.244.200.`host`:80 or its IPv6 counterpart, served by pods `first` … `last` of node 1.
template <class A>
DesiredService web_service(const std::string& name, std::uint8_t host, std::uint8_t first, std::uint8_t last) {
    DesiredService service;
    service.name = "default/" + name + ":http";
    service.network = first_network;
    service.protocol = Protocol::tcp;
    service.family = family_of<A>;
    service.frontends = {{address<A>(200, host), 80, FrontendKind::cluster_ip}};
    for (unsigned pod = first; pod <= last; ++pod)
        service.backends.push_back({address<A>(1, static_cast<std::uint8_t>(pod)), 8080, 1});
    return service;
}

}  // namespace viaduct
