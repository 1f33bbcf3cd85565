// Calico's VXLAN networks: IPPools, BlockAffinities, IPAMBlocks, FelixConfiguration and the Nodes' annotations.
//
// A node's pods are where its blocks are: prefixes out of a pool, each of which a BlockAffinity makes one node's.
// Single addresses of a block may be another node's, which has run out of its own; the block's IPAMBlock tells. A node
// is a tunnel endpoint when it has both an address and a tunnel address.
#include <algorithm>
#include <map>
#include <set>

#include "control/desired/overlay.h"
#include "encap/net_text.h"

namespace viaduct {

namespace {

constexpr std::uint32_t default_vni = 4096;
constexpr std::uint16_t calico_port = 4789;
constexpr std::array families{Family::v4, Family::v6};

Family family_of(const IpPrefix& prefix) { return prefix.is_v4() ? Family::v4 : Family::v6; }
const char* name_of(Family family) { return family == Family::v4 ? "IPv4" : "IPv6"; }

const NodeObject::Calico& notes_of(const NodeObject& node, Family family) {
    return family == Family::v4 ? node.calico_v4 : node.calico_v6;
}

/// "192.0.2.11/24" or "192.0.2.11", of this family.
std::optional<IpAddress> host_address(const std::string& text, Family family) {
    const auto address = parse_ip(text.substr(0, text.find('/')));
    return address && address->is_v4() == (family == Family::v4) ? address : std::nullopt;
}

class CalicoReader {
public:
    CalicoReader(const OverlayInput& input, std::vector<Finding>& findings)
        : in_(input),
          own_(input.config.node_name.empty() ? nullptr : input.objects.node(input.config.node_name)),
          findings_(findings) {}

    Overlay read() {
        take_settings();
        take_pools();
        take_own();
        take_blocks();
        take_own_subnets();
        take_peers();
        take_borrowed();
        for (const Family family : families) {
            check_admission(family);
            check_subnet(family);
        }
        return std::move(out_);
    }

private:
    void find(Severity severity, const std::string& subject, const std::string& text, const std::string& remedy) {
        findings_.push_back({severity, subject, text, remedy});
    }
    [[nodiscard]] std::string network() const { return "network " + in_.config.name; }
    [[nodiscard]] bool is_own(const std::string& node) const {
        return !in_.config.node_name.empty() && node == in_.config.node_name;
    }

    void take_settings() {
        out_.vni = Vni(default_vni);
        out_.udp_port = calico_port;
        const FelixConfig* felix = in_.objects.felix_config();
        if (felix == nullptr) return;
        out_.vni = felix->vxlan_vni.value_or(out_.vni);
        out_.udp_port = felix->vxlan_port.value_or(out_.udp_port);
        out_.mtu_v4 = felix->vxlan_mtu;
        out_.mtu_v6 = felix->vxlan_mtu_v6;
    }

    void take_pools() {
        pools_ = in_.objects.ip_pools();
        std::ranges::sort(pools_, {}, &IpPool::cidr);
        for (const IpPool* pool : pools_) {
            out_.cluster_cidrs.push_back(pool->cidr);
            if (pool->vxlan == PoolTunnel::cross_subnet) out_.direct_cidrs.push_back(pool->cidr);
            if (pool->ipip != PoolTunnel::never)
                find(Severity::warning, to_string(pool->key),
                     "its packets travel in IP-in-IP, which the gateway does not speak",
                     "set its vxlanMode, and ipipMode to Never");
        }
        if (pools_.empty() && !in_.objects.unread(ObjectKind::ip_pool))
            find(Severity::warning, network(), "there is no IPPool, so no pod is known",
                 "install Calico with the Kubernetes datastore, or correct type of the network");
    }

    /// The pool that an address or block is of, or nullptr.
    [[nodiscard]] const IpPool* pool_of(const IpPrefix& prefix) const {
        const auto pool = std::ranges::find_if(
            pools_, [&](const IpPool* one) { return one->cidr.length <= prefix.length && one->cidr.overlaps(prefix); });
        return pool == pools_.end() ? nullptr : *pool;
    }

    void take_own() {
        if (!in_.config.node_name.empty())
            for (const Family family : families) add_own_mac(family);
        if (own_ == nullptr) return;
        out_.vtep_v4 = host_address(own_->calico_v4.address, Family::v4);
        out_.vtep_v6 = host_address(own_->calico_v6.address, Family::v6);
    }

    /// Nodes send to what our Node announces, and to Calico's own choice when it announces none.
    void add_own_mac(Family family) {
        const auto announced = own_ == nullptr ? std::nullopt : parse_mac(notes_of(*own_, family).tunnel_mac);
        out_.macs.push_back(announced ? *announced : calico_mac(in_.config.node_name, family));
    }

    void take_blocks() {
        for (const BlockAffinity* one : in_.objects.block_affinities()) {
            if (!one->confirmed) continue;
            if (is_own(one->node)) {
                own_blocks_.insert(one->cidr);
                continue;
            }
            const IpPool* pool = pool_of(one->cidr);
            if (pool != nullptr && pool->vxlan != PoolTunnel::never) blocks_[one->node].insert(one->cidr);
            if (pool == nullptr && !in_.objects.unread(ObjectKind::ip_pool))
                find(Severity::warning, to_string(one->key), "its block " + to_string(one->cidr) + " is in no IPPool",
                     "no packet is sent there; restore the pool, or release the block");
        }
    }

    void take_own_subnets() {
        for (const IpPrefix& block : own_blocks_) {
            auto& subnet = block.is_v4() ? out_.pod_subnet_v4 : out_.pod_subnet_v6;
            if (!subnet) subnet = block;
        }
    }

    void take_peers() {
        for (const NodeObject* node : in_.objects.nodes()) {
            if (is_own(node->key.name)) continue;
            for (const Family family : families) take_peer(*node, family);
        }
    }

    [[nodiscard]] std::vector<IpPrefix> blocks_of(const std::string& node, Family family) const {
        std::vector<IpPrefix> blocks;
        if (const auto found = blocks_.find(node); found != blocks_.end())
            std::ranges::copy_if(found->second, std::back_inserter(blocks),
                                 [&](const IpPrefix& block) { return family_of(block) == family; });
        return blocks;
    }

    void take_peer(const NodeObject& node, Family family) {
        if (!own_vtep(in_.config, out_, family)) return;
        const NodeObject::Calico& notes = notes_of(node, family);
        const auto address = host_address(notes.address, family), tunnel = host_address(notes.tunnel_address, family);
        std::vector<IpPrefix> blocks = blocks_of(node.key.name, family);
        if (!address || !tunnel) {
            // Without pods there is nothing to miss: a control plane, or a node that has just come.
            if (!blocks.empty()) tell_missing(node, family, !address);
            return;
        }
        const auto mac = parse_mac(notes.tunnel_mac);
        if (!notes.tunnel_mac.empty() && !mac)
            find(Severity::warning, to_string(node.key), "its tunnel's MAC address is '" + notes.tunnel_mac + "'",
                 "Calico's own choice is taken; correct the annotation");
        out_.peers.push_back(
            {node.key.name, in_.id, *address, mac ? *mac : calico_mac(node.key.name, family), std::move(blocks)});
    }

    void tell_missing(const NodeObject& node, Family family, bool address) {
        const std::string name = std::string(name_of(family)) + (address ? "Address" : "VXLANTunnelAddr");
        const NodeObject::Calico& notes = notes_of(node, family);
        find(Severity::warning, to_string(node.key),
             "is no peer: its annotation projectcalico.org/" + name + " is '" +
                 (address ? notes.address : notes.tunnel_address) + "'",
             "calico-node writes it: look whether it runs there, with VXLAN");
    }

    void take_borrowed() {
        for (const IpamBlock* block : in_.objects.ipam_blocks()) {
            const IpPool* pool = pool_of(block->cidr);
            if (pool == nullptr || pool->vxlan == PoolTunnel::never) continue;
            for (const IpamBlock::Borrowed& one : block->borrowed)
                if (!is_own(one.node) && !holds(one.node, block->cidr))
                    out_.host_routes.push_back({one.address, one.node});
        }
    }
    /// A block without an affinity may have had one: then its addresses go where its route goes.
    [[nodiscard]] bool holds(const std::string& node, const IpPrefix& block) const {
        const auto found = blocks_.find(node);
        return found != blocks_.end() && found->second.contains(block);
    }

    /// Nodes drop tunnel packets from whom they do not know.
    void check_admission(Family family) {
        const auto vtep = own_vtep(in_.config, out_, family);
        if (!vtep || is_calico_node(family) || in_.objects.unread(ObjectKind::felix_config)) return;
        const FelixConfig* felix = in_.objects.felix_config();
        if (felix != nullptr &&
            std::ranges::any_of(felix->external_nodes, [&](const IpPrefix& one) { return one.contains(*vtep); }))
            return;
        find(Severity::warning, network(),
             "Calico's nodes drop its packets: " + to_string(*vtep) +
                 " is neither a Calico node's nor in externalNodesList",
             "kubectl patch felixconfiguration default --type=merge -p "
             R"('{"spec":{"externalNodesList":[")" +
                 to_string(*vtep) + R"("]}}' (beside what is there), or give it a Node as in deploy/calico)");
    }
    [[nodiscard]] bool is_calico_node(Family family) const {
        if (own_ == nullptr) return false;
        const NodeObject::Calico& notes = notes_of(*own_, family);
        return host_address(notes.address, family) && host_address(notes.tunnel_address, family);
    }

    /// The gateway's own addresses must not be given to pods, nor be masqueraded on the way to it.
    void check_subnet(Family family) {
        const auto subnet = own_subnet(in_.config, out_, family);
        if (!subnet) return;
        const auto block =
            std::ranges::find_if(own_blocks_, [&](const IpPrefix& one) { return one.overlaps(*subnet); });
        if (block != own_blocks_.end() && block->length <= subnet->length) return check_reserved(*block);
        const auto overlapping = std::ranges::find_if(
            pools_, [&](const IpPool* one) { return !one->disabled && one->cidr.overlaps(*subnet); });
        if (overlapping != pools_.end())
            return find(Severity::warning, network(),
                        "pods may get addresses of its pod subnet " + to_string(*subnet) + ", which is in " +
                            to_string((*overlapping)->key),
                        "give it a block of its own as in deploy/calico, or another pod subnet");
        if (pool_of(*subnet) != nullptr) return;
        if (std::ranges::any_of(pools_,
                                [&](const IpPool* one) { return one->nat_outgoing && family_of(one->cidr) == family; }))
            find(Severity::warning, network(),
                 "nodes masquerade what pods send to its pod subnet " + to_string(*subnet),
                 "add an IPPool with this cidr and disabled: true");
    }

    void check_reserved(const IpPrefix& own) {
        for (const IpamBlock* block : in_.objects.ipam_blocks())
            if (block->cidr == own && !block->full)
                find(Severity::warning, network(),
                     "pods may get addresses of its block " + to_string(own) + ", which is not wholly allocated",
                     "allocate all of it to the gateway, as in deploy/calico");
    }

    const OverlayInput& in_;
    const NodeObject* own_;
    std::vector<Finding>& findings_;
    std::vector<const IpPool*> pools_;
    std::map<std::string, std::set<IpPrefix>> blocks_;  // of the other nodes, in pools with VXLAN
    std::set<IpPrefix> own_blocks_;
    Overlay out_;
};

}  // namespace

Overlay calico_overlay(const OverlayInput& input, std::vector<Finding>& findings) {
    return CalicoReader(input, findings).read();
}

}  // namespace viaduct
