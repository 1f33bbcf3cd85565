// What the gateway says itself, judged by the tests' own checks, and what it reads in others' errors.
#include "encap/icmp.h"

#include <gtest/gtest.h>

#include "tests/unit/encap/parsing.h"

namespace viaduct::test {
namespace {

template <Address A>
using IpOf = std::conditional_t<std::same_as<A, Ipv4>, Ipv4Header, Ipv6Header>;

template <class T>
class IcmpTest : public testing::Test {
protected:
    using A = T;
    static constexpr std::size_t limit = std::same_as<A, Ipv4> ? 576 : 1280;
    static constexpr std::size_t headers = sizeof(IpOf<A>) + 8;

    static A router() {
        A a;
        a.bytes = {10, 9, 8, 7};
        return a;
    }
    /// The error about `frame` as a frame of its own; empty when none was written.
    static Bytes error_about(const Bytes& frame, const IcmpError& what = IcmpError::unreachable_port(),
                             std::size_t room = max_reply_length) {
        const Exact offending(ip_packet(frame)), out(Bytes(room, 0x5a));
        const std::size_t length =
            write_icmp_error<A>(out.data(), room, what, router(), offending.data(), offending.size());
        if (length == 0) return {};
        Bytes error = PacketBuilder().ethernet().build();
        error[12] = std::same_as<A, Ipv4> ? 0x08 : 0x86;
        error[13] = std::same_as<A, Ipv4> ? 0x00 : 0xdd;
        error.insert(error.end(), out.data(), out.data() + length);
        return error;
    }
    static bool may_send(const Bytes& frame) {
        const Exact packet(ip_packet(frame));
        return may_send_icmp_error(packet.data(), packet.size(), parsed(frame).meta);
    }
    static PacketBuilder packet() { return between_hosts<A>(); }
};
using Families = testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(IcmpTest, Families);

TYPED_TEST(IcmpTest, ErrorIsAWholeValidPacketToTheSender) {
    const Bytes offending = this->packet().udp(1000, 53).payload(40).build();
    const Bytes error = this->error_about(offending);
    EXPECT_EQ(fault_in(error), "");
    const Parsed p = parsed(error);
    ASSERT_TRUE(p.is_packet());
    EXPECT_EQ(p.meta.transport, Transport::icmp_error);
    EXPECT_EQ(p.meta.template flow<TypeParam>().source, this->router());
    EXPECT_EQ(p.meta.template flow<TypeParam>().destination, parsed(offending).meta.template flow<TypeParam>().source);
    const auto& ip = header_at<IpOf<TypeParam>>(error.data() + 14);
    if constexpr (std::same_as<TypeParam, Ipv4>) {
        EXPECT_EQ(ip.ttl, 64);
        EXPECT_EQ(ip.tos, 0xc0);
    } else {
        EXPECT_EQ(ip.hop_limit, 64);
        EXPECT_EQ(ip.traffic_class(), 0);
    }
    EXPECT_EQ(Bytes(error.begin() + 14 + static_cast<long>(this->headers), error.end()), ip_packet(offending));
}

TYPED_TEST(IcmpTest, TypesAndCodes) {
    struct Row {
        IcmpError error;
        IcmpError::Code v4, v6;
    };
    for (const Row& row :
         {Row{IcmpError::no_route(), {3, 0}, {1, 0}}, Row{IcmpError::unreachable_port(), {3, 3}, {1, 4}},
          Row{IcmpError::time_exceeded(), {11, 0}, {3, 0}}, Row{IcmpError::too_big(1450), {3, 4}, {2, 0}}}) {
        const Bytes error = this->error_about(this->packet().udp(1, 2).build(), row.error);
        const auto& icmp = header_at<IcmpHeader>(error.data() + 14 + sizeof(IpOf<TypeParam>));
        const auto [type, code] = std::same_as<TypeParam, Ipv4> ? row.v4 : row.v6;
        EXPECT_EQ(icmp.type, type);
        EXPECT_EQ(icmp.code, code);
        EXPECT_EQ(icmp.id.value(), 0);
        EXPECT_EQ(icmp.sequence.value(), row.error.mtu);
    }
}

TYPED_TEST(IcmpTest, AnMtuBeyond16BitsIsSaidAsFarAsItCanBe) {
    const Bytes error = this->error_about(this->packet().udp(1, 2).build(), IcmpError::too_big(0x12345));
    const auto& icmp = header_at<IcmpHeader>(error.data() + 14 + sizeof(IpOf<TypeParam>));
    const bool v4 = std::same_as<TypeParam, Ipv4>;
    EXPECT_EQ(icmp.id.value(), v4 ? 0 : 1);
    EXPECT_EQ(icmp.sequence.value(), v4 ? 0xffff : 0x2345);
}

TYPED_TEST(IcmpTest, QuoteEndsWithThePacketTheLimitOrTheRoom) {
    for (const std::size_t payload : {0UL, 1UL, 400UL, 1000UL, 1400UL}) {
        Bytes offending = this->packet().udp(1, 2).payload(payload).build();
        const std::size_t whole = offending.size() - 14;
        offending.insert(offending.end(), 20, 0xee);  // padding
        for (const std::size_t room : {this->headers + 48, std::size_t{500}, max_reply_length}) {
            const Bytes error = this->error_about(offending, IcmpError::time_exceeded(), room);
            EXPECT_EQ(fault_in(error), "");
            EXPECT_EQ(error.size() - 14, std::min({this->headers + whole, this->limit, room}));
        }
    }
}

TYPED_TEST(IcmpTest, NoRoomOrNothingToQuoteWritesNothing) {
    const Bytes offending = this->packet().udp(1, 2).build();
    const std::size_t least = this->headers + sizeof(IpOf<TypeParam>);
    for (std::size_t room = 0; room < least; ++room)
        EXPECT_TRUE(this->error_about(offending, IcmpError::no_route(), room).empty());
    const Bytes cut(offending.begin(), offending.begin() + 14 + sizeof(IpOf<TypeParam>) - 1);
    EXPECT_TRUE(this->error_about(cut).empty());
}

TYPED_TEST(IcmpTest, QuotedFlowIsTheOffendersOwn) {
    for (PacketBuilder offending :
         {this->packet().tcp(4000, 80, TcpHeader::ack).payload(900), this->packet().udp(5000, 53).payload(2),
          this->packet().sctp(6000, 36412).payload(4), this->packet().echo_request(77).payload(5),
          this->packet().echo_reply(78).payload(5)}) {
        const Bytes frame = offending.build();
        const Bytes error = this->error_about(frame);
        PacketMeta meta = parsed(error).meta;
        meta.set_network(NetworkId{3});
        FlowKey<TypeParam> quoted, expected = parsed(frame).meta.template flow<TypeParam>();
        expected.network = NetworkId{3};
        ASSERT_TRUE(quoted_flow(error.data(), error.size(), meta, quoted));
        EXPECT_EQ(quoted, expected);
    }
}

TYPED_TEST(IcmpTest, QuotedOffsetsLeadToTheHeaders) {
    const Bytes error = this->error_about(this->packet().udp(5000, 53).payload(30).build());
    QuotedPacket<TypeParam> quoted;
    ASSERT_TRUE(quoted_packet(error.data(), error.size(), parsed(error).meta, quoted));
    EXPECT_EQ(quoted.network_at, 14 + this->headers);
    EXPECT_EQ(quoted.transport_at, quoted.network_at + sizeof(IpOf<TypeParam>));
    EXPECT_EQ(quoted.transport_length, 38);
    EXPECT_EQ(header_at<UdpHeader>(error.data() + quoted.transport_at).destination_port, Be16(53));
}

TYPED_TEST(IcmpTest, QuoteOfAFirstFragmentHasPortsAndOfALaterOneNone) {
    const auto parts = fragmented(this->packet().udp(5000, 53).payload(1000).build(), 400, 7);
    FlowKey<TypeParam> quoted;
    const Bytes first = this->error_about(parts.at(0)), later = this->error_about(parts.at(1));
    ASSERT_TRUE(quoted_flow(first.data(), first.size(), parsed(first).meta, quoted));
    EXPECT_EQ(quoted.destination_port, Be16(53));
    EXPECT_FALSE(quoted_flow(later.data(), later.size(), parsed(later).meta, quoted));
}

TYPED_TEST(IcmpTest, QuoteOfAnErrorIsNotFollowed) {
    const Bytes error = this->error_about(this->error_about(this->packet().udp(1, 2).build()));
    FlowKey<TypeParam> quoted;
    EXPECT_FALSE(quoted_flow(error.data(), error.size(), parsed(error).meta, quoted));
}

TYPED_TEST(IcmpTest, AQuoteTooShortForPortsIsNotFollowed) {
    const Bytes error = this->error_about(this->packet().tcp(1, 2, TcpHeader::ack).payload(20).build());
    const PacketMeta meta = parsed(error).meta;
    const std::size_t enough = 14 + this->headers + sizeof(IpOf<TypeParam>) + 8;
    for (std::size_t length = 14 + this->headers; length <= error.size(); ++length) {
        const Exact cut(error, length);
        FlowKey<TypeParam> quoted;
        EXPECT_EQ(quoted_flow(cut.data(), length, meta, quoted), length >= enough) << length;
    }
}

TYPED_TEST(IcmpTest, PaddingBehindTheErrorIsNoQuote) {
    Bytes error = this->error_about(this->packet().udp(1, 2).build(), IcmpError::no_route(),
                                    this->headers + sizeof(IpOf<TypeParam>) + 7);
    error.insert(error.end(), 30, 0);
    FlowKey<TypeParam> quoted;
    EXPECT_FALSE(quoted_flow(error.data(), error.size(), parsed(error).meta, quoted));
}

TYPED_TEST(IcmpTest, NonsenseInTheQuoteIsNotFollowed) {
    const Bytes error = this->error_about(this->packet().udp(1, 2).payload(8).build());
    Bytes bad = error;
    bad[14 + this->headers] = 0x13;
    FlowKey<TypeParam> quoted;
    EXPECT_FALSE(quoted_flow(bad.data(), bad.size(), parsed(error).meta, quoted));
}

TYPED_TEST(IcmpTest, ErrorsAreSentAboutOrdinaryPackets) {
    EXPECT_TRUE(this->may_send(this->packet().udp(1, 2).build()));
    EXPECT_TRUE(this->may_send(this->packet().tcp(1, 2, TcpHeader::syn).build()));
    EXPECT_TRUE(this->may_send(this->packet().echo_request(1).build()));
    EXPECT_TRUE(this->may_send(this->packet().echo_reply(1).build()));
    EXPECT_TRUE(this->may_send(fragmented(this->packet().udp(1, 2).payload(100).build(), 48, 1).at(0)));
}

TYPED_TEST(IcmpTest, ErrorsAreNotSentAboutTheseOnes) {  // conformance 27
    EXPECT_FALSE(this->may_send(this->error_about(this->packet().udp(1, 2).build())));
    EXPECT_FALSE(this->may_send(fragmented(this->packet().udp(1, 2).payload(100).build(), 48, 1).at(1)));
    const auto errors = std::same_as<TypeParam, Ipv4> ? Bytes{3, 4, 5, 11, 12} : Bytes{1, 2, 3, 4, 100, 127, 137};
    for (const std::uint8_t type : errors)
        EXPECT_FALSE(this->may_send(this->packet().icmp(type, 0).payload(48).build()));
}

TYPED_TEST(IcmpTest, ErrorsAreNotSentToOrAboutManyHosts) {
    const Bytes frame = this->packet().udp(1, 2).build();
    const PacketMeta meta = parsed(frame).meta;
    constexpr std::size_t source = std::same_as<TypeParam, Ipv4> ? 12 : 8;
    for (const std::size_t at : {source, source + sizeof(TypeParam)})
        for (const std::uint8_t first : Bytes{0, 255}) {
            Bytes packet = ip_packet(frame);
            std::fill_n(packet.begin() + static_cast<long>(at), sizeof(TypeParam), first);
            EXPECT_FALSE(may_send_icmp_error(packet.data(), packet.size(), meta)) << at << ' ' << +first;
        }
}

TYPED_TEST(IcmpTest, EchoIsAnsweredInPlace) {
    for (unsigned n = 0; n < 3000; ++n) {  // takes the checksum through many values
        const auto id = static_cast<std::uint16_t>(n * 197);
        const auto ttl = static_cast<std::uint8_t>(n % 255 + 1);
        const Exact frame(this->packet().ttl(ttl).tos(0x28).echo_request(id, 3).payload(n % 70).build());
        answer_echo(frame.data(), parsed(frame).meta);
        const Bytes expected = PacketBuilder()
                                   .ethernet()
                                   .ip(hosts<TypeParam>.b, hosts<TypeParam>.a)
                                   .tos(0x28)
                                   .echo_reply(id, 3)
                                   .payload(n % 70)
                                   .build();
        ASSERT_EQ(frame.copy(), expected) << n;
    }
}

template <Address A>
struct Reset {
    Bytes packet;
    TcpHeader tcp{};
};
template <Address A>
Reset<A> reset_for(PacketBuilder offending) {
    const Bytes frame = offending.build();
    const Exact packet(ip_packet(frame)), out(Bytes(sizeof(IpOf<A>) + sizeof(TcpHeader)));
    const std::size_t length = write_tcp_reset(out.data(), out.size(), packet.data(), parsed(frame).meta);
    if (length == 0) return {};
    return {out.copy(), header_at<TcpHeader>(out.data() + sizeof(IpOf<A>))};
}

TYPED_TEST(IcmpTest, ResetIsAValidPacketBackToTheSender) {
    const auto reset = reset_for<TypeParam>(this->packet().tcp(4000, 80, TcpHeader::syn).sequence(1, 0));
    ASSERT_FALSE(reset.packet.empty());
    EXPECT_EQ(fault_in_ip(reset.packet), "");
    EXPECT_EQ(reset.tcp.source_port, Be16(80));
    EXPECT_EQ(reset.tcp.destination_port, Be16(4000));
    const Bytes expected = PacketBuilder().ip(hosts<TypeParam>.b, hosts<TypeParam>.a).build();
    const std::size_t addresses = std::same_as<TypeParam, Ipv4> ? 12 : 8;
    EXPECT_TRUE(std::equal(expected.begin() + static_cast<long>(addresses), expected.end(),
                           reset.packet.begin() + static_cast<long>(addresses)));
}

TYPED_TEST(IcmpTest, ResetNumbersFollowTheSegment) {  // RFC 9293 §3.10.7.1
    struct Row {
        std::uint8_t flags;
        std::size_t payload;
        std::uint8_t reset_flags;
        std::uint32_t sequence, acknowledgement;
    };
    constexpr std::uint32_t seq = 0xfffffffe, ack = 0x01020304;
    constexpr std::uint8_t both = TcpHeader::rst | TcpHeader::ack;
    for (const Row& row : {Row{TcpHeader::syn, 0, both, 0, seq + 1}, Row{TcpHeader::syn, 10, both, 0, seq + 11},
                           Row{TcpHeader::fin, 3, both, 0, seq + 4}, Row{0, 5, both, 0, seq + 5},
                           Row{TcpHeader::ack, 5, TcpHeader::rst, ack, 0},
                           Row{TcpHeader::syn | TcpHeader::ack, 0, TcpHeader::rst, ack, 0}}) {
        auto segment = this->packet().tcp(1, 2, row.flags).sequence(seq, ack).tcp_options({2, 4, 5, 180});
        const auto reset = reset_for<TypeParam>(segment.payload(row.payload));
        EXPECT_EQ(reset.tcp.flags, row.reset_flags);
        EXPECT_EQ(reset.tcp.sequence.value(), row.sequence);
        EXPECT_EQ(reset.tcp.acknowledgement.value(), row.acknowledgement);
        EXPECT_EQ(fault_in_ip(reset.packet), "");
    }
}

TYPED_TEST(IcmpTest, ResetsAreNotAnswered) {
    EXPECT_TRUE(reset_for<TypeParam>(this->packet().tcp(1, 2, TcpHeader::rst)).packet.empty());
    EXPECT_TRUE(reset_for<TypeParam>(this->packet().tcp(1, 2, TcpHeader::rst | TcpHeader::ack)).packet.empty());
}

TYPED_TEST(IcmpTest, ResetNeedsItsRoom) {
    const Bytes frame = this->packet().tcp(1, 2, TcpHeader::syn).build();
    const Exact packet(ip_packet(frame)), out(Bytes(sizeof(IpOf<TypeParam>) + 19));
    EXPECT_EQ(write_tcp_reset(out.data(), out.size(), packet.data(), parsed(frame).meta), 0U);
}

}  // namespace
}  // namespace viaduct::test
