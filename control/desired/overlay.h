// What the objects of an overlay with its own address management say about a network: Calico's and Cilium's, read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/desired/network_objects.h"
#include "tables/desired.h"

namespace viaduct {

/// An address of a node inside another node's subnet.
struct HostRoute {
    IpAddress address;
    std::string node;
};

struct Overlay {
    Vni vni;
    bool any_vni = false;
    std::uint16_t udp_port = 0;
    std::uint16_t mtu_v4 = 0, mtu_v6 = 0;  // most that an inner packet may have, by the tunnel's family; 0: no say
    std::vector<IpPrefix> cluster_cidrs;   // empty: what the peers' subnets are
    std::vector<IpPrefix> direct_cidrs;
    std::optional<IpAddress> vtep_v4, vtep_v6;  // the gateway's own, where its objects tell
    std::optional<IpPrefix> pod_subnet_v4, pod_subnet_v6;
    std::vector<Mac> macs;  // what nodes send to; the first is the gateway's
    std::vector<DesiredPeer> peers;
    std::vector<HostRoute> host_routes;
};

struct OverlayInput {
    const NetworkConfig& config;
    NetworkId id{};
    const NetworkObjects& objects;
};

/// VNI and port, which the configuration may overrule, included.
[[nodiscard]] Overlay calico_overlay(const OverlayInput& input, std::vector<Finding>& findings);
[[nodiscard]] Overlay cilium_overlay(const OverlayInput& input, std::vector<Finding>& findings);

/// The configured endpoint of this family, else what the overlay tells.
[[nodiscard]] std::optional<IpAddress> own_vtep(const NetworkConfig& config, const Overlay& overlay, Family family);
[[nodiscard]] std::optional<IpPrefix> own_subnet(const NetworkConfig& config, const Overlay& overlay, Family family);

/// The MAC address that Calico's nodes take for a node's that announces none: 'f', and the first five bytes of the
/// SHA-1 of its name; for IPv6 of the name with "-v6" behind it.
[[nodiscard]] Mac calico_mac(const std::string& node, Family family);
/// Of a tunnel endpoint in a Cilium network: 0a:0a and the address's last four bytes. Cilium's nodes take every inner
/// MAC address, and send to the one that their VTEP settings name.
[[nodiscard]] Mac cilium_mac(const IpAddress& underlay);

}  // namespace viaduct
