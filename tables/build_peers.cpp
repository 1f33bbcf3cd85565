// Peers for the snapshot: underlay route → next hop → headers.
#include "tables/build_peers.h"

#include <optional>

namespace viaduct {
namespace {

constexpr std::uint32_t no_next_hop = 0xffffffff;

std::optional<IpAddress> vtep_of(const DesiredNetwork& network, bool v4) {
    if (v4) return network.vtep_v4 ? std::optional<IpAddress>(*network.vtep_v4) : std::nullopt;
    return network.vtep_v6 ? std::optional<IpAddress>(*network.vtep_v6) : std::nullopt;
}

class PeerPaths {
public:
    PeerPaths(const DesiredState& desired, NextHopList& hops)
        : desired_(desired),
          hops_(hops),
          v4_(underlay_routes<Ipv4>(desired, hops)),
          v6_(underlay_routes<Ipv6>(desired, hops)) {}

    Peer build(const DesiredPeer& desired) {
        Peer peer;
        peer.network = desired.network;
        peer.underlay = desired.underlay;
        peer.mtu = desired.mtu;
        peer.name = desired.name;
        peer.next_hop = no_next_hop;
        const auto network = static_cast<std::size_t>(desired.network);
        if (network >= desired_.networks.size()) return peer;
        const auto source = vtep_of(desired_.networks[network], desired.underlay.is_v4());
        if (!source) return peer;
        peer.next_hop = next_hop(desired.underlay);
        if (peer.next_hop == no_next_hop || !hops_[peer.next_hop].resolved) return peer;
        peer.port = hops_[peer.next_hop].port;
        peer.limit = peer.mtu;
        const DesiredNetwork& settings = desired_.networks[network];
        peer.headers = headers(desired, settings, *source, hops_[peer.next_hop]);
        peer.tos = settings.dscp == DscpMode::uniform ? OuterTos::uniform() : OuterTos::pipe(settings.pipe_dscp);
        const bool computed = !peer.headers.outer_v4 || settings.outer_checksum == OuterChecksum::valid;
        peer.checksum = computed ? OuterUdpChecksum::computed : OuterUdpChecksum::zero;
        return peer;
    }

private:
    std::uint32_t next_hop(IpAddress underlay) {
        const RouteTarget target = underlay.is_v4() ? v4_.lookup(underlay.v4()) : v6_.lookup(underlay.v6());
        if (target.kind == RouteKind::via) return target.index;
        if (target.kind == RouteKind::connected) return hops_.index_of(static_cast<PortId>(target.index), underlay);
        return no_next_hop;
    }

    static VxlanTemplate headers(const DesiredPeer& peer, const DesiredNetwork& network, IpAddress source,
                                 const NextHop& hop) {
        return VxlanTemplate::make({.outer_source = hop.ethernet.source,
                                    .outer_destination = hop.ethernet.destination,
                                    .source = source,
                                    .destination = peer.underlay,
                                    .udp_port = network.udp_port,
                                    .vni = network.vni,
                                    .ttl = network.ttl,
                                    .inner_source = network.vtep_mac,
                                    .inner_destination = peer.vtep_mac});
    }

    const DesiredState& desired_;
    NextHopList& hops_;
    RouteTable<Ipv4> v4_;
    RouteTable<Ipv6> v6_;
};

}  // namespace

HugeVector<Peer> build_peers(const DesiredState& desired, NextHopList& hops) {
    PeerPaths paths(desired, hops);
    HugeVector<Peer> peers;  // thousands of first touches of small pages take longer than what is written there
    peers.reserve(desired.peers.size());
    for (const DesiredPeer& peer : desired.peers) peers.push_back(paths.build(peer));
    return peers;
}

}  // namespace viaduct
