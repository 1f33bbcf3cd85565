// An overlay and its peers.
#include "control/desired/networks.h"

#include <algorithm>
#include <set>

#include "control/desired/flannel.h"
#include "control/desired/overlay.h"
#include "control/desired/ports.h"
#include "control/desired/vtep_mac.h"
#include "encap/net_text.h"
#include "encap/prefixes.h"
#include "encap/wire.h"

namespace viaduct {

namespace {

constexpr std::uint16_t least_mtu = 576;
constexpr std::size_t most_former_macs = 4;

class NetworkMaker {
public:
    NetworkMaker(const NetworkInput& input, std::vector<Finding>& findings)
        : in_(input),
          conf_(has_overlay(input) ? nullptr : input.objects.flannel_config()),
          own_(input.objects.node(input.config.node_name)),
          findings_(findings) {
        if (has_overlay(input)) overlay_ = overlay_of(input, findings);
    }

    NetworkOutput make() {
        out_.id = in_.id;
        copy_settings();
        take_own_addresses();
        take_mac();
        take_peers();
        take_host_routes();
        take_cluster_cidrs();
        take_mtu();
        take_outer_checksum();
        out_.network.host_port = host_port_named(in_.facts, in_.config.host_interface);
        check();
        if (is_flannel() && !contended_ && !cidrs_from_subnets_)
            out_.rules = PeerRules{uses_v4(), uses_v6(), mtu_of(true), mtu_of(false)};
        return std::move(out_);
    }

private:
    /// The gateway announces itself, so what is missing is only missing yet.
    [[nodiscard]] bool joins() const { return in_.config.join != Join::off; }
    static bool has_overlay(const NetworkInput& in) {
        return in.config.type == NetworkType::calico || in.config.type == NetworkType::cilium;
    }
    static Overlay overlay_of(const NetworkInput& in, std::vector<Finding>& findings) {
        const OverlayInput input{in.config, in.id, in.objects};
        return in.config.type == NetworkType::calico ? calico_overlay(input, findings)
                                                     : cilium_overlay(input, findings);
    }
    [[nodiscard]] bool is_flannel() const { return in_.config.type == NetworkType::flannel; }
    [[nodiscard]] bool uses_v4() const {
        return conf_ ? conf_->enable_v4 : out_.network.vtep_v4 || !out_.network.vtep_v6;
    }
    [[nodiscard]] bool uses_v6() const { return conf_ ? conf_->enable_v6 : out_.network.vtep_v6.has_value(); }
    void find(Severity severity, const std::string& subject, const std::string& text, const std::string& remedy) {
        findings_.push_back({severity, subject, text, remedy});
    }
    [[nodiscard]] std::string subject() const { return "network " + in_.config.name; }

    void copy_settings() {
        const NetworkConfig& config = in_.config;
        DesiredNetwork& network = out_.network;
        network.name = config.name;
        network.vni = config.vni.value_or(overlay_ ? overlay_->vni : Vni(conf_ ? conf_->vni : 1));
        network.any_vni = config.any_vni || (overlay_ && overlay_->any_vni);
        network.udp_port = config.udp_port.value_or(overlay_ ? overlay_->udp_port
                                                    : conf_  ? conf_->port
                                                             : network.udp_port);
        network.masquerade = config.masquerade;
        network.dscp = config.dscp;
        network.pipe_dscp = config.pipe_dscp;
        network.ttl = config.ttl;
    }

    void take_own_addresses() {
        DesiredNetwork& network = out_.network;
        network.vtep_v4 = in_.config.vtep_v4;
        network.vtep_v6 = in_.config.vtep_v6;
        network.pod_subnet_v4 = in_.config.pod_subnet_v4;
        network.pod_subnet_v6 = in_.config.pod_subnet_v6;
        if (overlay_) return take_overlay_addresses();
        if (own_ == nullptr) return;
        const auto v4 = parse_ip(own_->flannel.public_ip), v6 = parse_ip(own_->flannel.public_ipv6);
        if (!network.vtep_v4 && v4 && v4->is_v4()) network.vtep_v4 = v4->v4();
        if (!network.vtep_v6 && v6 && !v6->is_v4()) network.vtep_v6 = v6->v6();
        const auto subnet_v4 = pod_subnet_of(*own_, Family::v4), subnet_v6 = pod_subnet_of(*own_, Family::v6);
        if (!network.pod_subnet_v4 && subnet_v4) network.pod_subnet_v4 = subnet_v4->v4();
        if (!network.pod_subnet_v6 && subnet_v6) network.pod_subnet_v6 = subnet_v6->v6();
    }

    void take_overlay_addresses() {
        DesiredNetwork& network = out_.network;
        if (!network.vtep_v4 && overlay_->vtep_v4) network.vtep_v4 = overlay_->vtep_v4->v4();
        if (!network.vtep_v6 && overlay_->vtep_v6) network.vtep_v6 = overlay_->vtep_v6->v6();
        if (!network.pod_subnet_v4 && overlay_->pod_subnet_v4) network.pod_subnet_v4 = overlay_->pod_subnet_v4->v4();
        if (!network.pod_subnet_v6 && overlay_->pod_subnet_v6) network.pod_subnet_v6 = overlay_->pod_subnet_v6->v6();
    }

    void take_mac() {
        DesiredNetwork& network = out_.network;
        std::vector<Mac> announced;  // what peers send to, by our own Node's annotations
        if (overlay_) announced = overlay_->macs;
        if (!overlay_ && own_ != nullptr)
            for (const std::string* data : {&own_->flannel.backend_data, &own_->flannel.backend_v6_data})
                if (const auto mac = vtep_mac_of(*data)) announced.push_back(*mac);
        network.vtep_mac = in_.config.vtep_mac ? *in_.config.vtep_mac
                           : announced.empty() ? derived_mac(in_.config.node_name, in_.config.name)
                                               : announced.front();
        if (is_flannel() && !joins() && own_ != nullptr &&
            std::ranges::find(announced, network.vtep_mac) == announced.end())
            find(Severity::warning, to_string(own_->key),
                 "does not announce the gateway's VTEP MAC address, so nodes cannot reach it",
                 "set flannel.alpha.coreos.com/backend-data to {\"VNI\":" + std::to_string(network.vni.value()) +
                     ",\"VtepMAC\":\"" + to_string(network.vtep_mac) + "\"}");
        for (const Mac& mac : announced) add_former(mac);
        if (in_.previous == nullptr) return;
        for (const DesiredNetwork& before : in_.previous->networks) {
            if (before.name != network.name) continue;
            add_former(before.vtep_mac);
            for (const Mac& mac : before.former_macs) add_former(mac);
        }
    }

    void add_former(const Mac& mac) {
        std::vector<Mac>& former = out_.network.former_macs;
        if (mac != out_.network.vtep_mac && former.size() < most_former_macs &&
            std::ranges::find(former, mac) == former.end())
            former.push_back(mac);
    }

    void take_peers() {
        const std::string own = own_name();
        for (const auto& subnet : {prefix(out_.network.pod_subnet_v4), prefix(out_.network.pod_subnet_v6)})
            if (subnet) (void)claims_.claim(*subnet, own);
        for (const std::optional<IpAddress>& vtep : {address(out_.network.vtep_v4), address(out_.network.vtep_v6)})
            if (vtep) underlays_[*vtep] = own;
        if (overlay_)
            out_.peers = overlay_->peers;
        else if (is_flannel())
            read_nodes();
        else
            for (const StaticPeer& peer : in_.config.peers)
                out_.peers.push_back({peer.name, in_.id, peer.underlay, peer.mac, peer.pod_subnets});
        settle_underlays();
        settle_subnets();
        // Equal states must compare equal, whatever the order of the objects.
        std::ranges::sort(out_.peers, {}, [](const DesiredPeer& peer) { return std::tie(peer.name, peer.underlay); });
    }

    [[nodiscard]] std::string own_name() const {
        return in_.config.node_name.empty() ? "the gateway" : in_.config.node_name + " (the gateway)";
    }
    template <class A>
    static std::optional<IpPrefix> prefix(const std::optional<Prefix<A>>& prefix) {
        return prefix ? std::optional<IpPrefix>(*prefix) : std::nullopt;
    }
    template <class A>
    static std::optional<IpAddress> address(const std::optional<A>& address) {
        return address ? std::optional<IpAddress>(*address) : std::nullopt;
    }

    void read_nodes() {
        for (const NodeObject* node : in_.objects.nodes()) {
            if (node == own_ || !node->flannel.managed) continue;
            try {
                const Lease lease = lease_of(*node, uses_v4(), uses_v6());
                for (const auto& side : {lease.v4, lease.v6})
                    if (side)
                        out_.peers.push_back(
                            {node->key.name, in_.id, side->public_ip, side->vtep_mac, {side->pod_subnet}});
            } catch (const NoLease& none) {
                find(Severity::warning, to_string(node->key), std::string("is no peer: ") + none.what(), none.remedy());
            }
        }
    }

    [[nodiscard]] std::string subject_of(const std::string& peer) const {
        return (in_.config.type == NetworkType::fixed ? "peer " : "Node ") + peer;
    }

    /// Single addresses beside the subnets, out of somebody else's.
    void take_host_routes() {
        if (!overlay_ || overlay_->host_routes.empty()) return;
        std::map<std::pair<std::string, bool>, DesiredPeer*> peers;
        for (DesiredPeer& peer : out_.peers) peers.emplace(std::pair(peer.name, peer.underlay.is_v4()), &peer);
        std::map<IpAddress, std::string> holders;
        std::ranges::sort(overlay_->host_routes, {},
                          [](const HostRoute& one) { return std::tie(one.address, one.node); });
        for (const HostRoute& one : overlay_->host_routes) {
            const auto peer = peers.find({one.node, one.address.is_v4()});
            if (peer == peers.end()) continue;
            const auto [holder, is_new] = holders.try_emplace(one.address, one.node);
            if (is_new && !is_own(one.address)) peer->second->pod_subnets.emplace_back(one.address, one.address.bits());
            if (!is_new || is_own(one.address))
                find(Severity::error, "Node " + one.node,
                     "its address " + to_string(one.address) + " is " + (is_new ? own_name() : holder->second) +
                         "'s too",
                     "no packet for it comes here; release one of them");
        }
    }
    [[nodiscard]] bool is_own(const IpAddress& one) const {
        const auto v4 = prefix(out_.network.pod_subnet_v4), v6 = prefix(out_.network.pod_subnet_v6);
        return (v4 && v4->contains(one)) || (v6 && v6->contains(one));
    }

    /// Who is a peer already stays one, so that a newcomer cannot take its address by standing earlier in a file. So
    /// what comes of this, told in the order of names, comes of it again when it is what was before.
    void settle_underlays() {
        std::set<std::pair<std::string, IpAddress>> before;
        if (in_.previous != nullptr)
            for (const DesiredPeer& peer : in_.previous->peers)
                if (peer.network == in_.id) before.emplace(peer.name, peer.underlay);
        std::stable_partition(out_.peers.begin(), out_.peers.end(), [&](const DesiredPeer& peer) {
            return before.contains({peer.name, peer.underlay});
        });
        std::set<std::pair<std::string, IpAddress>> losers;
        std::erase_if(out_.peers, [&](const DesiredPeer& peer) {
            const bool is_new = underlays_.try_emplace(peer.underlay, peer.name).second;
            if (!is_new) losers.emplace(peer.name, peer.underlay);
            return !is_new;
        });
        contended_ |= !losers.empty();
        for (const auto& [name, underlay] : losers)
            find(Severity::error, subject_of(name),
                 "is no peer: its address " + to_string(underlay) + " is " + underlays_.at(underlay) + "'s",
                 "give one of them another");
    }

    /// The same for pod subnets: first those that are held as they were, then the others in turn.
    void settle_subnets() {
        std::set<std::pair<std::string, IpPrefix>> held;
        if (in_.previous != nullptr)
            for (const DesiredPeer& peer : in_.previous->peers)
                if (peer.network == in_.id)
                    for (const IpPrefix& subnet : peer.pod_subnets) held.emplace(peer.name, subnet);
        std::set<std::pair<std::string, IpPrefix>> settled;
        for (const DesiredPeer& peer : out_.peers)
            for (const IpPrefix& subnet : peer.pod_subnets)
                if (held.contains({peer.name, subnet}) && !claims_.claim(subnet, peer.name))
                    settled.emplace(peer.name, subnet);
        std::set<std::pair<std::string, IpPrefix>> losers;
        for (DesiredPeer& peer : out_.peers)
            std::erase_if(peer.pod_subnets, [&](const IpPrefix& subnet) {
                if (settled.contains({peer.name, subnet}) || !claims_.claim(subnet, peer.name)) return false;
                return losers.emplace(peer.name, subnet), true;
            });
        contended_ |= !losers.empty();
        for (const auto& [name, subnet] : losers) tell_overlap(name, subnet, *claims_.claim(subnet, name));
    }

    void tell_overlap(const std::string& name, const IpPrefix& subnet, const std::string& holder) {
        find(Severity::error, subject_of(name),
             "its pod subnet " + to_string(subnet) + " overlaps that of " + holder + ", which keeps the route",
             "give " + name + " or " + holder + " another pod subnet");
    }

    void take_cluster_cidrs() {
        std::vector<IpPrefix>& cidrs = out_.network.cluster_cidrs;
        cidrs = in_.config.cluster_cidrs;
        if (cidrs.empty() && conf_ != nullptr) {
            if (conf_->enable_v4 && conf_->network) cidrs.push_back(*conf_->network);
            if (conf_->enable_v6 && conf_->ipv6_network) cidrs.push_back(*conf_->ipv6_network);
        }
        if (cidrs.empty() && overlay_) cidrs = overlay_->cluster_cidrs;
        if (overlay_) out_.network.direct_cidrs = overlay_->direct_cidrs;
        if (conf_ != nullptr && conf_->direct_routing) out_.network.direct_cidrs = cidrs;
        if (cidrs.empty()) return take_cidrs_from_subnets();
        for (const DesiredPeer& peer : out_.peers)
            for (const IpPrefix& subnet : peer.pod_subnets)
                if (std::ranges::none_of(cidrs, [&](const IpPrefix& cidr) { return cidr.overlaps(subnet); }))
                    find(Severity::warning, subject_of(peer.name),
                         "its pod subnet " + to_string(subnet) + " is outside the cluster's networks",
                         "its pods will be taken for outsiders; correct the subnet, or cluster-cidr of network " +
                             in_.config.name);
    }

    void take_cidrs_from_subnets() {
        cidrs_from_subnets_ = true;
        std::vector<IpPrefix>& cidrs = out_.network.cluster_cidrs;
        for (const auto& own : {prefix(out_.network.pod_subnet_v4), prefix(out_.network.pod_subnet_v6)})
            if (own) cidrs.push_back(*own);
        for (const DesiredPeer& peer : out_.peers)
            cidrs.insert(cidrs.end(), peer.pod_subnets.begin(), peer.pod_subnets.end());
        std::ranges::sort(cidrs);
    }

    /// The MTU of the port that has our tunnel address; of all ports while none has it.
    [[nodiscard]] std::uint16_t underlay_mtu(const IpAddress& vtep) const {
        std::uint16_t exact = 0, least = 0;
        for (const DesiredPort& port : in_.ports) {
            if (port.host) continue;
            least = least == 0 ? port.mtu : std::min(least, port.mtu);
            if (std::ranges::find(port.addresses, vtep) != port.addresses.end())
                exact = exact == 0 ? port.mtu : std::min(exact, port.mtu);
        }
        const std::uint16_t mtu = exact != 0 ? exact : least != 0 ? least : std::uint16_t{1500};
        return conf_ && conf_->underlay_mtu != 0 ? std::min(mtu, conf_->underlay_mtu) : mtu;
    }

    /// Of inner packets in tunnels of this family.
    [[nodiscard]] std::uint16_t mtu_of(bool v4) const {
        if (in_.config.mtu) return *in_.config.mtu;
        const auto vtep = v4 ? address(out_.network.vtep_v4) : address(out_.network.vtep_v6);
        const unsigned overhead = v4 ? vxlan_overhead_v4 : vxlan_overhead_v6;
        const std::uint16_t outer = underlay_mtu(vtep.value_or(IpAddress()));
        const auto mtu = outer < least_mtu + overhead ? least_mtu : static_cast<std::uint16_t>(outer - overhead);
        const std::uint16_t most = !overlay_ ? std::uint16_t{0} : v4 ? overlay_->mtu_v4 : overlay_->mtu_v6;
        return most == 0 ? mtu : std::max(least_mtu, std::min(mtu, most));
    }

    void take_mtu() {
        for (DesiredPeer& peer : out_.peers) peer.mtu = mtu_of(peer.underlay.is_v4());
        // The host's interface has one figure for both families.
        out_.network.mtu = mtu_of(!uses_v6());
    }

    /// Automatic: valid where the underlay's device is made for it. The gateway computes it by itself all the same:
    /// what devices claim of outer checksums is often not so.
    void take_outer_checksum() {
        bool offered = false;
        for (std::size_t i = 0; i < in_.ports.size() && out_.network.vtep_v4; ++i)
            offered = offered || (in_.facts[i].offers_outer_checksum &&
                                  std::ranges::find(in_.ports[i].addresses, IpAddress(*out_.network.vtep_v4)) !=
                                      in_.ports[i].addresses.end());
        out_.network.outer_checksum =
            in_.config.outer_checksum.value_or(offered ? OuterChecksum::valid : OuterChecksum::zero);
    }

    void check() {
        const DesiredNetwork& network = out_.network;
        if (is_flannel() && own_ == nullptr && in_.config.join != Join::node)
            find(Severity::warning, subject(), "there is no Node " + in_.config.node_name + ", the gateway's own",
                 "create it with podCIDRs and flannel's annotations, so that nodes accept the gateway");
        if (is_flannel() && conf_ != nullptr && conf_->backend_type != "vxlan")
            find(Severity::error, to_string(conf_->key), "its backend type is " + conf_->backend_type,
                 "only vxlan can be joined");
        if (!network.vtep_v4 && !network.vtep_v6)
            find(Severity::error, subject(), "it has no tunnel endpoint",
                 "set vtep-v4 or vtep-v6, or have its own Node annotated with its address");
        if (network.masquerade && !network.pod_subnet_v4 && !network.pod_subnet_v6)
            find(Severity::error, subject(), "it has no pod subnet to masquerade with",
                 "set pod-subnet-v4 or pod-subnet-v6, or give its own Node one");
        for (const auto& vtep : {address(network.vtep_v4), address(network.vtep_v6)})
            if (vtep && !is_on_a_port(*vtep))
                find(Severity::warning, subject(), "no port has its tunnel address " + to_string(*vtep),
                     "add the address to the underlay interface");
    }

    [[nodiscard]] bool is_on_a_port(const IpAddress& address) const {
        return std::ranges::any_of(in_.ports, [&](const DesiredPort& port) {
            return !port.host && std::ranges::find(port.addresses, address) != port.addresses.end();
        });
    }

    const NetworkInput& in_;
    const FlannelConfig* conf_;
    const NodeObject* own_;
    std::vector<Finding>& findings_;
    SubnetClaims claims_;
    std::map<IpAddress, std::string> underlays_;
    std::optional<Overlay> overlay_;  // Calico's or Cilium's
    bool contended_ = false, cidrs_from_subnets_ = false;
    NetworkOutput out_;
};

}  // namespace

std::optional<std::string> SubnetClaims::claim(const IpPrefix& prefix, const std::string& owner) {
    auto next = claims_.lower_bound(prefix.address);
    if (next != claims_.end() && next->first <= last_address(prefix)) return next->second.owner;
    if (next != claims_.begin() && std::prev(next)->second.prefix.overlaps(prefix))
        return std::prev(next)->second.owner;
    claims_.emplace_hint(next, prefix.address, Claim{prefix, owner});
    return {};
}

NetworkOutput desired_network(const NetworkInput& input, std::vector<Finding>& findings) {
    return NetworkMaker(input, findings).make();
}

}  // namespace viaduct
