// TCP as a gateway in the middle sees it: enough state to choose a timeout, never enough to break a connection.
#pragma once

#include <cstdint>

namespace viaduct {
enum class Direction : std::uint8_t;

/// `none` is every other protocol. A flow picked up in mid-stream starts as `established`.
enum class TcpState : std::uint8_t {
    none,
    syn_sent,      // the client's SYN
    syn_received,  // answered by SYN+ACK
    established,
    fin_original,  // the client has sent FIN
    fin_reply,     // the other end has sent FIN
    closing,       // both have
    reset,         // a RST was seen: kept for a while, and revived by traffic (RFC 7857 §2.2)
};

/// The state after a packet with these flags (TcpHeader::fin …) from this end.
[[nodiscard]] TcpState tcp_next(TcpState now, Direction from, std::uint8_t tcp_flags) noexcept;

/// A SYN that may open a new connection in place of this one: the client has finished with it, or it was reset, and the
/// same port comes round again (RFC 9293 MAY-2, RFC 6191: TIME-WAIT reuse). `tcp_next` answers it with `syn_sent`.
[[nodiscard]] bool tcp_reopens(TcpState now, Direction from, std::uint8_t tcp_flags) noexcept;

}  // namespace viaduct
