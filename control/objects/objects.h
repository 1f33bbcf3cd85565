// Kubernetes objects, as far as the gateway uses them: plain values, whatever they were read from.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "control/objects/label_selector.h"
#include "control/objects/overlay_objects.h"
#include "encap/packet.h"

namespace viaduct {

/// A Node, with its overlay's annotations as they stand there: whether they are good is decided where they are used.
struct NodeObject {
    ObjectKey key;
    std::string uid;                     // "": not from an API server
    bool is_gateway = false;             // label viaduct.dev/gateway: a Node of a gateway's own making
    bool is_ready = false;               // of such a Node alone, for nothing depends on the others' conditions
    std::string zone;                    // label topology.kubernetes.io/zone
    std::vector<std::string> pod_cidrs;  // spec.podCIDRs, else spec.podCIDR
    struct Flannel {
        bool managed = false;  // kube-subnet-manager: "true"
        std::string backend_type, backend_data, backend_v6_data, public_ip, public_ipv6;
        bool v4_alone = false;  // out of etcd, where a lease without IPv6 is one for IPv4; a Node's is none then
        std::string public_ip_overwrite{}, public_ipv6_overwrite{};  // an operator's, for its own Node to announce
        bool operator==(const Flannel&) const = default;
    } flannel;
    /// One family of Calico's annotations: projectcalico.org/IPv4Address, IPv4VXLANTunnelAddr, VXLANTunnelMACAddr.
    struct Calico {
        std::string address;  // with its subnet's length: "192.0.2.11/24"
        std::string tunnel_address, tunnel_mac;
        bool operator==(const Calico&) const = default;
    } calico_v4, calico_v6;
    std::vector<std::string> cilium_pod_cidrs;    // network.cilium.io/ipv4-pod-cidr, ipv6-pod-cidr
    std::vector<std::string> internal_addresses;  // status.addresses of type InternalIP
    bool operator==(const NodeObject&) const = default;
};

/// A Namespace, for the pools that choose among them.
struct NamespaceObject {
    ObjectKey key;
    Labels labels;
    bool operator==(const NamespaceObject&) const = default;
};

struct ServicePort {
    std::string name;
    Protocol protocol = Protocol::tcp;
    std::uint16_t port = 0;
    std::uint16_t node_port = 0;  // 0: none
    bool operator==(const ServicePort&) const = default;
};

enum class TrafficPolicy : std::uint8_t { cluster, local };
enum class FamilyPolicy : std::uint8_t { unset, single, prefer_dual, require_dual };

/// What a Service of type LoadBalancer asks for, as it stands there: whether it is good is decided where it is used.
struct LoadBalancerWish {
    std::string addresses;    // annotation viaduct.dev/addresses, else spec.loadBalancerIP: separated by commas
    std::string pool;         // annotation viaduct.dev/pool
    std::string sharing_key;  // annotation viaduct.dev/share
    bool operator==(const LoadBalancerWish&) const = default;
};

struct ServiceObject {
    ObjectKey key;
    std::string uid;             // "": not from an API server
    bool load_balancer = false;  // type: LoadBalancer
    bool headless = false;       // clusterIP: None, or so labelled
    bool external_name = false;  // type: ExternalName
    std::string proxy_name;      // label service.kubernetes.io/service-proxy-name: another proxy's
    std::string load_balancer_class;
    std::vector<IpAddress> cluster_ips;
    std::vector<Family> families;  // spec.ipFamilies
    FamilyPolicy family_policy = FamilyPolicy::unset;
    LoadBalancerWish wish;
    std::vector<IpAddress> external_ips;
    std::vector<IpAddress> ingress_ips;  // status.loadBalancer.ingress, of either ipMode
    std::string ingress_text;            // the same with host names and modes: "203.0.113.1 VIP,lb.example.com"
    std::vector<ServicePort> ports;
    std::vector<IpPrefix> source_ranges;
    TrafficPolicy internal_policy = TrafficPolicy::cluster;
    TrafficPolicy external_policy = TrafficPolicy::cluster;
    std::uint32_t affinity_seconds = 0;  // 0: none
    bool publish_not_ready = false;
    bool operator==(const ServiceObject&) const = default;
};

struct Endpoint {
    IpAddress address;
    bool ready = true, serving = true, terminating = false;  // what an unset condition means
    std::string node_name;
    std::vector<std::string> zone_hints, node_hints;
    bool operator==(const Endpoint&) const = default;
};

struct EndpointPort {
    std::string name;
    Protocol protocol = Protocol::tcp;
    std::uint16_t port = 0;  // 0: unset, and the port is ignored
    bool operator==(const EndpointPort&) const = default;
};

struct EndpointSlice {
    ObjectKey key;
    std::string service;             // label kubernetes.io/service-name, in the same namespace
    std::optional<Family> family{};  // nothing: FQDN
    /// When the change happened that made the controller write this (annotation
    /// endpoints.kubernetes.io/last-change-trigger-time); epoch: unknown.
    std::chrono::system_clock::time_point changed_at{};
    std::vector<Endpoint> endpoints;
    std::vector<EndpointPort> ports;
    bool operator==(const EndpointSlice&) const = default;
};

/// A v1 Endpoints object, as the slices that Kubernetes would mirror it to: one for each subset and family.
struct Endpoints {
    ObjectKey key;
    bool skip_mirror = false;
    std::vector<EndpointSlice> slices;
    bool operator==(const Endpoints&) const = default;
};

/// flannel's net-conf.json out of its ConfigMap, or out of etcd.
struct FlannelConfig {
    /// How flanneld cuts a family's network into subnets of its nodes, when it is not Kubernetes that does.
    struct Subnets {
        std::uint8_t length = 0;  // 0: flannel's default
        std::optional<IpAddress> first, last;
        bool operator==(const Subnets&) const = default;
    };
    ObjectKey key;
    std::optional<IpPrefix> network, ipv6_network;
    Subnets subnets, ipv6_subnets;
    bool enable_v4 = true, enable_v6 = false;
    std::string backend_type = "udp";  // flannel's own default
    std::uint32_t vni = 1;
    std::uint16_t port = 8472;
    std::uint16_t underlay_mtu = 0;  // 0: the interface's
    bool direct_routing = false;
    bool operator==(const FlannelConfig&) const = default;
};

template <class T>
using Shared = std::shared_ptr<const T>;
using Object = std::variant<Shared<NodeObject>, Shared<ServiceObject>, Shared<EndpointSlice>, Shared<Endpoints>,
                            Shared<FlannelConfig>, Shared<IpPool>, Shared<BlockAffinity>, Shared<IpamBlock>,
                            Shared<FelixConfig>, Shared<CiliumNode>, Shared<CiliumConfig>, Shared<NamespaceObject>>;
[[nodiscard]] const ObjectKey& key_of(const Object& object);

/// All objects of a source. Shared, so that one changed file costs no copy of the others' objects.
struct Objects {
    std::vector<Shared<NodeObject>> nodes;
    std::vector<Shared<ServiceObject>> services;
    std::vector<Shared<EndpointSlice>> slices;
    std::vector<Shared<Endpoints>> endpoints;
    std::vector<Shared<FlannelConfig>> flannel_configs;
    std::vector<Shared<IpPool>> ip_pools;
    std::vector<Shared<BlockAffinity>> block_affinities;
    std::vector<Shared<IpamBlock>> ipam_blocks;
    std::vector<Shared<FelixConfig>> felix_configs;
    std::vector<Shared<CiliumNode>> cilium_nodes;
    std::vector<Shared<CiliumConfig>> cilium_configs;
    std::vector<Shared<NamespaceObject>> namespaces;
    /// What the source could not read yet, though it holds up nothing: that there is none of these says nothing.
    std::set<ObjectKind> unread{};

    void add(const Object& object);
    /// For collections that are only filled by `put`, which keeps them sorted by key. Both tell whether they changed
    /// anything.
    bool put(const Object& object);
    bool erase(const ObjectKey& key);
    /// What networks are made of, by pointer: whether one would come out the same.
    [[nodiscard]] bool has_network_of(const Objects& other) const;
    /// The same, Nodes apart.
    [[nodiscard]] bool has_overlay_of(const Objects& other) const;
    /// These alone.
    [[nodiscard]] Objects network() const;
    [[nodiscard]] bool has(const ObjectKey& key) const;
    /// By kind, for people.
    [[nodiscard]] std::map<std::string, std::size_t> counts() const;
};

}  // namespace viaduct
