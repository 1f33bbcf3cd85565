// Cilium's VXLAN networks, joined by its VTEP integration: CiliumNodes, or Nodes where there are none, and
// cilium-config.
//
// The VNI of a Cilium packet is its sender's security identity: every one is taken, and what the gateway sends carries
// 2, the identity "world". A node finds a pod by the inner IP address and overwrites the inner MAC addresses, so nobody
// needs to be asked for them. For what belongs to the gateway's pod subnet, which its settings name as vtep-cidr, it
// writes vtep-mac as the destination and sends no ARP either. That table of Cilium's is for IPv4 alone.
#include <algorithm>
#include <map>

#include "control/desired/overlay.h"
#include "encap/net_text.h"
#include "encap/wire.h"

namespace viaduct {

namespace {

constexpr std::uint32_t world = 2;  // the identity
constexpr std::uint16_t cilium_port = 8472;

std::string mask_text(std::uint8_t length) { return to_string(masked(Ipv4(255, 255, 255, 255), length)); }

class CiliumReader {
public:
    CiliumReader(const OverlayInput& input, std::vector<Finding>& findings)
        : in_(input), conf_(input.objects.cilium_config()), findings_(findings) {}

    Overlay read() {
        take_settings();
        take_peers();
        check_vtep();
        return std::move(out_);
    }

private:
    void find(Severity severity, const std::string& subject, const std::string& text, const std::string& remedy) {
        findings_.push_back({severity, subject, text, remedy});
    }
    [[nodiscard]] std::string network() const { return "network " + in_.config.name; }

    void take_settings() {
        out_.vni = Vni(world);
        out_.any_vni = true;
        out_.udp_port = cilium_port;
        for (const Family family : {Family::v4, Family::v6})
            if (const auto vtep = own_vtep(in_.config, out_, family)) out_.macs.push_back(cilium_mac(*vtep));
        if (conf_ == nullptr) return;
        if (conf_->tunnel_port != 0) out_.udp_port = conf_->tunnel_port;
        if (conf_->mtu > vxlan_overhead_v6) {
            out_.mtu_v4 = static_cast<std::uint16_t>(conf_->mtu - vxlan_overhead_v4);
            out_.mtu_v6 = static_cast<std::uint16_t>(conf_->mtu - vxlan_overhead_v6);
        }
        out_.cluster_cidrs = conf_->pool_cidrs;
        if (conf_->mode != "vxlan")
            find(Severity::error, to_string(conf_->key), "its nodes send by " + conf_->mode + ", not by VXLAN",
                 "set routing-mode: tunnel and tunnel-protocol: vxlan");
    }

    void take_peers() {
        std::map<std::string, const NodeObject*> nodes;
        for (const NodeObject* node : in_.objects.nodes()) nodes.emplace(node->key.name, node);
        for (const CiliumNode* one : in_.objects.cilium_nodes()) {
            const auto node = nodes.find(one->key.name);
            take_peer(one->key, addresses_of(*one), subnets_of(*one, node == nodes.end() ? nullptr : node->second));
            if (node != nodes.end()) nodes.erase(node);
        }
        // Without CiliumNodes: the Nodes themselves, where Kubernetes gives out the subnets.
        for (const auto& [name, node] : nodes) {
            std::vector<IpPrefix> subnets = subnets_of(*node);
            if (!subnets.empty()) take_peer(node->key, addresses_of(*node), std::move(subnets));
        }
    }

    /// InternalIPs first, as nodes choose each other's tunnel endpoints.
    static std::vector<IpAddress> addresses_of(const CiliumNode& node) {
        std::vector<IpAddress> addresses;
        for (const char* type : {"InternalIP", "ExternalIP"})
            for (const CiliumNode::Place& one : node.addresses)
                if (one.type == type) addresses.push_back(one.address);
        return addresses;
    }
    static std::vector<IpAddress> addresses_of(const NodeObject& node) {
        std::vector<IpAddress> addresses;
        for (const std::string& text : node.internal_addresses)
            if (const auto address = parse_ip(text)) addresses.push_back(*address);
        return addresses;
    }

    static std::vector<IpPrefix> subnets_of(const CiliumNode& cilium, const NodeObject* node) {
        return cilium.pod_cidrs.empty() && node != nullptr ? subnets_of(*node) : cilium.pod_cidrs;
    }
    /// What Cilium notes on a Node, else what Kubernetes has given it.
    static std::vector<IpPrefix> subnets_of(const NodeObject& node) {
        std::vector<IpPrefix> subnets;
        for (const std::string& text : node.cilium_pod_cidrs.empty() ? node.pod_cidrs : node.cilium_pod_cidrs)
            if (const auto subnet = parse_prefix(text)) subnets.push_back(*subnet);
        return subnets;
    }

    /// One tunnel for the pods of both families, over IPv4 where both ends have it.
    void take_peer(const ObjectKey& key, const std::vector<IpAddress>& addresses, std::vector<IpPrefix> subnets) {
        if (key.name == in_.config.node_name) return;
        for (const Family family : {Family::v4, Family::v6}) {
            if (!own_vtep(in_.config, out_, family)) continue;
            const auto address = std::ranges::find_if(
                addresses, [&](const IpAddress& one) { return one.is_v4() == (family == Family::v4); });
            if (address == addresses.end()) continue;
            if (subnets.empty())
                find(Severity::warning, to_string(key), "is no peer: it has no pod CIDR",
                     "cilium-operator gives it one; look whether it runs");
            else
                out_.peers.push_back({key.name, in_.id, *address, cilium_mac(*address), std::move(subnets)});
            return;
        }
        find(Severity::warning, to_string(key), "is no peer: it has no InternalIP of the gateway's family",
             "set vtep-v4 or vtep-v6 to an address of the family that it has");
    }

    /// Whether nodes know the gateway, and what to tell them if not.
    void check_vtep() {
        const auto vtep = own_vtep(in_.config, out_, Family::v4);
        const auto subnet = own_subnet(in_.config, out_, Family::v4);
        if (own_subnet(in_.config, out_, Family::v6))
            find(Severity::warning, network(), "Cilium's nodes send nothing to its IPv6 pod subnet",
                 "their VTEP integration is for IPv4 alone: remove pod-subnet-v6");
        if (!vtep || !subnet) return;
        const Mac mac = in_.config.vtep_mac.value_or(cilium_mac(*vtep));
        const CiliumConfig::Vtep wanted{*vtep, *subnet, mac};
        const std::string mask = mask_text(subnet->length);
        if (conf_ != nullptr && conf_->vtep_mask == mask &&
            std::ranges::find(conf_->vteps, wanted) != conf_->vteps.end())
            return;
        find(conf_ == nullptr ? Severity::note : Severity::warning, network(),
             conf_ == nullptr ? "whether Cilium's nodes know the gateway cannot be seen: there is no cilium-config"
                              : "Cilium's nodes do not know the gateway",
             "helm upgrade cilium cilium/cilium -n kube-system --reuse-values --set vtep.enabled=true --set "
             "vtep.endpoint=" +
                 to_string(*vtep) + " --set vtep.cidr=" + to_string(*subnet) + " --set vtep.mask=" + mask +
                 " --set vtep.mac=" + to_string(mac) + ", and restart its agents");
    }

    const OverlayInput& in_;
    const CiliumConfig* conf_;
    std::vector<Finding>& findings_;
    Overlay out_;
};

}  // namespace

Overlay cilium_overlay(const OverlayInput& input, std::vector<Finding>& findings) {
    return CiliumReader(input, findings).read();
}

}  // namespace viaduct
