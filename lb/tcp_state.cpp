// The TCP state table: what a packet's flags make of a connection.
#include "lb/tcp_state.h"

#include <array>
#include <cstddef>

#include "encap/wire.h"
#include "lb/connection.h"

namespace viaduct {
namespace {

enum Class : std::uint8_t { syn, syn_ack, fin, rst, other, classes };

constexpr Class class_of(std::uint8_t flags) {
    if ((flags & TcpHeader::rst) != 0) return rst;
    if ((flags & TcpHeader::syn) != 0) return (flags & TcpHeader::ack) != 0 ? syn_ack : syn;
    return (flags & TcpHeader::fin) != 0 ? fin : other;
}

using enum TcpState;
using Row = std::array<TcpState, classes>;
struct Rows {
    Row original, reply;
};

// The connection's state, then the sender's end, then the kind of packet: SYN, SYN+ACK, FIN, RST, anything else.
constexpr std::array<Rows, 8> table{{
    // none: picked up in mid-stream, unless it starts with a SYN. An unasked SYN+ACK earns no long timeout.
    {{syn_sent, syn_received, fin_original, reset, established},
     {syn_sent, syn_received, fin_reply, reset, established}},
    // syn_sent: the client's ACK shows that it was answered, though not through us. A SYN from the other end is a
    // simultaneous open (RFC 9293 §3.5); its bare ACK is a challenge (RFC 5961 §4.2) and answers nothing.
    {{syn_sent, syn_sent, fin_original, reset, established}, {syn_received, syn_received, fin_reply, reset, syn_sent}},
    // syn_received: only the client's ACK completes the handshake, so that a flood of SYNs never does. Its SYN+ACK is
    // that ACK in a simultaneous open. Data that the other end sends early (RFC 7413) changes nothing.
    {{syn_received, established, fin_original, reset, established},
     {syn_received, syn_received, fin_reply, reset, syn_received}},
    // established: stray SYNs change nothing (RFC 5961 §4).
    {{established, established, fin_original, reset, established},
     {established, established, fin_reply, reset, established}},
    // fin_original: half-closed; the other end may send for long, or close too. The client's SYN is a new connection.
    {{syn_sent, fin_original, fin_original, reset, fin_original},
     {fin_original, fin_original, closing, reset, fin_original}},
    // fin_reply: the same from the other side, but a client that has not finished cannot begin anew.
    {{fin_reply, fin_reply, closing, reset, fin_reply}, {fin_reply, fin_reply, fin_reply, reset, fin_reply}},
    // closing: last ACKs and repeated FINs. A RST must not lead through `reset` to a late ACK's `established`. The
    // other
    // end may open the next connection between the same ports: in this record, because it comes with the reply's key.
    {{syn_sent, closing, closing, closing, closing}, {syn_received, closing, closing, closing, closing}},
    // reset: the RST may have been forged or out of window; whoever goes on speaking revives it (RFC 7857 §2.2).
    {{syn_sent, established, fin_original, reset, established},
     {syn_received, established, fin_reply, reset, established}},
}};
static_assert(table.size() == static_cast<std::size_t>(reset) + 1);

}  // namespace

TcpState tcp_next(TcpState now, Direction from, std::uint8_t tcp_flags) noexcept {
    const Rows& rows = table[static_cast<std::size_t>(now)];
    return (from == Direction::original ? rows.original : rows.reply)[class_of(tcp_flags)];
}

bool tcp_reopens(TcpState now, Direction from, std::uint8_t tcp_flags) noexcept {
    return from == Direction::original && class_of(tcp_flags) == syn &&
           (now == fin_original || now == closing || now == reset);
}

}  // namespace viaduct
