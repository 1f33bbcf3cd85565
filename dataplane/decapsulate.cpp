// Stage decapsulate: tunnel packets to our VTEP become their inner packets (RFC 7348 §4.1, RFC 6040 §4.2).
#include <optional>

#include "dataplane/stages.h"
#include "encap/ecn.h"
#include "encap/headers.h"
#include "encap/vxlan.h"

namespace viaduct {
namespace {

constexpr unsigned tunnel_header = sizeof(UdpHeader) + sizeof(VxlanHeader);

IpAddress source_of(const PacketMeta& meta) noexcept {
    return meta.family == Family::v4 ? IpAddress(meta.key.v4.source) : IpAddress(meta.key.v6.source);
}

/// Bursts come mostly from few peers: the last one found saves the next lookup.
class PeerMemo {
public:
    explicit PeerMemo(const Snapshot& now) noexcept : now_(now) {}
    PeerIndex find(NetworkId network, IpAddress underlay) noexcept {
        if (peer_ == no_peer || network != network_ || underlay != underlay_) {
            peer_ = now_.peer_of(network, underlay);
            network_ = network;
            underlay_ = underlay;
        }
        return peer_;
    }

private:
    const Snapshot& now_;
    PeerIndex peer_ = no_peer;
    NetworkId network_ = NetworkId::none;
    IpAddress underlay_;
};

bool is_our_mac(const DesiredNetwork& network, const Mac& mac) noexcept {
    if (mac == network.vtep_mac) return true;
    for (const Mac& former : network.former_macs)
        if (mac == former) return true;
    return false;
}

/// The UDP header, and its checksum unless the port has verified it.
std::optional<Drop> check_udp(const rte_mbuf& mbuf, const std::uint8_t* frame, const PacketMeta& meta) noexcept {
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

/// The inner packet's metadata, with what the tunnel tells about it.
std::optional<Drop> parse_inner(rte_mbuf& mbuf, PacketMeta& meta, const DesiredNetwork& network,
                                std::uint8_t outer_tos) noexcept {
    rte_pktmbuf_adj(&mbuf, static_cast<std::uint16_t>(meta.transport_at + tunnel_header));
    std::uint8_t* frame = rte_pktmbuf_mtod(&mbuf, std::uint8_t*);
    if (mbuf.data_len < sizeof(EthernetHeader)) return Drop::truncated;
    const Mac destination = header_at<EthernetHeader>(frame).destination;
    const ParseResult parsed = parse(frame, mbuf.data_len, mbuf.pkt_len, meta);
    if (parsed.outcome == ParseOutcome::bad) return parsed.why;
    if (parsed.outcome == ParseOutcome::for_kernel) return Drop::inner_not_ip;  // no ARP and no floods on this overlay
    if (!is_our_mac(network, destination)) return Drop::wrong_inner_mac;
    if (!decapsulate_ecn(frame + meta.network_at, meta.family, outer_tos)) return Drop::ecn_congested;
    return {};
}

}  // namespace

void decapsulate(Burst& burst, const Snapshot& now) noexcept {
    PeerMemo peers(now);
    burst.for_each([&](Slot slot) noexcept {
        PacketMeta& meta = burst.meta[slot];
        if (meta.protocol() != Protocol::udp || meta.transport != Transport::flow) return;
        const Be16 port = meta.family == Family::v4 ? meta.key.v4.destination_port : meta.key.v6.destination_port;
        const IpAddress destination =
            meta.family == Family::v4 ? IpAddress(meta.key.v4.destination) : IpAddress(meta.key.v6.destination);
        if (!now.is_vtep(destination, port.value())) return;

        if (meta.first_fragment) return burst.drop(slot, Drop::outer_fragment);
        rte_mbuf& mbuf = *burst.mbufs[slot];
        const std::uint8_t* frame = burst.frame(slot);
        if (const auto why = check_udp(mbuf, frame, meta)) return burst.drop(slot, *why);
        const VxlanView vxlan = read_vxlan(frame + meta.transport_at + sizeof(UdpHeader));
        if (!vxlan.valid_flag) return burst.drop(slot, Drop::vxlan_no_vni_flag);
        const Network* network = meta.family == Family::v4
                                     ? now.network_of(meta.key.v4.destination, port.value(), vxlan.vni)
                                     : now.network_of(meta.key.v6.destination, port.value(), vxlan.vni);
        if (network == nullptr) return burst.drop(slot, Drop::unknown_vni);
        const NetworkId id = now.id_of(*network);
        const PeerIndex peer = peers.find(id, source_of(meta));
        if (peer == no_peer) return burst.drop(slot, Drop::unknown_vtep);

        const std::uint8_t outer_tos = tos_of(frame + meta.network_at, meta.family);
        if (const auto why = parse_inner(mbuf, meta, network->settings, outer_tos)) return burst.drop(slot, *why);
        meta.from_overlay = true;
        meta.ingress_peer = peer;
        meta.set_network(id);
        burst.treatment[slot].network = id;
    });
}

}  // namespace viaduct
