// Stage decapsulate: tunnel packets to our VTEP become their inner packets (RFC 7348 §4.1, RFC 6040 §4.2).
#include "dataplane/stages.h"
#include "dataplane/tunnel_end.h"
#include "encap/ecn.h"
#include "encap/headers.h"
#include "encap/vxlan.h"

namespace viaduct {
namespace {

constexpr unsigned tunnel_header = sizeof(UdpHeader) + sizeof(VxlanHeader);

/// rte_pktmbuf_adj for a first segment that is known to have so many bytes.
void take_off(rte_mbuf& mbuf, unsigned bytes) noexcept {
    mbuf.data_off = static_cast<std::uint16_t>(mbuf.data_off + bytes);
    mbuf.data_len = static_cast<std::uint16_t>(mbuf.data_len - bytes);
    mbuf.pkt_len -= bytes;
}

/// What comes over one family. Who drops a packet returns at once: the way of those that go on is straight. What is
/// returned tells whether the packet travels on in its family.
template <Address A>
class Decapsulator {
public:
    Decapsulator(Burst& burst, const Snapshot& now) noexcept : burst_(burst), now_(now), end_(now) {}

    [[nodiscard]] bool go(Packet& packet) noexcept;
    /// How many have been.
    [[nodiscard]] unsigned opened() const noexcept { return opened_; }

private:
    [[nodiscard]] bool open(Packet& packet, unsigned ip_header) noexcept;
    [[nodiscard]] bool open_long(Packet& packet, unsigned ip_header) noexcept;
    [[nodiscard]] bool udp_is_good(Packet& packet, const UdpHeader& udp, unsigned ip_header) noexcept;
    [[nodiscard]] bool sum_is_good(const Packet& packet) noexcept;
    [[nodiscard]] bool unpack_any(Packet& packet, Origin from, std::uint8_t outer_tos) noexcept;
    template <Address Inner>
    [[nodiscard]] bool goes_on(Packet& packet, std::uint8_t outer_tos) noexcept;
    [[gnu::cold, gnu::noinline]] bool drop(Packet& packet, Drop why) noexcept {
        return burst_.drop(packet, why), false;
    }

    Burst& burst_;
    const Snapshot& now_;
    TunnelEnd<A> end_;
    unsigned opened_ = 0;
};

/// Whether the NIC has found the UDP checksum to be right. One that knows VXLAN speaks of the inner packet's in its
/// usual flags, and of this one in others (rte_mbuf_core.h).
bool verified_by_nic(const rte_mbuf& mbuf) noexcept {
    if ((mbuf.packet_type & RTE_PTYPE_TUNNEL_MASK) != 0)
        return (mbuf.ol_flags & RTE_MBUF_F_RX_OUTER_L4_CKSUM_MASK) == RTE_MBUF_F_RX_OUTER_L4_CKSUM_GOOD;
    return (mbuf.ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
}

/// What nobody can verify passes: the inner packet has its own checksums.
template <Address A>
[[gnu::noinline]] bool Decapsulator<A>::sum_is_good(const Packet& packet) noexcept {
    return check_outer_sum<A>(packet.frame(), packet.mbuf->data_len, packet.meta) != OuterSum::bad;
}

/// False: the packet has been dropped.
template <Address A>
[[gnu::always_inline]] inline bool Decapsulator<A>::udp_is_good(Packet& packet, const UdpHeader& udp,
                                                                unsigned ip_header) noexcept {
    if (!outer_udp_fits(udp, packet.meta.ip_length - ip_header)) return drop(packet, Drop::bad_udp_length);
    const bool none = udp.checksum.raw() == 0;  // which only IPv4 allows (RFC 8200 §8.1)
    const bool good = none ? std::same_as<A, Ipv4> : verified_by_nic(*packet.mbuf) || sum_is_good(packet);
    if (!good) return drop(packet, Drop::bad_udp_checksum);
    const bool whole = sizeof(EthernetHeader) + ip_header + tunnel_header <= packet.mbuf->data_len;
    return whole || drop(packet, Drop::truncated);
}

template <Address A>
[[gnu::always_inline]] inline bool Decapsulator<A>::go(Packet& packet) noexcept {
    const PacketMeta& meta = packet.meta;
    if (!end_.is_addressed_by(meta.flow<A>())) return true;
    if (!meta.whole_flow) return meta.transport != Transport::flow || drop(packet, Drop::outer_fragment);
    constexpr unsigned usual = std::same_as<A, Ipv4> ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
    const unsigned ip_header = unsigned{meta.transport_at} - ethernet_size;
    return ip_header == usual ? open(packet, usual) : open_long(packet, ip_header);
}

/// A tunnel packet whose IP header, extensions included, has so many bytes.
template <Address A>
[[gnu::always_inline]] inline bool Decapsulator<A>::open(Packet& packet, unsigned ip_header) noexcept {
    PacketMeta& meta = packet.meta;
    rte_mbuf& mbuf = *packet.mbuf;
    const auto& udp = header_at<UdpHeader>(packet.ip + ip_header);
    if (!udp_is_good(packet, udp, ip_header)) return false;
    const auto& vxlan = header_at<VxlanHeader>(packet.ip + ip_header + sizeof udp);
    if (!end_.enter(vxlan)) return drop(packet, vxlan.has_vni() ? Drop::unknown_vni : Drop::vxlan_no_vni_flag);
    const PeerIndex peer = now_.peer_of(end_.network(), meta.flow<A>().source);
    if (peer == no_peer) return drop(packet, Drop::unknown_vtep);

    const std::uint8_t outer_tos = tos_of(packet.ip, family_of<A>);
    const std::uint8_t* inner = packet.ip + ip_header + tunnel_header;
    take_off(mbuf, sizeof(EthernetHeader) + ip_header + tunnel_header);
    packet.ip += ip_header + tunnel_header + sizeof(EthernetHeader);
    const auto& ethernet = header_at<EthernetHeader>(inner);
    const Origin from{end_.network(), true, peer};
    if (mbuf.data_len >= plain_bytes<Ipv4> && end_.owns_mac(ethernet.destination_word())) {
        const bool v4 = ethernet.type == Be16(ether_type::ipv4), v6 = ethernet.type == Be16(ether_type::ipv6);
        if (v4 && parse_plain<Ipv4>(inner, mbuf.data_len, mbuf.pkt_len, meta, from))
            return goes_on<Ipv4>(packet, outer_tos);
        if (v6 && parse_plain<Ipv6>(inner, mbuf.data_len, mbuf.pkt_len, meta, from))
            return goes_on<Ipv6>(packet, outer_tos);
    }
    return unpack_any(packet, from, outer_tos);
}

template <Address A>
[[gnu::noinline]] bool Decapsulator<A>::open_long(Packet& packet, unsigned ip_header) noexcept {
    return open(packet, ip_header);
}

/// Any inner packet.
template <Address A>
[[gnu::noinline]] bool Decapsulator<A>::unpack_any(Packet& packet, Origin from, std::uint8_t outer_tos) noexcept {
    PacketMeta& meta = packet.meta;
    const rte_mbuf& mbuf = *packet.mbuf;
    const std::uint8_t* frame = packet.frame();
    if (mbuf.data_len < sizeof(EthernetHeader)) return drop(packet, Drop::truncated);
    const ParseResult parsed = parse(frame, mbuf.data_len, mbuf.pkt_len, meta);
    if (parsed.outcome == ParseOutcome::bad) return drop(packet, parsed.why);
    // no ARP and no floods on this overlay
    if (parsed.outcome == ParseOutcome::for_kernel) return drop(packet, Drop::inner_not_ip);
    const std::uint64_t mac = header_at<EthernetHeader>(frame).destination_word();
    if (!end_.owns_mac(mac)) return drop(packet, Drop::wrong_inner_mac);
    meta.begin(from);
    meta.set_network(from.network);
    packet.find_ip();
    return meta.family == Family::v4 ? goes_on<Ipv4>(packet, outer_tos) : goes_on<Ipv6>(packet, outer_tos);
}

/// The inner packet takes the tunnel packet's place.
template <Address A>
template <Address Inner>
[[gnu::always_inline]] inline bool Decapsulator<A>::goes_on(Packet& packet, std::uint8_t outer_tos) noexcept {
    const bool marked = (outer_tos & ecn::mask) != ecn::not_ect;
    if (marked && !decapsulate_ecn(packet.ip, family_of<Inner>, outer_tos)) return drop(packet, Drop::ecn_congested);
    packet.network = end_.network();
    ++opened_;
    if (std::same_as<A, Inner>) return true;
    burst_.travels(packet, family_of<Inner>);
    return false;
}

template <Address A>
void decapsulate_over(Burst& burst, unsigned count, const Snapshot& now) noexcept {
    Decapsulator<A> decapsulator(burst, now);
    burst.keep_of<A>(count, [&](Packet& packet) noexcept { return decapsulator.go(packet); });
    burst.decapsulated += decapsulator.opened();
}

}  // namespace

/// A tunnel inside a tunnel is payload: what comes out of one is not looked at again.
void decapsulate(Burst& burst, const Snapshot& now) noexcept {
    const unsigned over_v4 = burst.travelling<Ipv4>(), over_v6 = burst.travelling<Ipv6>();
    decapsulate_over<Ipv4>(burst, over_v4, now);
    decapsulate_over<Ipv6>(burst, over_v6, now);
}

}  // namespace viaduct
