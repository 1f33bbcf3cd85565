// The snapshot: one immutable, versioned picture of all forwarding state. Workers read it and nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "encap/ecn.h"
#include "encap/vxlan.h"
#include "lb/service.h"
#include "lb/snat.h"
#include "tables/desired.h"
#include "tables/frontends.h"
#include "tables/neighbours.h"
#include "tables/prefix_set.h"
#include "tables/probe_table.h"
#include "tables/routes.h"
#include "tables/shared_array.h"

namespace viaduct {

/// The forwarding state of one address family in one network.
template <Address A>
struct NetworkFamily {
    std::shared_ptr<const RouteTable<A>> routes = RouteTable<A>::empty();  // never null
    SnatPool<A> snat;                     // pod_subnet without its network, host and broadcast addresses
    PrefixSet<A> inside;                  // the cluster's pods (cluster CIDRs)
    std::optional<Prefix<A>> pod_subnet;  // our own
    A gateway{};                          // the host's address in pod_subnet: source of ICMP errors to pods
};

struct Network {
    DesiredNetwork settings;
    NetworkFamily<Ipv4> v4;
    NetworkFamily<Ipv6> v6;
    template <Address A>
    [[nodiscard]] const NetworkFamily<A>& family() const noexcept {
        if constexpr (std::same_as<A, Ipv4>)
            return v4;
        else
            return v6;
    }
};

/// What a packet to it needs is in the first two cache lines.
struct alignas(64) Peer {
    VxlanTemplate headers;       // first: the line that encapsulate copies
    PortId port = PortId::none;  // egress; none while the next hop is unresolved
    NetworkId network{};
    std::uint16_t mtu = 0;    // of inner IP packets
    std::uint16_t limit = 0;  // the longest ones that can go now: `mtu`, or 0 while the next hop is unresolved
    OuterTos tos = OuterTos::uniform();
    OuterUdpChecksum checksum = OuterUdpChecksum::zero;
    std::uint32_t next_hop = 0;  // index: whom to resolve when `headers.length` is 0
    IpAddress underlay;
    std::string name;
};

/// Where a frame goes on a port of ours.
struct alignas(64) NextHop {
    PortId port = PortId::none;
    bool resolved = false;
    std::uint16_t limit = 0;  // the port's MTU, or 0 while it is unresolved
    EthernetHeader ethernet;  // as in front of an IPv4 packet
    IpAddress address;        // what to ask ARP or ND for
};

/// What the workers ask of a port for every packet.
struct alignas(32) PortTraits {
    std::uint64_t mac = ~std::uint64_t{0};  // Mac::word(); of no port: nobody's
    std::uint64_t own_addresses = 0;        // a bit for each of its addresses, by last byte; none for a host's port
    std::uint16_t mtu = 0;
    NetworkId network = NetworkId::none;
    PortId kernel_port = PortId::none;
    bool exists = false, host = false, flow_stable = false;
};
static_assert(sizeof(PortTraits) == 32);

class Snapshot {
public:
    std::uint64_t version = 0;           // grows by one with each publication
    std::uint32_t services_version = 0;  // changes when any service or backend did

    std::vector<DesiredPort> ports;
    std::vector<Network> networks;
    SharedArray<Peer> peers;
    SharedArray<NextHop> next_hops;
    // never null
    std::shared_ptr<const NeighbourTable> neighbours = std::make_shared<const NeighbourTable>();
    std::shared_ptr<const FrontendTable> frontends = std::make_shared<const FrontendTable>();

    [[nodiscard]] const Network& network(NetworkId id) const noexcept { return networks[static_cast<std::size_t>(id)]; }
    /// False for `none`, and for what an older snapshot had and this one has not.
    [[nodiscard]] bool has(NetworkId id) const noexcept { return static_cast<std::size_t>(id) < network_count_; }
    /// Of a network that there is not: nowhere.
    template <Address A>
    [[nodiscard]] const RouteTable<A>& routes(NetworkId id) const noexcept {
        return *(has(id) ? network(id) : nowhere_).template family<A>().routes;
    }
    [[nodiscard]] bool has(PortId id) const noexcept { return traits(id).exists; }
    [[nodiscard]] const DesiredPort& port(PortId id) const noexcept { return ports[static_cast<std::size_t>(id)]; }
    /// Of any id: `exists` tells whether it is a port.
    [[nodiscard]] const PortTraits& traits(PortId id) const noexcept { return traits_[static_cast<std::size_t>(id)]; }
    /// Whether this is an address of the port itself, which is no host's: then nobody may send from it.
    template <Address A>
    [[nodiscard]] bool owns(PortId id, const A& address) const noexcept {
        return (traits(id).own_addresses >> address_bit(address) & 1U) != 0 && owns_exactly(id, address);
    }

    /// The network that a tunnel packet to one of our endpoints belongs to, or nullptr. Exact VNI first, then an
    /// `any_vni` network. Two clusters may have the same port and VNI: then they know us by different addresses.
    template <Address A>
    [[nodiscard]] const Network* network_of(const A& destination, std::uint16_t udp_port, Vni vni) const noexcept;
    [[nodiscard]] NetworkId id_of(const Network& network) const noexcept {
        return static_cast<NetworkId>(&network - networks.data());
    }
    /// Whether UDP packets to this address and port are tunnel packets for us.
    [[nodiscard]] bool is_vtep(const Ipv4& destination, Be16 port) const noexcept {
        return has(vteps_v4_, {destination, port});
    }
    [[nodiscard]] bool is_vtep(const Ipv6& destination, Be16 port) const noexcept {
        return has(vteps_v6_, {destination, port});
    }
    /// The peer of this network with this underlay address, or no_peer.
    [[nodiscard]] PeerIndex peer_of(NetworkId network, const Ipv4& underlay) const noexcept {
        return peers_v4_.find(network, underlay);
    }
    [[nodiscard]] PeerIndex peer_of(NetworkId network, const Ipv6& underlay) const noexcept {
        return peers_v6_.find(network, underlay);
    }
    [[nodiscard]] PeerIndex peer_of(NetworkId network, IpAddress underlay) const noexcept {
        return underlay.is_v4() ? peer_of(network, underlay.v4()) : peer_of(network, underlay.v6());
    }

    /// What it was built from: for people and for the next build.
    [[nodiscard]] const DesiredState& desired() const noexcept { return *desired_; }

private:
    friend class SnapshotBuilder;
    /// The peers with underlay addresses of one family.
    template <Address A>
    class PeerMap {
    public:
        PeerMap() = default;
        explicit PeerMap(std::size_t peers) : keys_(peers) {}
        /// Of two peers with one address in a network the first one stays.
        void add(NetworkId network, const A& underlay, PeerIndex index) noexcept {
            Key& key = keys_.place(hash(network, underlay), [&](const Key& k) { return k.is(network, underlay); });
            if (!key.used()) key = {underlay, network, index};
        }
        [[nodiscard]] PeerIndex find(NetworkId network, const A& underlay) const noexcept {
            const Key* key = keys_.find(hash(network, underlay), [&](const Key& k) { return k.is(network, underlay); });
            if (key == nullptr) return no_peer;
            if (!key->used()) __builtin_unreachable();  // so that who asks for no_peer need not look again
            return key->index;
        }

    private:
        struct Key {
            A underlay{};
            NetworkId network{};
            PeerIndex index = no_peer;
            [[nodiscard]] bool used() const noexcept { return index != no_peer; }
            [[nodiscard]] bool is(NetworkId in, const A& address) const noexcept {
                return underlay == address && network == in;
            }
        };
        static std::uint64_t hash(NetworkId network, const A& underlay) noexcept {
            auto with_network = words(underlay);
            with_network.back() ^= static_cast<std::uint64_t>(network) << 32U;
            return hash_of(with_network);
        }
        ProbeTable<Key> keys_;
    };
    template <Address A>
    static std::uint64_t address_bit(const A& address) noexcept {
        return std::uint64_t{address.bytes.back()} % 64U;
    }
    template <Address A>
    struct Vtep {
        A address;
        Be16 port;
        bool operator==(const Vtep&) const = default;
    };
    /// One or two of them, as a rule.
    template <Address A>
    static bool has(const std::vector<Vtep<A>>& vteps, const Vtep<A>& wanted) noexcept {
        for (const Vtep<A>& vtep : vteps)
            if (vtep.port == wanted.port && vtep.address == wanted.address) return true;
        return false;
    }
    template <Address A>
    static void add(std::vector<Vtep<A>>& vteps, const Vtep<A>& vtep) {
        if (!has(vteps, vtep)) vteps.push_back(vtep);
    }
    [[nodiscard]] bool owns_exactly(PortId id, IpAddress address) const noexcept;
    /// From the parts that people read to what the workers look up. The peers' part may be another snapshot's.
    void index();
    void index_peers();

    std::array<PortTraits, 256> traits_{};  // by PortId, `none` too
    std::uint32_t network_count_ = 0;
    Network nowhere_;
    std::vector<Vtep<Ipv4>> vteps_v4_;
    std::vector<Vtep<Ipv6>> vteps_v6_;
    PeerMap<Ipv4> peers_v4_;
    PeerMap<Ipv6> peers_v6_;
    std::shared_ptr<const DesiredState> desired_ = std::make_shared<const DesiredState>();
};

}  // namespace viaduct
