// The snapshot's lookups that are not one table's.
#include "tables/snapshot.h"

#include <algorithm>

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

bool Snapshot::owns_exactly(PortId id, IpAddress address) const noexcept {
    return std::ranges::find(port(id).addresses, address) != port(id).addresses.end();
}

void Snapshot::index() {
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const DesiredPort& port = ports[i];
        PortTraits& traits = traits_[i];
        traits = {.mac = port.mac.word(), .mtu = port.mtu, .network = port.network, .kernel_port = port.kernel_port};
        traits.exists = true;
        traits.host = port.host;
        traits.flow_stable = port.flow_stable;
        if (port.host) continue;
        for (const IpAddress& own : port.addresses)
            traits.own_addresses |= std::uint64_t{1} << (own.is_v4() ? address_bit(own.v4()) : address_bit(own.v6()));
    }
    network_count_ = static_cast<std::uint32_t>(networks.size());
    for (const Network& network : networks) {
        const DesiredNetwork& settings = network.settings;
        if (settings.vtep_v4) add(vteps_v4_, {*settings.vtep_v4, Be16(settings.udp_port)});
        if (settings.vtep_v6) add(vteps_v6_, {*settings.vtep_v6, Be16(settings.udp_port)});
    }
}

void Snapshot::index_peers() {
    peers_v4_ = PeerMap<Ipv4>(peers.size());
    peers_v6_ = PeerMap<Ipv6>(peers.size());
    for (PeerIndex i = 0; i < peers.size(); ++i) {
        const IpAddress& underlay = peers[i].underlay;
        if (underlay.is_v4())
            peers_v4_.add(peers[i].network, underlay.v4(), i);
        else
            peers_v6_.add(peers[i].network, underlay.v6(), i);
    }
}

}  // namespace viaduct
