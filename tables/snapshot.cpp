// The snapshot's lookups that are not one table's.
#include "tables/snapshot.h"

namespace viaduct {

// A gateway serves a handful of networks: a walk is quicker than any index.
const Network* Snapshot::network_of(std::uint16_t udp_port, Vni vni) const noexcept {
    const Network* any = nullptr;
    for (const Network& network : networks) {
        if (network.settings.udp_port != udp_port) continue;
        if (network.settings.vni == vni) return &network;
        if (network.settings.any_vni && any == nullptr) any = &network;
    }
    return any;
}

bool Snapshot::is_vtep(IpAddress destination, std::uint16_t udp_port) const noexcept {
    const bool v4 = destination.is_v4();
    for (const Network& network : networks) {
        const DesiredNetwork& settings = network.settings;
        if (settings.udp_port != udp_port) continue;
        if (v4 ? settings.vtep_v4 == destination.v4() : settings.vtep_v6 == destination.v6()) return true;
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
