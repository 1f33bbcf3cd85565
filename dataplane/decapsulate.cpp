// Stage decapsulate: tunnel packets to our VTEP become their inner packets (RFC 7348 §4.1, RFC 6040 §4.2).
#include <optional>

#include "dataplane/stages.h"
#include "encap/ecn.h"
#include "encap/headers.h"
#include "encap/vxlan.h"

namespace viaduct {
namespace {

constexpr unsigned tunnel_header = sizeof(UdpHeader) + sizeof(VxlanHeader);

/// The network that a tunnel packet belongs to. A burst's are mostly of one: the last one found saves the next look-up.
template <Address A>
class TunnelEnd {
public:
    explicit TunnelEnd(const Snapshot& now) noexcept : now_(now) {}

    /// Whether this is a tunnel packet for us, by its outer key.
    [[nodiscard]] bool is_addressed_by(const FlowKey<A>& key) const noexcept {
        return key.protocol == Protocol::udp && (is_last(key) || now_.is_vtep(key.destination, key.destination_port));
    }
    /// False when no network has this VNI.
    [[nodiscard]] bool enter(const FlowKey<A>& key, Vni vni) noexcept {
        return (vni == vni_ && is_last(key)) || find(key, vni);
    }
    // of the network that was entered last
    [[nodiscard]] NetworkId network() const noexcept { return id_; }
    [[nodiscard]] bool owns_mac(std::uint64_t mac) const noexcept { return mac == mac_ || is_former(mac); }

private:
    [[nodiscard]] bool is_last(const FlowKey<A>& key) const noexcept {
        return key.destination_port == port_ && key.destination == vtep_;
    }
    [[gnu::cold]] bool find(const FlowKey<A>& key, Vni vni) noexcept {
        const Network* network = now_.network_of(key.destination, key.destination_port.value(), vni);
        if (network == nullptr) return false;
        vtep_ = key.destination;
        port_ = key.destination_port;
        vni_ = vni;
        id_ = now_.id_of(*network);
        mac_ = network->settings.vtep_mac.word();
        return true;
    }
    /// Peers that have not heard of a change still send to it.
    [[gnu::cold]] bool is_former(std::uint64_t mac) const noexcept {
        for (const Mac& former : now_.network(id_).settings.former_macs)
            if (mac == former.word()) return true;
        return false;
    }

    const Snapshot& now_;
    A vtep_;  // this and the port are zero at first, which no tunnel packet has
    Be16 port_;
    Vni vni_;
    NetworkId id_{};
    std::uint64_t mac_ = 0;
};

/// The UDP header, and its checksum unless the port has verified it.
[[gnu::always_inline]] inline std::optional<Drop> check_udp(const rte_mbuf& mbuf, const std::uint8_t* frame,
                                                            const PacketMeta& meta) noexcept {
    const auto verified = (mbuf.ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    switch (check_outer_udp(frame, verified ? 0 : mbuf.data_len, meta)) {
        case OuterUdp::bad_length:
            return Drop::bad_udp_length;
        case OuterUdp::bad_checksum:
            return Drop::bad_udp_checksum;
        case OuterUdp::good:
        case OuterUdp::unverified:
            break;  // nobody can; the inner packet has its own checksums
    }
    if (meta.transport_at + tunnel_header > mbuf.data_len) return Drop::truncated;
    return {};
}

/// The inner packet's metadata.
template <Address A>
[[gnu::always_inline]] inline std::optional<Drop> parse_inner(rte_mbuf& mbuf, PacketMeta& meta, const TunnelEnd<A>& end,
                                                              std::uint8_t outer_tos) noexcept {
    rte_pktmbuf_adj(&mbuf, static_cast<std::uint16_t>(meta.transport_at + tunnel_header));
    std::uint8_t* frame = rte_pktmbuf_mtod(&mbuf, std::uint8_t*);
    if (mbuf.data_len < sizeof(EthernetHeader)) return Drop::truncated;
    const ParseResult parsed = parse(frame, mbuf.data_len, mbuf.pkt_len, meta);
    if (parsed.outcome == ParseOutcome::bad) return parsed.why;
    if (parsed.outcome == ParseOutcome::for_kernel) return Drop::inner_not_ip;  // no ARP and no floods on this overlay
    if (!end.owns_mac(header_at<EthernetHeader>(frame).destination_word())) return Drop::wrong_inner_mac;
    if (!decapsulate_ecn(frame + meta.network_at, meta.family, outer_tos)) return Drop::ecn_congested;
    return {};
}

template <Address A>
[[gnu::always_inline]] inline std::optional<Drop> open_tunnel(rte_mbuf& mbuf, PacketMeta& meta, const Snapshot& now,
                                                              TunnelEnd<A>& end) noexcept {
    if (meta.first_fragment) return Drop::outer_fragment;
    const std::uint8_t* frame = rte_pktmbuf_mtod(&mbuf, const std::uint8_t*);
    if (const auto why = check_udp(mbuf, frame, meta)) return why;
    const VxlanView vxlan = read_vxlan(frame + meta.transport_at + sizeof(UdpHeader));
    if (!vxlan.valid_flag) return Drop::vxlan_no_vni_flag;
    if (!end.enter(meta.flow<A>(), vxlan.vni)) return Drop::unknown_vni;
    const PeerIndex peer = now.peer_of(end.network(), meta.flow<A>().source);
    if (peer == no_peer) return Drop::unknown_vtep;

    const std::uint8_t outer_tos = tos_of(frame + meta.network_at, family_of<A>);
    if (const auto why = parse_inner(mbuf, meta, end, outer_tos)) return why;
    meta.from_overlay = true;
    meta.ingress_peer = peer;
    meta.set_network(end.network());
    return {};
}

/// What came over one family.
template <Address A>
void decapsulate_over(Burst& burst, const Snapshot& now) noexcept {
    TunnelEnd<A> end(now);
    burst.for_each_of<A>([&](Slot slot) noexcept {
        PacketMeta& meta = burst.meta[slot];
        if (!end.is_addressed_by(meta.flow<A>()) || meta.transport != Transport::flow || meta.from_overlay) return;
        if (const auto why = open_tunnel<A>(*burst.mbufs[slot], meta, now, end)) return burst.drop(slot, *why);
        burst.treatment[slot].network = end.network();
        if (meta.family != family_of<A>) burst.changes_family(slot);
        ++burst.decapsulated;
    });
}

}  // namespace

void decapsulate(Burst& burst, const Snapshot& now) noexcept {
    decapsulate_over<Ipv4>(burst, now);
    decapsulate_over<Ipv6>(burst, now);  // a tunnel inside a tunnel is payload: `from_overlay` tells
}

}  // namespace viaduct
