// Desired state: what the gateway should forward, in plain values. Control computes it from its sources and from the
// kernel; the builder turns it into a snapshot. Equal values mean equal behaviour: reconcile compares them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "encap/net_types.h"
#include "encap/packet.h"
#include "lb/service.h"
#include "tables/shared_list.h"

namespace viaduct {

/// What goes into the outer UDP checksum over IPv4. Over IPv6 it is always computed (RFC 8200 §8.1).
enum class OuterChecksum : std::uint8_t { zero, valid };
/// Whether the outer DSCP repeats the inner one or is fixed (RFC 2983).
enum class DscpMode : std::uint8_t { uniform, pipe };

/// One overlay. At most 255; the NetworkId is the position in DesiredState::networks.
struct DesiredNetwork {
    std::string name;
    Vni vni;
    bool any_vni = false;  // Cilium: the VNI carries an identity; accept all
    std::uint16_t udp_port = 8472;
    std::optional<Ipv4> vtep_v4;  // our underlay addresses
    std::optional<Ipv6> vtep_v6;
    Mac vtep_mac;                               // our inner MAC address
    std::vector<Mac> former_macs;               // still accepted: peers that have not heard of a change
    std::optional<Prefix<Ipv4>> pod_subnet_v4;  // our own: SNAT addresses, and the host's first address
    std::optional<Prefix<Ipv6>> pod_subnet_v6;
    std::vector<IpPrefix> cluster_cidrs;  // all pods of this overlay: the inside
    /// Pods in these get plain packets when their node is a neighbour on the underlay: flannel's DirectRouting,
    /// Calico's CrossSubnet.
    std::vector<IpPrefix> direct_cidrs;
    std::uint16_t mtu = 1450;  // of inner IP packets: the least of the peers', for the host's interface
    bool masquerade = true;    // outside → pod gets a source address that nodes route back to us
    OuterChecksum outer_checksum = OuterChecksum::zero;
    DscpMode dscp = DscpMode::uniform;
    std::uint8_t pipe_dscp = 0;
    std::uint8_t ttl = 64;            // outer
    PortId host_port = PortId::none;  // the TAP through which the host reaches pods
    bool operator==(const DesiredNetwork&) const = default;
};

/// A remote VTEP.
struct DesiredPeer {
    std::string name;
    NetworkId network{};
    IpAddress underlay;
    Mac vtep_mac;
    std::vector<IpPrefix> pod_subnets;
    std::uint16_t mtu = 1450;  // of inner IP packets on the way to it
    bool operator==(const DesiredPeer&) const = default;
};

enum class FrontendKind : std::uint8_t { cluster_ip, node_port, external_ip, load_balancer };

struct DesiredFrontend {
    IpAddress address;
    std::uint16_t port = 0;
    FrontendKind kind{};
    bool operator==(const DesiredFrontend&) const = default;
};

struct DesiredBackend {
    IpAddress address;
    std::uint16_t port = 0;
    std::uint32_t weight = 1;
    auto operator<=>(const DesiredBackend&) const = default;
};

/// Frontends of one Service port and family that share their backends and policy.
struct DesiredService {
    std::string name;   // "namespace/name:port", unique together with protocol, family and `group`
    std::string group;  // "", or what sets this group's policy apart ("local", "load-balancer")
    NetworkId network{};
    Protocol protocol{};
    Family family{};
    WhenEmpty when_empty = WhenEmpty::reject;
    std::uint32_t affinity_seconds = 0;
    std::vector<IpPrefix> source_ranges;  // both families allowed; only its own can match
    std::vector<DesiredFrontend> frontends;
    std::vector<DesiredBackend> backends;
    bool operator==(const DesiredService&) const = default;
};

/// An ethdev of the gateway. The PortId is the position in DesiredState::ports.
struct DesiredPort {
    std::string name;
    Mac mac;
    std::uint16_t mtu = 1500;
    NetworkId network = NetworkId::none;  // whose pods plain packets from this port may address
    PortId kernel_port = PortId::none;    // where packets for the kernel go
    bool host = false;                    // a network's host TAP or a kernel twin: the other end is this host's kernel
    bool flow_stable = false;             // its receive queues keep a flow together (RSS, or a single queue)
    std::vector<IpAddress> addresses;     // the kernel's on this interface: sources of ICMP errors
    bool operator==(const DesiredPort&) const = default;
};

/// A route of the kernel's that leaves by one of our ports (or says local / unreachable).
struct DesiredRoute {
    enum class Kind : std::uint8_t { connected, gateway, kernel, unreachable };
    IpPrefix prefix;
    Kind kind{};
    PortId port = PortId::none;           // connected, gateway
    IpAddress gateway;                    // gateway
    NetworkId network = NetworkId::none;  // none: in every network's table
    bool operator==(const DesiredRoute&) const = default;
};

/// A resolved neighbour (ARP, ND).
struct DesiredNeighbour {
    PortId port{};
    IpAddress address;
    Mac mac;
    bool operator==(const DesiredNeighbour&) const = default;
};

struct DesiredState {
    std::vector<DesiredPort> ports;
    std::vector<DesiredNetwork> networks;
    SharedList<DesiredPeer> peers;        // thousands, of which a change touches few
    SharedList<DesiredService> services;  // likewise; in no order
    std::vector<DesiredRoute> routes;
    std::vector<DesiredNeighbour> neighbours;
    bool operator==(const DesiredState&) const = default;
};

}  // namespace viaduct
