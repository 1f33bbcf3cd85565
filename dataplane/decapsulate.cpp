// Stage decapsulate: tunnel packets to our VTEP become their inner packets (RFC 7348 §4.1, RFC 6040 §4.2).
#include <optional>

#include "dataplane/stages.h"
#include "encap/ecn.h"
#include "encap/headers.h"
#include "encap/vxlan.h"

namespace viaduct {
namespace {

constexpr unsigned tunnel_header = sizeof(UdpHeader) + sizeof(VxlanHeader);

/// A burst's tunnel packets are mostly of one network: the last one found saves the next look-up.
template <Address A>
class NetworkMemo {
public:
    explicit NetworkMemo(const Snapshot& now) noexcept : now_(now) {}
    [[nodiscard]] const Network* find(const A& vtep, Be16 port, Vni vni) noexcept {
        if (network_ == nullptr || vni != vni_ || port != port_ || !(vtep == vtep_)) {
            network_ = now_.network_of(vtep, port.value(), vni);
            vtep_ = vtep;
            port_ = port;
            vni_ = vni;
        }
        return network_;
    }

private:
    const Snapshot& now_;
    const Network* network_ = nullptr;
    A vtep_;
    Be16 port_;
    Vni vni_;
};

template <Address A>
bool is_tunnel(const Snapshot& now, const FlowKey<A>& key) noexcept {
    return key.protocol == Protocol::udp && now.is_vtep(key.destination, key.destination_port);
}

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
    const ParseResult parsed = parse(frame, mbuf.data_len, mbuf.pkt_len, meta);
    if (parsed.outcome == ParseOutcome::bad) return parsed.why;
    if (parsed.outcome == ParseOutcome::for_kernel) return Drop::inner_not_ip;  // no ARP and no floods on this overlay
    if (!is_our_mac(network, header_at<EthernetHeader>(frame).destination)) return Drop::wrong_inner_mac;
    if (!decapsulate_ecn(frame + meta.network_at, meta.family, outer_tos)) return Drop::ecn_congested;
    return {};
}

template <Address A>
std::optional<Drop> open_tunnel(rte_mbuf& mbuf, PacketMeta& meta, const Snapshot& now,
                                NetworkMemo<A>& networks) noexcept {
    if (meta.first_fragment) return Drop::outer_fragment;
    const std::uint8_t* frame = rte_pktmbuf_mtod(&mbuf, const std::uint8_t*);
    if (const auto why = check_udp(mbuf, frame, meta)) return why;
    const VxlanView vxlan = read_vxlan(frame + meta.transport_at + sizeof(UdpHeader));
    if (!vxlan.valid_flag) return Drop::vxlan_no_vni_flag;
    const FlowKey<A> outer = meta.flow<A>();
    const Network* network = networks.find(outer.destination, outer.destination_port, vxlan.vni);
    if (network == nullptr) return Drop::unknown_vni;
    const NetworkId id = now.id_of(*network);
    const PeerIndex peer = now.peer_of(id, outer.source);
    if (peer == no_peer) return Drop::unknown_vtep;

    const std::uint8_t outer_tos = tos_of(frame + meta.network_at, meta.family);
    if (const auto why = parse_inner(mbuf, meta, network->settings, outer_tos)) return why;
    meta.from_overlay = true;
    meta.ingress_peer = peer;
    meta.set_network(id);
    return {};
}

/// What came over one family.
template <Address A>
void decapsulate_over(Burst& burst, const Snapshot& now) noexcept {
    NetworkMemo<A> networks(now);
    burst.for_each_of<A>([&](Slot slot) noexcept {
        PacketMeta& meta = burst.meta[slot];
        if (meta.from_overlay || meta.transport != Transport::flow || !is_tunnel(now, meta.flow<A>())) return;
        if (const auto why = open_tunnel<A>(*burst.mbufs[slot], meta, now, networks)) return burst.drop(slot, *why);
        burst.treatment[slot].network = meta.network();
        burst.holds(meta.family);
        ++burst.decapsulated;
    });
}

}  // namespace

void decapsulate(Burst& burst, const Snapshot& now) noexcept {
    decapsulate_over<Ipv4>(burst, now);
    decapsulate_over<Ipv6>(burst, now);  // a tunnel inside a tunnel is payload: `from_overlay` tells
}

}  // namespace viaduct
