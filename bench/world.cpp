// The simulated cluster's address plan, and its desired state.
#include "bench/world.h"

#include <string>

#include "tables/builder.h"

namespace viaduct {
namespace {

/// Where each kind of address begins.
template <Address A>
struct Plan;

template <>
struct Plan<Ipv4> {
    static constexpr Ipv4 clients{198, 18, 0, 2}, services{10, 96, 0, 1}, pods{10, 128, 0, 2};
    static constexpr Prefix<Ipv4> cluster{Ipv4(10, 128, 0, 0), 9}, own{Ipv4(10, 255, 0, 0), 24};
    static constexpr Prefix<Ipv4> fabric{Ipv4(172, 16, 0, 0), 12}, everywhere{Ipv4(), 0};
    static constexpr Ipv4 vtep{172, 16, 0, 1}, peers{172, 17, 0, 1}, router{192, 0, 2, 254};
    static constexpr std::uint8_t pod_bits = 24;
};

constexpr Ipv6 groups(std::array<std::uint16_t, 8> words) {
    Ipv6 address;
    for (unsigned i = 0; i < 8; ++i) {
        address.bytes[2 * i] = static_cast<std::uint8_t>(words[i] >> 8U);
        address.bytes[2 * i + 1] = static_cast<std::uint8_t>(words[i]);
    }
    return address;
}

template <>
struct Plan<Ipv6> {  // clients: the block for benchmarks (RFC 5180 §8)
    static constexpr Ipv6 clients = groups({0x2001, 2, 0, 1, 0, 0, 0, 2}),
                          services = groups({0xfd00, 0x96, 0, 0, 0, 0, 0, 1});
    static constexpr Ipv6 pods = groups({0xfd00, 0x10, 0, 0, 0, 0, 0, 2});
    static constexpr Prefix<Ipv6> cluster{pods, 48}, own{groups({0xfd00, 0x10, 0, 0xffff, 0, 0, 0, 0}), 64};
    static constexpr Prefix<Ipv6> fabric{groups({0xfd00, 0x172, 0, 0, 0, 0, 0, 0}), 64}, everywhere{Ipv6(), 0};
    static constexpr Ipv6 vtep = groups({0xfd00, 0x172, 0, 0, 0, 0, 0, 1}),
                          peers = groups({0xfd00, 0x172, 0, 0, 0, 0, 1, 0});
    static constexpr Ipv6 router = groups({0x2001, 2, 0, 2, 0, 0, 0, 0xfe});
    static constexpr std::uint8_t pod_bits = 64;
};

/// The last 32 bits, as a number.
std::uint32_t low(const Ipv4& address) noexcept { return address.host(); }
std::uint32_t low(const Ipv6& address) noexcept {
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), address.bytes.data() + 12, 4);
    return std::bit_cast<Be32>(bytes).value();
}

template <Address A>
A plus(A address, std::uint32_t number) noexcept {
    const Be32 sum(low(address) + number);
    std::memcpy(address.bytes.data() + address.bytes.size() - 4, &sum, 4);
    return address;
}

/// Peer i's pods are in 10.128.0.0/24 + i, or in the i-th /64.
template <Address A>
A first_pod(PeerIndex peer) noexcept {
    A first = Plan<A>::pods;
    if constexpr (std::same_as<A, Ipv4>) return plus(first, peer << 8U);
    first.bytes[6] = static_cast<std::uint8_t>(peer >> 8U);
    first.bytes[7] = static_cast<std::uint8_t>(peer);
    return first;
}

Mac numbered_mac(std::uint8_t kind, PeerIndex peer) noexcept {
    return {{2, kind, 0, 0, static_cast<std::uint8_t>(peer >> 8U), static_cast<std::uint8_t>(peer)}};
}

DesiredNetwork make_network() {
    DesiredNetwork network;
    network.name = "bench";
    network.vni = World::vni;
    network.udp_port = World::udp_port;
    network.vtep_v4 = Plan<Ipv4>::vtep;
    network.vtep_v6 = Plan<Ipv6>::vtep;
    network.vtep_mac = World::vtep_mac;
    network.pod_subnet_v4 = Plan<Ipv4>::own;
    network.pod_subnet_v6 = Plan<Ipv6>::own;
    network.cluster_cidrs = {Plan<Ipv4>::cluster, Plan<Ipv6>::cluster};
    network.mtu = 1500;
    network.masquerade = false;  // encap and decap time plain routing; Services are translated all the same
    return network;
}

template <Address Outer, Address Inner>
void add_peers(DesiredState& state, std::uint32_t count) {
    for (PeerIndex i = 0; i < count; ++i) {
        const Prefix<Inner> pods(first_pod<Inner>(i), Plan<Inner>::pod_bits);
        const auto underlay = World::peer_underlay<Outer>(i);
        state.peers.push_back({"node-" + std::to_string(i), World::network, underlay, World::peer_vtep_mac(i), {pods}});
        state.neighbours.push_back({World::underlay, underlay, World::host_mac(i)});
    }
    state.routes.push_back({Plan<Outer>::fabric, DesiredRoute::Kind::connected, World::underlay, {}, NetworkId::none});
}

template <Address Inner>
void add_services(DesiredState& state, const World& world) {
    const std::uint32_t each = world.backends_per_service();
    for (std::uint32_t s = 0; s < world.size().services; ++s) {
        DesiredService service;
        service.name = "bench/service-" + std::to_string(s) + ":http";
        service.network = World::network;
        service.protocol = Protocol::tcp;
        service.family = family_of<Inner>;
        service.frontends = {{World::service<Inner>(s), World::service_port, FrontendKind::load_balancer}};
        for (std::uint32_t b = 0; b < each; ++b)
            service.backends.push_back({world.pod<Inner>(s * each + b).address, World::target_port});
        state.services.push_back(std::move(service));
    }
}

template <Address Inner>
void add_inside(DesiredState& state, const World& world) {
    if (world.outer() == Family::v4)
        add_peers<Ipv4, Inner>(state, world.size().peers);
    else
        add_peers<Ipv6, Inner>(state, world.size().peers);
    add_services<Inner>(state, world);
    const IpAddress router = Plan<Inner>::router;
    state.routes.push_back(
        {Plan<Inner>::everywhere, DesiredRoute::Kind::gateway, World::outside, router, World::network});
    state.neighbours.push_back({World::outside, router, World::router_mac});
}

}  // namespace

World::World(const WorldSize& size, Family inner, Family outer) : size_(size), inner_(inner), outer_(outer) {
    DesiredState state;
    constexpr std::uint16_t mtu = 1600;  // 1518-byte frames fit the tunnel
    state.ports.push_back({.name = "outside",
                           .mac = outside_mac,
                           .mtu = mtu,
                           .network = network,
                           .flow_stable = true,
                           .addresses = {Ipv4(192, 0, 2, 1), groups({0x2001, 2, 0, 2, 0, 0, 0, 1})}});
    state.ports.push_back({.name = "underlay",
                           .mac = underlay_mac,
                           .mtu = mtu,
                           .flow_stable = true,
                           .addresses = {Plan<Ipv4>::vtep, Plan<Ipv6>::vtep}});
    state.networks.push_back(make_network());
    if (inner == Family::v4)
        add_inside<Ipv4>(state, *this);
    else
        add_inside<Ipv6>(state, *this);
    snapshot_ = SnapshotBuilder().build(std::move(state), nullptr);
}

Mac World::host_mac(PeerIndex peer) noexcept { return numbered_mac(1, peer); }
Mac World::peer_vtep_mac(PeerIndex peer) noexcept { return numbered_mac(2, peer); }

template <Address A>
A World::client(std::uint32_t number) noexcept {
    return plus(Plan<A>::clients, number);
}
template <Address A>
A World::service(std::uint32_t number) noexcept {
    return plus(Plan<A>::services, number);
}
template <Address A>
std::uint32_t World::service_number(const A& address) noexcept {
    return low(address) - low(Plan<A>::services);
}
template <Address A>
Pod<A> World::pod(std::uint32_t number) const noexcept {
    const PeerIndex peer = number % size_.peers;
    return {plus(first_pod<A>(peer), number / size_.peers), peer};
}
template <Address A>
Prefix<A> World::own_subnet() noexcept {
    return Plan<A>::own;
}
template <Address A>
A World::vtep() noexcept {
    return Plan<A>::vtep;
}
template <Address A>
A World::peer_underlay(PeerIndex peer) noexcept {
    return plus(Plan<A>::peers, peer);
}
template <Address A>
PeerIndex World::peer_at(const A& address) const noexcept {
    const PeerIndex peer = low(address) - low(Plan<A>::peers);
    return peer < size_.peers && peer_underlay<A>(peer) == address ? peer : no_peer;
}

template Ipv4 World::client(std::uint32_t) noexcept;
template Ipv6 World::client(std::uint32_t) noexcept;
template Ipv4 World::service(std::uint32_t) noexcept;
template Ipv6 World::service(std::uint32_t) noexcept;
template std::uint32_t World::service_number(const Ipv4&) noexcept;
template std::uint32_t World::service_number(const Ipv6&) noexcept;
template Pod<Ipv4> World::pod(std::uint32_t) const noexcept;
template Pod<Ipv6> World::pod(std::uint32_t) const noexcept;
template Prefix<Ipv4> World::own_subnet() noexcept;
template Prefix<Ipv6> World::own_subnet() noexcept;
template Ipv4 World::vtep() noexcept;
template Ipv6 World::vtep() noexcept;
template Ipv4 World::peer_underlay(PeerIndex) noexcept;
template Ipv6 World::peer_underlay(PeerIndex) noexcept;
template PeerIndex World::peer_at(const Ipv4&) const noexcept;
template PeerIndex World::peer_at(const Ipv6&) const noexcept;

}  // namespace viaduct
