// Conversations, packet by packet, and the state that each leaves behind.
#include "lb/tcp_state.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "encap/wire.h"
#include "lb/connection.h"

namespace viaduct {
namespace {

using enum TcpState;

// "c:SA" is a SYN+ACK from the client, "s:R" a RST from the other end; from the state `none` on.
struct Row {
    const char* name;
    std::vector<std::string> packets;
    TcpState state;
};

std::uint8_t flags_of(const std::string& packet) {
    std::uint8_t flags = 0;
    for (const char c : packet.substr(2)) {
        if (c == 'S') flags |= TcpHeader::syn;
        if (c == 'A') flags |= TcpHeader::ack;
        if (c == 'F') flags |= TcpHeader::fin;
        if (c == 'R') flags |= TcpHeader::rst;
        if (c == 'P') flags |= TcpHeader::psh;
    }
    return flags;
}

Direction end_of(const std::string& packet) { return packet[0] == 'c' ? Direction::original : Direction::reply; }

const std::vector<Row> rows{
    {"opening", {"c:S"}, syn_sent},
    {"answered", {"c:S", "s:SA"}, syn_received},
    {"open", {"c:S", "s:SA", "c:A"}, established},
    {"SYN repeated", {"c:S", "c:S", "s:SA", "s:SA"}, syn_received},
    {"data before the client's ACK completes nothing", {"c:S", "s:SA", "s:PA"}, syn_received},
    {"half an ear: the answer went another way", {"c:S", "c:A"}, established},
    {"challenge ACK to a SYN", {"c:S", "s:A"}, syn_sent},
    {"simultaneous open", {"c:S", "s:S", "c:SA", "s:SA", "c:A"}, established},
    {"simultaneous open, other order", {"c:S", "s:S", "s:SA", "c:SA"}, established},
    {"picked up in mid-stream", {"c:PA"}, established},
    {"picked up in mid-stream from the other end", {"s:A"}, established},
    {"an unasked SYN+ACK", {"c:SA"}, syn_received},
    {"client closes", {"c:A", "c:FA"}, fin_original},
    {"other end closes", {"c:A", "s:FA"}, fin_reply},
    {"half-closed goes on", {"c:A", "c:FA", "s:PA", "c:A", "s:PA"}, fin_original},
    {"FIN repeated is not both", {"c:A", "c:FA", "c:FA"}, fin_original},
    {"both have closed", {"c:A", "c:FA", "s:FA", "c:A"}, closing},
    {"both have closed, other end first", {"c:A", "s:FA", "c:FA", "s:A"}, closing},
    {"RST", {"c:A", "s:RA"}, reset},
    {"RST while opening", {"c:S", "s:RA"}, reset},
    {"revived by traffic", {"c:A", "s:R", "c:PA"}, established},
    {"revived by the other end", {"c:A", "c:R", "s:A"}, established},
    {"RST repeated", {"c:A", "s:R", "s:R"}, reset},
    {"RST then FIN is no long life", {"c:A", "s:R", "c:FA"}, fin_original},
    {"RST after both closed", {"c:A", "s:FA", "c:FA", "s:R", "c:A"}, closing},
    {"stray SYN in an open connection", {"c:A", "c:S"}, established},
    {"stray SYN from the other end", {"c:A", "s:S"}, established},
    {"the port comes round again", {"c:A", "s:FA", "c:FA", "c:S"}, syn_sent},
    {"the other end opens the next connection", {"c:A", "s:FA", "c:FA", "s:S", "c:SA", "s:A"}, established},
    {"RST wins over other flags", {"c:A", "c:SFRA"}, reset},
};

TEST(TcpState, Conversations) {
    for (const Row& row : rows) {
        TcpState state = none;
        for (const std::string& packet : row.packets) state = tcp_next(state, end_of(packet), flags_of(packet));
        EXPECT_EQ(state, row.state) << row.name;
    }
}

TEST(TcpState, OnlyTheClientsPlainSynReopens) {
    for (const TcpState state : {none, syn_sent, syn_received, established, fin_original, fin_reply, closing, reset}) {
        const bool over = state == fin_original || state == closing || state == reset;
        EXPECT_EQ(tcp_reopens(state, Direction::original, TcpHeader::syn), over);
        EXPECT_FALSE(tcp_reopens(state, Direction::reply, TcpHeader::syn));
        EXPECT_FALSE(tcp_reopens(state, Direction::original, TcpHeader::syn | TcpHeader::ack));
        EXPECT_FALSE(tcp_reopens(state, Direction::original, TcpHeader::ack));
        EXPECT_TRUE(!over || tcp_next(state, Direction::original, TcpHeader::syn) == syn_sent);
    }
}

// A RST alone must never end a connection's memory, nor any packet make a TCP flow look like another protocol's.
TEST(TcpState, NoPacketLeadsBackToNone) {
    for (const TcpState state : {none, syn_sent, syn_received, established, fin_original, fin_reply, closing, reset})
        for (unsigned flags = 0; flags < 64; ++flags)
            for (const Direction from : {Direction::original, Direction::reply})
                EXPECT_NE(tcp_next(state, from, static_cast<std::uint8_t>(flags)), none);
}

}  // namespace
}  // namespace viaduct
