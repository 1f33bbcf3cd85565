// Stage encapsulate: the headers in front of the IP packet. VXLAN towards a peer (RFC 7348), Ethernet otherwise.
#include "dataplane/stages.h"
#include "encap/ecn.h"
#include "encap/flow_hash.h"
#include "encap/vxlan.h"

namespace viaduct {
namespace {

/// Makes the frame start `length` bytes before the IP packet and end with it: Ethernet padding is not carried on.
[[gnu::cold]] bool set_front_of_any(rte_mbuf& mbuf, const PacketMeta& meta, std::uint16_t length) noexcept {
    const std::uint32_t end = std::uint32_t{meta.network_at} + meta.ip_length;
    if (mbuf.pkt_len > end && rte_pktmbuf_trim(&mbuf, static_cast<std::uint16_t>(mbuf.pkt_len - end)) != 0)
        return false;
    if (length <= meta.network_at)
        return rte_pktmbuf_adj(&mbuf, static_cast<std::uint16_t>(meta.network_at - length)) != nullptr;
    return rte_pktmbuf_prepend(&mbuf, static_cast<std::uint16_t>(length - meta.network_at)) != nullptr;
}

/// The same for a packet in one piece.
[[gnu::always_inline]] inline bool set_front(const Packet& packet, std::uint16_t length) noexcept {
    rte_mbuf& mbuf = *packet.mbuf;
    const auto headroom = packet.ip - static_cast<std::uint8_t*>(mbuf.buf_addr);
    if (mbuf.nb_segs != 1 || headroom < length) [[unlikely]]
        return set_front_of_any(mbuf, packet.meta, length);
    const std::uint32_t whole = std::uint32_t{length} + packet.meta.ip_length;
    mbuf.data_off = static_cast<std::uint16_t>(headroom - length);
    mbuf.data_len = static_cast<std::uint16_t>(whole);
    mbuf.pkt_len = whole;
    return true;
}

/// All fragments of one datagram take one way through the underlay, so their ports must not count.
template <Address A>
[[gnu::cold]] std::uint32_t entropy_of_others(const PacketMeta& meta) noexcept {
    const FlowKey<A>& key = meta.flow<A>();
    const bool fragment = meta.first_fragment || meta.transport == Transport::later_fragment;
    return fragment ? address_hash(key.source) ^ address_hash(key.destination) * 3U : flow_entropy(key);
}
template <Address A>
std::uint32_t entropy_of(const PacketMeta& meta) noexcept {
    if (!meta.whole_flow) [[unlikely]]
        return entropy_of_others<A>(meta);
    return meta.hash != 0 ? meta.hash : flow_entropy(meta.flow<A>());
}

template <Address A>
[[gnu::always_inline]] inline void write_with_checksum(const Packet& packet, const Peer& peer,
                                                       std::uint8_t tos) noexcept {
    write(peer.headers, packet.ip, family_of<A>, packet.meta.ip_length, tos, entropy_of<A>(packet.meta),
          OuterUdpChecksum::computed);
}
template <Address A>
[[gnu::noinline]] void write_any_with_checksum(Burst& burst, Packet& packet, const Peer& peer,
                                               std::uint8_t tos) noexcept {
    if (rte_pktmbuf_linearize(packet.mbuf) != 0) return burst.drop(packet, Drop::no_headroom);
    packet.ip = packet.frame() + peer.headers.length;
    write_with_checksum<A>(packet, peer, tos);
}

/// With a UDP checksum over all of the packet, which must lie in one piece for that.
template <Address A>
[[gnu::always_inline]] inline void to_peer_with_checksum(Burst& burst, Packet& packet, const Peer& peer,
                                                         std::uint8_t tos) noexcept {
    if (!set_front(packet, peer.headers.length)) return burst.drop(packet, Drop::no_headroom);
    ++burst.encapsulated;
    if (peer.headers.outer_v4 || packet.mbuf->nb_segs > 1) return write_any_with_checksum<A>(burst, packet, peer, tos);
    write_with_checksum<A>(packet, peer, tos);
}

template <Address A>
[[gnu::always_inline]] inline void to_peer(Burst& burst, Packet& packet, const Peer& peer) noexcept {
    const std::uint8_t tos = peer.tos.of(tos_of(packet.ip, family_of<A>));
    const std::uint16_t length = packet.meta.ip_length;
    if (peer.checksum != OuterUdpChecksum::zero) return to_peer_with_checksum<A>(burst, packet, peer, tos);
    if (!set_front(packet, VxlanTemplate::length_v4)) return burst.drop(packet, Drop::no_headroom);
    ++burst.encapsulated;
    write_plain_ipv4(peer.headers, packet.ip, family_of<A>, length, tos, entropy_of<A>(packet.meta));
}

/// With this header in front, which is one of an IPv4 packet.
template <Address A>
[[gnu::always_inline]] inline void ethernet(Burst& burst, Packet& packet, const EthernetHeader& header) noexcept {
    if (!set_front(packet, sizeof header)) return burst.drop(packet, Drop::no_headroom);
    auto& ethernet = header_at<EthernetHeader>(packet.ip - sizeof header);
    ethernet = header;
    if (std::same_as<A, Ipv6>) ethernet.type = Be16(ether_type::ipv6);
}

template <Address A>
[[gnu::noinline]] void to_connected(Burst& burst, Packet& packet, const Snapshot& now, PortId port) noexcept {
    using Header = std::conditional_t<std::same_as<A, Ipv4>, Ipv4Header, Ipv6Header>;
    const IpAddress destination = header_at<Header>(packet.ip).destination;
    const Mac* neighbour = now.neighbours->find(port, destination);
    if (neighbour == nullptr) return burst.drop(packet, Drop::neighbour_unresolved);
    ethernet<A>(burst, packet, {*neighbour, now.port(port).mac, Be16(ether_type::ipv4)});
}

/// A frame as the kernel's end of the port expects it. What came plain is left as it is.
template <Address A>
[[gnu::noinline]] void to_kernel(Burst& burst, Packet& packet, const Snapshot& now) noexcept {
    const PortId port = packet.egress;
    if (!now.has(port)) return burst.drop(packet, Drop::no_kernel_port);
    const Mac source = header_at<EthernetHeader>(packet.frame()).source;
    ethernet<A>(burst, packet, {now.port(port).mac, source, Be16(ether_type::ipv4)});
    if (packet.treatment.verdict == Verdict::travelling) burst.decide(packet, Verdict::kernel);
}

template <Address A>
void encapsulate_family(Burst& burst, const Snapshot& now) noexcept {
    burst.for_each_of<A>([&](Packet& packet) noexcept {
        if (packet.peer != nullptr) return to_peer<A>(burst, packet, *packet.peer);
        const RouteTarget target = packet.target;
        if (target.kind == RouteKind::via) return ethernet<A>(burst, packet, packet.hop->ethernet);
        if (target.kind == RouteKind::connected)
            return to_connected<A>(burst, packet, now, static_cast<PortId>(target.index));
        if (target.kind == RouteKind::kernel) return to_kernel<A>(burst, packet, now);
        burst.drop(packet, Drop::no_route);
    });
}

}  // namespace

void encapsulate(Burst& burst, const Snapshot& now) noexcept {
    encapsulate_family<Ipv4>(burst, now);
    encapsulate_family<Ipv6>(burst, now);
}

}  // namespace viaduct
