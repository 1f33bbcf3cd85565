// The snapshot: one immutable, versioned picture of all forwarding state. Workers read it and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "encap/vxlan.h"
#include "lb/service.h"
#include "lb/snat.h"
#include "tables/desired.h"
#include "tables/frontends.h"
#include "tables/neighbours.h"
#include "tables/probe_table.h"
#include "tables/routes.h"

namespace viaduct {

/// The forwarding state of one address family in one network.
template <Address A>
struct NetworkFamily {
    std::shared_ptr<const RouteTable<A>> routes = std::make_shared<const RouteTable<A>>();  // never null
    std::vector<Prefix<A>> inside;        // the cluster's pods (cluster CIDRs)
    std::optional<Prefix<A>> pod_subnet;  // our own
    SnatPool<A> snat;                     // pod_subnet without its network, host and broadcast addresses
    A gateway{};                          // the host's address in pod_subnet: source of ICMP errors to pods

    [[nodiscard]] bool is_inside(A address) const noexcept {
        for (const Prefix<A>& prefix : inside)
            if (prefix.contains(address)) return true;
        return false;
    }
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

struct Peer {
    VxlanTemplate headers;       // first: the line that encapsulate copies
    PortId port = PortId::none;  // egress; none while the next hop is unresolved
    NetworkId network{};
    std::uint32_t next_hop = 0;  // index: whom to resolve when `headers.length` is 0
    std::uint16_t mtu = 0;       // of inner IP packets
    IpAddress underlay;
    std::string name;
};

/// Where a frame goes on a port of ours.
struct NextHop {
    PortId port = PortId::none;
    Mac destination;
    Mac source;
    bool resolved = false;
    IpAddress address;  // what to ask ARP or ND for
};

class Snapshot {
public:
    std::uint64_t version = 0;           // grows by one with each publication
    std::uint32_t services_version = 0;  // changes when any service or backend did

    std::vector<DesiredPort> ports;
    std::vector<Network> networks;
    std::vector<Peer> peers;
    std::vector<NextHop> next_hops;
    // never null
    std::shared_ptr<const NeighbourTable> neighbours = std::make_shared<const NeighbourTable>();
    std::shared_ptr<const FrontendTable> frontends = std::make_shared<const FrontendTable>();

    [[nodiscard]] const Network& network(NetworkId id) const noexcept { return networks[static_cast<std::size_t>(id)]; }
    /// False for `none`, and for what an older snapshot had and this one has not.
    [[nodiscard]] bool has(NetworkId id) const noexcept { return static_cast<std::size_t>(id) < networks.size(); }
    [[nodiscard]] bool has(PortId id) const noexcept { return static_cast<std::size_t>(id) < ports.size(); }
    [[nodiscard]] const DesiredPort& port(PortId id) const noexcept { return ports[static_cast<std::size_t>(id)]; }

    /// The network that a tunnel packet to one of our endpoints belongs to, or nullptr. Exact VNI first, then an
    /// `any_vni` network. Two clusters may have the same port and VNI: then they know us by different addresses.
    template <Address A>
    [[nodiscard]] const Network* network_of(const A& destination, std::uint16_t udp_port, Vni vni) const noexcept;
    [[nodiscard]] NetworkId id_of(const Network& network) const noexcept {
        return static_cast<NetworkId>(&network - networks.data());
    }
    /// Whether UDP packets to this address and port are tunnel packets for us.
    [[nodiscard]] bool is_vtep(IpAddress destination, std::uint16_t udp_port) const noexcept;
    /// The peer of this network with this underlay address, or no_peer.
    [[nodiscard]] PeerIndex peer_of(NetworkId network, IpAddress underlay) const noexcept;

    /// What it was built from: for people and for the next build.
    [[nodiscard]] const DesiredState& desired() const noexcept { return *desired_; }

private:
    friend class SnapshotBuilder;
    struct PeerKey {
        IpAddress underlay;
        NetworkId network{};
        PeerIndex index = no_peer;
        [[nodiscard]] bool used() const noexcept { return index != no_peer; }
    };
    static std::uint64_t hash(NetworkId network, IpAddress underlay) noexcept {
        return spread(hash_of(underlay.v6()) + static_cast<std::uint64_t>(network));
    }
    void index_peers();

    ProbeTable<PeerKey> peer_index_;
    std::shared_ptr<const DesiredState> desired_ = std::make_shared<const DesiredState>();
};

}  // namespace viaduct
