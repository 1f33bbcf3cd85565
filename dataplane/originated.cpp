// See originated.h.
#include "dataplane/originated.h"

#include <rte_ip_frag.h>

#include <span>

#include "encap/checksum.h"

namespace viaduct {
namespace {

/// Whose name an error carries: towards a pod the gateway's overlay address, else the receiving interface's.
template <Address A>
A error_source(const PacketMeta& meta, const Snapshot& now) noexcept {
    if (!meta.from_overlay)
        for (const IpAddress& own : now.port(meta.ingress).addresses) {
            if constexpr (std::same_as<A, Ipv4>) {
                if (own.is_v4()) return own.v4();
            } else {
                if (!own.is_v4()) return own.v6();
            }
        }
    return !now.has(meta.network()) ? A{} : now.network(meta.network()).template family<A>().gateway;
}

}  // namespace

bool Originated::may_answer(Seconds clock) noexcept {
    if (clock != second_) {
        second_ = clock;
        left_ = per_second;
    }
    if (closed_ || left_ == 0 || burst_.count == Burst::capacity) return false;
    --left_;
    return true;
}

std::uint8_t* Originated::begin_answer(const PacketMeta& cause) noexcept {
    draft_ = rte_pktmbuf_alloc(pool_);
    if (draft_ == nullptr) return nullptr;
    char* frame = rte_pktmbuf_append(draft_, static_cast<std::uint16_t>(ethernet_size + max_reply_length));
    if (frame == nullptr) {
        rte_pktmbuf_free(draft_);
        return nullptr;
    }
    draft_meta_ = cause;
    return reinterpret_cast<std::uint8_t*>(frame) + ethernet_size;
}

void Originated::finish_answer(std::size_t length) noexcept {
    if (length == 0) return rte_pktmbuf_free(draft_);
    rte_pktmbuf_trim(draft_, static_cast<std::uint16_t>(max_reply_length - length));
    draft_meta_.network_at = ethernet_size;
    draft_meta_.transport_at = ethernet_size;
    draft_meta_.ip_length = static_cast<std::uint16_t>(length);
    draft_meta_.transport = Transport::other;
    draft_meta_.tcp_flags = 0;
    draft_meta_.first_fragment = draft_meta_.whole_flow = false;
    add(draft_, draft_meta_, draft_meta_.network());
}

void Originated::add(rte_mbuf* mbuf, const PacketMeta& meta, NetworkId network) noexcept {
    PacketMeta own = meta;
    own.from_overlay = false;
    own.ingress_peer = no_peer;
    own.set_network(network);
    own.originated = true;
    carried_meta(mbuf) = own;
    burst_.mbufs[burst_.count++] = mbuf;
}

template <Address A>
void Originated::write_error(const Packet& packet, const IcmpError& error, const A& source) noexcept {
    if (source == A{}) return;
    std::uint8_t* out = begin_answer(packet.meta);
    if (out == nullptr) return;
    const std::size_t readable = packet.mbuf->data_len - packet.meta.network_at;
    finish_answer(write_icmp_error(out, max_reply_length, error, source, packet.ip, readable));
}

void Originated::refuse(const Packet& packet, Seconds clock) noexcept {
    const PacketMeta& meta = packet.meta;
    if (!may_answer(clock)) return;
    if (meta.protocol() == Protocol::tcp) {
        if (std::uint8_t* out = begin_answer(meta))
            finish_answer(write_tcp_reset(out, max_reply_length, packet.ip, meta));
        return;
    }
    if (!may_send_icmp_error(packet.ip, packet.mbuf->data_len - meta.network_at, meta)) return;
    const IcmpError error = IcmpError::unreachable_port();
    if (meta.family == Family::v4)
        write_error(packet, error, meta.key.v4.destination);
    else
        write_error(packet, error, meta.key.v6.destination);
}

void Originated::tell(const Packet& packet, const IcmpError& error, const Snapshot& now, Seconds clock) noexcept {
    const PacketMeta& meta = packet.meta;
    if (!may_send_icmp_error(packet.ip, packet.mbuf->data_len - meta.network_at, meta)) return;
    if (!may_answer(clock)) return;
    if (meta.family == Family::v4)
        write_error(packet, error, error_source<Ipv4>(meta, now));
    else
        write_error(packet, error, error_source<Ipv6>(meta, now));
}

bool Originated::cut(Packet& packet, std::uint16_t mtu) noexcept {
    PacketMeta& meta = packet.meta;
    rte_mbuf* whole = packet.mbuf;
    std::array<rte_mbuf*, RTE_LIBRTE_IP_FRAG_MAX_FRAG> pieces{};
    if (closed_ || burst_.count + pieces.size() > Burst::capacity) return false;
    if (whole->pkt_len > std::uint32_t{meta.network_at} + meta.ip_length)  // Ethernet padding is not payload
        rte_pktmbuf_trim(whole, static_cast<std::uint16_t>(whole->pkt_len - meta.network_at - meta.ip_length));
    rte_pktmbuf_adj(whole, meta.network_at);
    const unsigned header = header_at<Ipv4Header>(rte_pktmbuf_mtod(whole, std::uint8_t*)).length();
    const auto size = static_cast<std::uint16_t>(header + (mtu - header) / 8 * 8);
    const int count = rte_ipv4_fragment_packet(whole, pieces.data(), pieces.size(), size, pool_, pool_);
    rte_pktmbuf_prepend(whole, meta.network_at);  // as it was: the bytes are still there
    if (count <= 0) return false;
    const auto cut_pieces = std::span(pieces).first(static_cast<std::size_t>(count));
    bool contiguous = true;  // in one segment each: not every port sends chains
    for (rte_mbuf* piece : cut_pieces) contiguous = contiguous && rte_pktmbuf_linearize(piece) == 0;
    if (!contiguous) {
        rte_pktmbuf_free_bulk(pieces.data(), static_cast<unsigned>(count));
        return false;
    }

    meta.network_at = ethernet_size;
    for (rte_mbuf* piece : cut_pieces) {
        auto& ip = header_at<Ipv4Header>(rte_pktmbuf_mtod(piece, std::uint8_t*));
        ip.checksum = Be16(0);
        ip.checksum = finish(add_bytes(0, rte_pktmbuf_mtod(piece, const std::uint8_t*), ip.length()));
        meta.ip_length = ip.total_length.value();
        rte_pktmbuf_prepend(piece, ethernet_size);
        if (piece != pieces[0]) add(piece, meta, packet.network);
    }
    packet.mbuf = pieces[0];
    packet.find_ip();
    meta.ip_length = header_at<Ipv4Header>(packet.ip).total_length.value();
    rte_pktmbuf_free(whole);
    return true;
}

}  // namespace viaduct
