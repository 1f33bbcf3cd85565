// Peers exchanged in place.
#include "control/desired/peer_changes.h"

#include <algorithm>
#include <tuple>

#include "control/desired/flannel.h"
#include "control/desired/followed_list.h"

namespace viaduct {

namespace {

constexpr const char* gateway = "";  // a Node has a name

auto order_of(const DesiredPeer& peer) { return std::tie(peer.name, peer.underlay); }

}  // namespace

PeerChanges::PeerChanges(const NetworkOutput& made) {
    const DesiredNetwork& own = made.network;
    if (own.vtep_v4) underlays_[*own.vtep_v4] = gateway;
    if (own.vtep_v6) underlays_[*own.vtep_v6] = gateway;
    if (own.pod_subnet_v4) (void)subnets_.claim(*own.pod_subnet_v4, gateway);
    if (own.pod_subnet_v6) (void)subnets_.claim(*own.pod_subnet_v6, gateway);
    for (const DesiredPeer& peer : made.peers) (void)hold(peer);
}

bool PeerChanges::follow(std::span<const NodeChange> changes, NetworkOutput& made) {
    for (const NodeChange& change : changes)
        if (change.before) remove(change.before->key.name, made.peers);
    return std::ranges::all_of(
        changes, [&](const NodeChange& change) { return change.after == nullptr || add(*change.after, made); });
}

void PeerChanges::remove(const std::string& node, std::vector<DesiredPeer>& peers) {
    const auto first = std::ranges::lower_bound(peers, node, {}, &DesiredPeer::name);
    const auto last = std::ranges::upper_bound(peers, node, {}, &DesiredPeer::name);
    for (auto peer = first; peer != last; ++peer) {
        underlays_.erase(peer->underlay);
        for (const IpPrefix& subnet : peer->pod_subnets) subnets_.release(subnet);
    }
    peers.erase(first, last);
}

bool PeerChanges::add(const NodeObject& node, NetworkOutput& made) {
    if (!node.flannel.managed) return true;
    try {
        const Lease lease = lease_of(node, made.rules->v4, made.rules->v6);
        for (const auto& side : {lease.v4, lease.v6}) {
            if (!side) continue;
            const bool v4 = side->public_ip.is_v4();
            DesiredPeer peer{node.key.name,      made.id,
                             side->public_ip,    side->vtep_mac,
                             {side->pod_subnet}, v4 ? made.rules->mtu_v4 : made.rules->mtu_v6};
            const bool is_inside = std::ranges::any_of(
                made.network.cluster_cidrs, [&](const IpPrefix& cidr) { return cidr.overlaps(side->pod_subnet); });
            if (!is_inside || !hold(peer)) return false;
            made.peers.insert(std::ranges::upper_bound(made.peers, order_of(peer), {}, order_of), std::move(peer));
        }
    } catch (const NoLease&) {
        return false;
    }
    return true;
}

bool PeerChanges::hold(const DesiredPeer& peer) {
    if (!underlays_.try_emplace(peer.underlay, peer.name).second) return false;
    return std::ranges::none_of(peer.pod_subnets,
                                [&](const IpPrefix& subnet) { return subnets_.claim(subnet, peer.name).has_value(); });
}

std::vector<NodeChange> node_changes(const std::vector<Shared<NodeObject>>& before,
                                     const std::vector<Shared<NodeObject>>& after) {
    std::vector<NodeChange> changes;
    for_each_change(
        before, after,
        [&](const Shared<NodeObject>& gone) {
            changes.push_back({gone, nullptr});
        },
        [&](const Shared<NodeObject>& come) {
            changes.push_back({nullptr, come});
        });
    return changes;
}

}  // namespace viaduct
