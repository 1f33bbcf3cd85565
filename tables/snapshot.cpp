// The snapshot's lookups that are not one table's.
#include "tables/snapshot.h"

namespace viaduct {

namespace {

bool has_endpoint(const DesiredNetwork& network, const Ipv4& address) noexcept { return network.vtep_v4 == address; }
bool has_endpoint(const DesiredNetwork& network, const Ipv6& address) noexcept { return network.vtep_v6 == address; }

}  // namespace

// A gateway serves a handful of networks: a walk is quicker than any index.
template <Address A>
const Network* Snapshot::network_of(const A& destination, std::uint16_t udp_port, Vni vni) const noexcept {
    const Network* any = nullptr;
    for (const Network& network : networks) {
        const DesiredNetwork& settings = network.settings;
        if (settings.udp_port != udp_port || !has_endpoint(settings, destination)) continue;
        if (settings.vni == vni) return &network;
        if (settings.any_vni && any == nullptr) any = &network;
    }
    return any;
}
template const Network* Snapshot::network_of(const Ipv4&, std::uint16_t, Vni) const noexcept;
template const Network* Snapshot::network_of(const Ipv6&, std::uint16_t, Vni) const noexcept;

bool Snapshot::is_vtep(IpAddress destination, std::uint16_t udp_port) const noexcept {
    const bool v4 = destination.is_v4();
    for (const Network& network : networks) {
        const DesiredNetwork& settings = network.settings;
        if (settings.udp_port != udp_port) continue;
        if (v4 ? has_endpoint(settings, destination.v4()) : has_endpoint(settings, destination.v6())) return true;
    }
    return false;
}

PeerIndex Snapshot::peer_of(NetworkId network, IpAddress underlay) const noexcept {
    const PeerKey* key = peer_index_.find(
        hash(network, underlay), [&](const PeerKey& k) { return k.underlay == underlay && k.network == network; });
    return key != nullptr ? key->index : no_peer;
}

void Snapshot::index_peers() {
    peer_index_ = ProbeTable<PeerKey>(peers.size());
    for (PeerIndex i = 0; i < peers.size(); ++i) {
        const Peer& peer = peers[i];
        PeerKey& key = peer_index_.place(hash(peer.network, peer.underlay), [&](const PeerKey& k) {
            return k.underlay == peer.underlay && k.network == peer.network;
        });
        if (!key.used()) key = {peer.underlay, peer.network, i};
    }
}

}  // namespace viaduct
