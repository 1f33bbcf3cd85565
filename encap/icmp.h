// What the gateway says on its own behalf: ICMP errors, TCP resets, echo replies; and what others' ICMP errors quote.
#pragma once

#include <cstddef>

#include "encap/packet.h"
#include "encap/wire.h"

namespace viaduct {

/// Bytes that the longest packet written here needs: an ICMPv6 error fills the minimum MTU (RFC 4443 §2.4 (c)).
inline constexpr std::size_t max_reply_length = 1280;

/// A packet quoted in an ICMP error, as its own sender sent it. Offsets count from the frame's first byte.
template <Address A>
struct QuotedPacket {
    FlowKey<A> key;  // echo identifiers as in FlowKey; the network is the error's own
    std::uint16_t network_at;
    std::uint16_t transport_at;
    std::uint16_t transport_length;  // bytes of it that are quoted and contiguous: ≥ 8
};

/// Reads the quote of an ICMP error (`meta.transport == Transport::icmp_error`). False when it holds less than
/// 8 bytes of transport header, quotes a later fragment, or is about an ICMP message other than echo.
template <Address A>
[[nodiscard]] bool quoted_packet(const std::uint8_t* frame, std::size_t contiguous, const PacketMeta& meta,
                                 QuotedPacket<A>& quoted) noexcept;

/// The same, when only the flow matters.
template <Address A>
[[nodiscard]] inline bool quoted_flow(const std::uint8_t* frame, std::size_t contiguous, const PacketMeta& meta,
                                      FlowKey<A>& quoted) noexcept {
    QuotedPacket<A> packet;
    if (!quoted_packet(frame, contiguous, meta, packet)) return false;
    quoted = packet.key;
    return true;
}

/// An error in both families' terms.
struct IcmpError {
    struct Code {
        std::uint8_t type, code;
    };
    Code v4, v6;
    std::uint32_t mtu = 0;  // of the next hop, bytes; too_big only

    [[nodiscard]] static constexpr IcmpError no_route() { return {{3, 0}, {1, 0}}; }
    [[nodiscard]] static constexpr IcmpError unreachable_port() { return {{3, 3}, {1, 4}}; }
    [[nodiscard]] static constexpr IcmpError time_exceeded() { return {{11, 0}, {3, 0}}; }
    [[nodiscard]] static constexpr IcmpError too_big(std::uint32_t mtu) { return {{3, 4}, {2, 0}, mtu}; }
};

/// Whether an error may be sent about this packet at all (RFC 1122 §3.2.2, RFC 4443 §2.4 (e)): not about ICMP errors,
/// later fragments, or anything whose source or destination is not one host. `length`: readable bytes.
[[nodiscard]] bool may_send_icmp_error(const std::uint8_t* offending_ip, std::size_t length,
                                       const PacketMeta& meta) noexcept;

/// Writes a whole IP packet to `out`: an error from `source` to the sender of the offending packet, quoting as much of
/// it as 576 bytes (IPv4, RFC 1812 §4.3.2.3), 1280 bytes (IPv6) and `room` allow. `offending_length`: its readable
/// bytes. Returns the bytes written; 0 when there is no room or not even a header to quote.
template <Address A>
[[nodiscard]] std::size_t write_icmp_error(std::uint8_t* out, std::size_t room, const IcmpError& what, const A& source,
                                           const std::uint8_t* offending_ip, std::size_t offending_length) noexcept;

/// Writes the IP packet that refuses a TCP segment as if the destination had no listener (RFC 9293 §3.10.7.1).
/// `meta` is the offending packet's. Returns the bytes written; 0 for a segment that is itself a reset.
[[nodiscard]] std::size_t write_tcp_reset(std::uint8_t* out, std::size_t room, const std::uint8_t* offending_ip,
                                          const PacketMeta& meta) noexcept;

/// Turns an echo request into its reply where it lies, checksums included (RFC 792, RFC 4443 §4.2). The Ethernet header
/// is the caller's.
void answer_echo(std::uint8_t* frame, const PacketMeta& meta) noexcept;

}  // namespace viaduct
