// Stage encapsulate: the headers in front of the IP packet. VXLAN towards a peer (RFC 7348), Ethernet otherwise.
#include "dataplane/stages.h"
#include "encap/ecn.h"
#include "encap/flow_hash.h"
#include "encap/vxlan.h"

namespace viaduct {
namespace {

/// Makes the frame start `length` bytes before the IP packet and end with it: Ethernet padding is not carried on.
bool set_front(rte_mbuf& mbuf, const PacketMeta& meta, std::uint16_t length) noexcept {
    const std::uint32_t end = std::uint32_t{meta.network_at} + meta.ip_length;
    if (mbuf.pkt_len > end && rte_pktmbuf_trim(&mbuf, static_cast<std::uint16_t>(mbuf.pkt_len - end)) != 0)
        return false;
    if (length <= meta.network_at)
        return rte_pktmbuf_adj(&mbuf, static_cast<std::uint16_t>(meta.network_at - length)) != nullptr;
    return rte_pktmbuf_prepend(&mbuf, static_cast<std::uint16_t>(length - meta.network_at)) != nullptr;
}

/// All fragments of one datagram take one way through the underlay, so their ports must not count.
std::uint32_t entropy_of(const PacketMeta& meta) noexcept {
    if (!meta.first_fragment && meta.transport != Transport::later_fragment) return meta.hash;
    return meta.family == Family::v4 ? address_hash(meta.key.v4.source) ^ address_hash(meta.key.v4.destination) * 3U
                                     : address_hash(meta.key.v6.source) ^ address_hash(meta.key.v6.destination) * 3U;
}

void to_peer(Burst& burst, Slot slot, const Snapshot& now, const Peer& peer) noexcept {
    rte_mbuf& mbuf = *burst.mbufs[slot];
    PacketMeta& meta = burst.meta[slot];
    const DesiredNetwork& network = now.network(peer.network).settings;
    const VxlanTemplate& headers = peer.headers;
    if (!set_front(mbuf, meta, headers.length)) return burst.drop(slot, Drop::no_headroom);
    const bool computed = !headers.outer_v4 || network.outer_checksum == OuterChecksum::valid;
    if (computed && rte_pktmbuf_linearize(&mbuf) != 0) return burst.drop(slot, Drop::no_headroom);

    std::uint8_t* inner = burst.frame(slot) + headers.length;
    const std::uint8_t inner_tos = tos_of(inner, meta.family);
    const std::uint8_t tos =
        network.dscp == DscpMode::uniform ? outer_tos_uniform(inner_tos) : outer_tos_pipe(inner_tos, network.pipe_dscp);
    write(headers, inner, meta.family, meta.ip_length, tos, entropy_of(meta),
          computed ? OuterUdpChecksum::computed : OuterUdpChecksum::zero);
}

void ethernet(Burst& burst, Slot slot, const Mac& destination, const Mac& source) noexcept {
    const PacketMeta& meta = burst.meta[slot];
    if (!set_front(*burst.mbufs[slot], meta, sizeof(EthernetHeader))) return burst.drop(slot, Drop::no_headroom);
    const std::uint16_t type = meta.family == Family::v4 ? ether_type::ipv4 : ether_type::ipv6;
    header_at<EthernetHeader>(burst.frame(slot)) = {destination, source, Be16(type)};
}

void to_connected(Burst& burst, Slot slot, const Snapshot& now, PortId port) noexcept {
    const std::uint8_t* ip = burst.ip(slot);
    const IpAddress destination = burst.meta[slot].family == Family::v4
                                      ? IpAddress(header_at<Ipv4Header>(ip).destination)
                                      : IpAddress(header_at<Ipv6Header>(ip).destination);
    const Mac* neighbour = now.neighbours->find(port, destination);
    if (neighbour == nullptr) return burst.drop(slot, Drop::neighbour_unresolved);
    ethernet(burst, slot, *neighbour, now.port(port).mac);
}

/// A frame as the kernel's end of the port expects it. What came plain is left as it is.
void to_kernel(Burst& burst, Slot slot, const Snapshot& now) noexcept {
    const PortId port = burst.treatment[slot].egress;
    if (!now.has(port)) return burst.drop(slot, Drop::no_kernel_port);
    const Mac source = header_at<EthernetHeader>(burst.frame(slot)).source;
    ethernet(burst, slot, now.port(port).mac, source);
    if (burst.verdict[slot] == Verdict::travelling) burst.decide(slot, Verdict::kernel);
}

}  // namespace

void encapsulate(Burst& burst, const Snapshot& now) noexcept {
    burst.for_each([&](Slot slot) noexcept {
        const RouteTarget target = burst.treatment[slot].target;
        switch (target.kind) {
            case RouteKind::peer:
                return to_peer(burst, slot, now, now.peers[target.index]);
            case RouteKind::via: {
                const NextHop& hop = now.next_hops[target.index];
                return ethernet(burst, slot, hop.destination, hop.source);
            }
            case RouteKind::connected:
                return to_connected(burst, slot, now, static_cast<PortId>(target.index));
            case RouteKind::kernel:
                return to_kernel(burst, slot, now);
            case RouteKind::unreachable:
            case RouteKind::none:
                return burst.drop(slot, Drop::no_route);
        }
    });
}

}  // namespace viaduct
