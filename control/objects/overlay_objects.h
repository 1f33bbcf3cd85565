// What Calico and Cilium keep of their own in the API, as far as the gateway uses it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/objects/object_key.h"
#include "encap/net_types.h"

namespace viaduct {

/// How a pool's packets go from node to node: always in a tunnel, only to another subnet of the underlay, or plain.
enum class PoolTunnel : std::uint8_t { never, cross_subnet, always };

/// Calico's IPPool (crd.projectcalico.org/v1).
struct IpPool {
    ObjectKey key;
    IpPrefix cidr;
    PoolTunnel vxlan = PoolTunnel::never;
    PoolTunnel ipip = PoolTunnel::never;
    bool nat_outgoing = false;  // nodes masquerade what leaves all pools
    bool disabled = false;      // no pod gets an address out of it
    bool operator==(const IpPool&) const = default;
};

/// Calico's BlockAffinity: whose block it is.
struct BlockAffinity {
    ObjectKey key;
    IpPrefix cidr;
    std::string node;
    bool confirmed = false;  // state: confirmed, and not being deleted
    bool operator==(const BlockAffinity&) const = default;
};

/// Calico's IPAMBlock: only what is at odds with its affinity, so that pods which come and go change nothing here.
struct IpamBlock {
    struct Borrowed {
        IpAddress address;
        std::string node;
        bool operator==(const Borrowed&) const = default;
    };
    ObjectKey key;
    IpPrefix cidr;
    std::string node;                // affinity: host:NODE; "": nobody's
    std::vector<Borrowed> borrowed;  // addresses that other nodes hold
    bool full = false;               // no address is left to be given to a pod
    bool operator==(const IpamBlock&) const = default;
};

/// Calico's FelixConfiguration of the name `default`.
struct FelixConfig {
    ObjectKey key;
    std::optional<Vni> vxlan_vni;
    std::optional<std::uint16_t> vxlan_port;
    std::uint16_t vxlan_mtu = 0, vxlan_mtu_v6 = 0;  // 0: the underlay's less the overhead
    std::vector<IpPrefix> external_nodes;           // externalNodesList: whose tunnel packets nodes accept besides
    bool operator==(const FelixConfig&) const = default;
};

/// Cilium's CiliumNode (cilium.io/v2).
struct CiliumNode {
    struct Place {
        std::string type;  // InternalIP, ExternalIP, CiliumInternalIP
        IpAddress address;
        bool operator==(const Place&) const = default;
    };
    ObjectKey key;
    std::vector<Place> addresses;
    std::vector<IpPrefix> pod_cidrs;  // spec.ipam.podCIDRs and what its pools have allocated
    bool operator==(const CiliumNode&) const = default;
};

/// Cilium's ConfigMap `cilium-config`.
struct CiliumConfig {
    struct Vtep {
        IpAddress endpoint;
        IpPrefix cidr;
        Mac mac;
        bool operator==(const Vtep&) const = default;
    };
    ObjectKey key;
    std::string mode = "vxlan";     // what carries packets from node to node: "vxlan", "geneve", "native"
    std::uint16_t tunnel_port = 0;  // 0: Cilium's default
    std::uint16_t mtu = 0;          // of the underlay; 0: detected
    std::vector<IpPrefix> pool_cidrs;
    std::vector<Vtep> vteps;  // whom nodes know as external tunnel endpoints
    std::string vtep_mask;    // of all their CIDRs: "255.255.255.0"
    bool operator==(const CiliumConfig&) const = default;
};

}  // namespace viaduct
