// Stage decapsulate: tunnel packets to our VTEP become their inner packets (RFC 7348 §4.1, RFC 6040 §4.2).
#include "dataplane/stages.h"
#include "dataplane/tunnel_end.h"
#include "encap/ecn.h"
#include "encap/headers.h"
#include "encap/vxlan.h"

namespace viaduct {
namespace {

constexpr unsigned tunnel_header = sizeof(UdpHeader) + sizeof(VxlanHeader);

/// What comes over one family. Who drops a packet returns at once: the way of those that go on is straight. What is
/// returned tells whether the packet travels on in its family.
template <Address A>
class Decapsulator {
public:
    Decapsulator(Burst& burst, const Snapshot& now) noexcept : burst_(burst), now_(now), end_(now) {}

    [[nodiscard]] bool go(Slot slot) noexcept;

private:
    [[nodiscard]] bool udp_is_good(Slot slot, const rte_mbuf& mbuf, const UdpHeader& udp) noexcept;
    [[nodiscard, gnu::noinline]] bool sum_is_good(Slot slot) noexcept;
    [[nodiscard]] bool open_any(Slot slot, PeerIndex peer, std::uint8_t outer_tos) noexcept;
    template <Address Inner>
    [[nodiscard]] bool goes_on(Slot slot, PeerIndex peer, std::uint8_t outer_tos) noexcept;
    [[gnu::cold, gnu::noinline]] bool drop(Slot slot, Drop why) noexcept { return burst_.drop(slot, why), false; }

    Burst& burst_;
    const Snapshot& now_;
    TunnelEnd<A> end_;
};

/// False: the packet has been dropped.
template <Address A>
[[gnu::always_inline]] inline bool Decapsulator<A>::udp_is_good(Slot slot, const rte_mbuf& mbuf,
                                                                const UdpHeader& udp) noexcept {
    const PacketMeta& meta = burst_.meta[slot];
    if (!outer_udp_fits(udp, meta)) return drop(slot, Drop::bad_udp_length);
    const bool none = std::same_as<A, Ipv4> && udp.checksum.raw() == 0;
    if (!none && !sum_is_good(slot)) return drop(slot, Drop::bad_udp_checksum);
    const bool whole = meta.transport_at + tunnel_header <= mbuf.data_len;
    return whole || drop(slot, Drop::truncated);
}

/// Whether the NIC has found the UDP checksum to be right. One that knows VXLAN speaks of the inner packet's in its
/// usual flags, and of this one in others (rte_mbuf_core.h).
bool verified_by_nic(const rte_mbuf& mbuf) noexcept {
    if ((mbuf.packet_type & RTE_PTYPE_TUNNEL_MASK) != 0)
        return (mbuf.ol_flags & RTE_MBUF_F_RX_OUTER_L4_CKSUM_MASK) == RTE_MBUF_F_RX_OUTER_L4_CKSUM_GOOD;
    return (mbuf.ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
}

/// What nobody can verify passes: the inner packet has its own checksums.
template <Address A>
bool Decapsulator<A>::sum_is_good(Slot slot) noexcept {
    const rte_mbuf& mbuf = *burst_.mbufs[slot];
    const std::size_t contiguous = verified_by_nic(mbuf) ? 0 : mbuf.data_len;
    return check_outer_sum<A>(burst_.frame(slot), contiguous, burst_.meta[slot]) != OuterSum::bad;
}

template <Address A>
[[gnu::always_inline]] inline bool Decapsulator<A>::go(Slot slot) noexcept {
    PacketMeta& meta = burst_.meta[slot];
    const FlowKey<A>& outer = meta.flow<A>();
    if (!end_.is_addressed_by(outer) || meta.transport != Transport::flow) return true;
    if (meta.first_fragment) return drop(slot, Drop::outer_fragment);
    rte_mbuf& mbuf = *burst_.mbufs[slot];
    const std::uint8_t* frame = burst_.frame(slot);
    const auto& udp = header_at<UdpHeader>(frame + meta.transport_at);
    if (!udp_is_good(slot, mbuf, udp)) return false;
    const auto& vxlan = header_at<VxlanHeader>(frame + meta.transport_at + sizeof udp);
    if (!vxlan.has_vni()) return drop(slot, Drop::vxlan_no_vni_flag);
    if (!end_.enter(vxlan.vni())) return drop(slot, Drop::unknown_vni);
    const PeerIndex peer = now_.peer_of(end_.network(), outer.source);
    if (peer == no_peer) return drop(slot, Drop::unknown_vtep);

    const std::uint8_t outer_tos = tos_of(frame + meta.network_at, family_of<A>);
    rte_pktmbuf_adj(&mbuf, static_cast<std::uint16_t>(meta.transport_at + tunnel_header));
    const std::uint8_t* inner = rte_pktmbuf_mtod(&mbuf, const std::uint8_t*);
    const auto& ethernet = header_at<EthernetHeader>(inner);
    if (mbuf.data_len >= sizeof ethernet && end_.owns_mac(ethernet.destination_word())) {
        const bool v4 = ethernet.type == Be16(ether_type::ipv4), v6 = ethernet.type == Be16(ether_type::ipv6);
        const NetworkId network = end_.network();
        if (v4 && parse_plain<Ipv4>(inner, mbuf.data_len, mbuf.pkt_len, meta, network))
            return goes_on<Ipv4>(slot, peer, outer_tos);
        if (v6 && parse_plain<Ipv6>(inner, mbuf.data_len, mbuf.pkt_len, meta, network))
            return goes_on<Ipv6>(slot, peer, outer_tos);
    }
    return open_any(slot, peer, outer_tos);
}

/// Any inner packet.
template <Address A>
[[gnu::noinline]] bool Decapsulator<A>::open_any(Slot slot, PeerIndex peer, std::uint8_t outer_tos) noexcept {
    PacketMeta& meta = burst_.meta[slot];
    const rte_mbuf& mbuf = *burst_.mbufs[slot];
    const std::uint8_t* frame = burst_.frame(slot);
    if (mbuf.data_len < sizeof(EthernetHeader)) return drop(slot, Drop::truncated);
    const ParseResult parsed = parse(frame, mbuf.data_len, mbuf.pkt_len, meta);
    if (parsed.outcome == ParseOutcome::bad) return drop(slot, parsed.why);
    // no ARP and no floods on this overlay
    if (parsed.outcome == ParseOutcome::for_kernel) return drop(slot, Drop::inner_not_ip);
    const std::uint64_t mac = header_at<EthernetHeader>(frame).destination_word();
    if (!end_.owns_mac(mac)) return drop(slot, Drop::wrong_inner_mac);
    meta.set_network(end_.network());
    if (meta.family == Family::v4) return goes_on<Ipv4>(slot, peer, outer_tos);
    return goes_on<Ipv6>(slot, peer, outer_tos);
}

/// The inner packet takes the tunnel packet's place.
template <Address A>
template <Address Inner>
[[gnu::always_inline]] inline bool Decapsulator<A>::goes_on(Slot slot, PeerIndex peer,
                                                            std::uint8_t outer_tos) noexcept {
    PacketMeta& meta = burst_.meta[slot];
    const bool marked = (outer_tos & ecn::mask) != ecn::not_ect;
    if (marked && !decapsulate_ecn(burst_.ip(slot), family_of<Inner>, outer_tos))
        return drop(slot, Drop::ecn_congested);
    meta.from_overlay = true;
    meta.ingress_peer = peer;
    burst_.treatment[slot].network = end_.network();
    ++burst_.decapsulated;
    if (std::same_as<A, Inner>) return true;
    burst_.travels(slot, family_of<Inner>);
    return false;
}

template <Address A>
void decapsulate_over(Burst& burst, unsigned count, const Snapshot& now) noexcept {
    Decapsulator<A> decapsulator(burst, now);
    burst.keep_of<A>(count, [&](Slot slot) noexcept { return decapsulator.go(slot); });
}

}  // namespace

/// A tunnel inside a tunnel is payload: what comes out of one is not looked at again.
void decapsulate(Burst& burst, const Snapshot& now) noexcept {
    const unsigned over_v4 = burst.travelling<Ipv4>(), over_v6 = burst.travelling<Ipv6>();
    decapsulate_over<Ipv4>(burst, over_v4, now);
    decapsulate_over<Ipv6>(burst, over_v6, now);
}

}  // namespace viaduct
