// Parsing well-formed packets: what the metadata says, and that both paths through the parser say the same.
#include "encap/headers.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/encap/parsing.h"

namespace viaduct::test {
namespace {

template <class T>
class HeadersTest : public testing::Test {
protected:
    static constexpr std::uint16_t transport_at = std::same_as<T, Ipv4> ? 34 : 54;
};
using Families = testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(HeadersTest, Families);

template <Address A>
FlowKey<A> expected_key(Protocol protocol, std::uint16_t source_port, std::uint16_t destination_port) {
    const auto address = [](std::string_view text) {
        const PacketBuilder builder = PacketBuilder().ip(text, text);
        A a;
        const Bytes bytes = builder.build();
        std::copy_n(bytes.begin() + (std::same_as<A, Ipv4> ? 12 : 8), a.bytes.size(), a.bytes.begin());
        return a;
    };
    return {address(hosts<A>.a),
            address(hosts<A>.b),
            Be16(source_port),
            Be16(destination_port),
            protocol,
            NetworkId::none,
            0};
}

TYPED_TEST(HeadersTest, Tcp) {
    const Bytes frame = between_hosts<TypeParam>().tcp(40000, 443, TcpHeader::syn | TcpHeader::ack).payload(11).build();
    const Parsed p = parsed(frame);
    ASSERT_TRUE(p.is_packet());
    EXPECT_EQ(p.meta.template flow<TypeParam>(), expected_key<TypeParam>(Protocol::tcp, 40000, 443));
    EXPECT_EQ(p.meta.family, family_of<TypeParam>);
    EXPECT_EQ(p.meta.transport, Transport::flow);
    EXPECT_EQ(p.meta.tcp_flags, TcpHeader::syn | TcpHeader::ack);
    EXPECT_EQ(p.meta.network_at, 14);
    EXPECT_EQ(p.meta.transport_at, this->transport_at);
    EXPECT_EQ(p.meta.ip_length, frame.size() - 14);
    EXPECT_FALSE(p.meta.first_fragment);
}

TYPED_TEST(HeadersTest, UdpAndSctp) {
    const Parsed udp = parsed(between_hosts<TypeParam>().udp(5000, 53).build());
    ASSERT_TRUE(udp.is_packet());
    EXPECT_EQ(udp.meta.template flow<TypeParam>(), expected_key<TypeParam>(Protocol::udp, 5000, 53));
    EXPECT_EQ(udp.meta.tcp_flags, 0);
    const Parsed sctp = parsed(between_hosts<TypeParam>().sctp(5001, 36412).payload(20).build());
    ASSERT_TRUE(sctp.is_packet());
    EXPECT_EQ(sctp.meta.template flow<TypeParam>(), expected_key<TypeParam>(Protocol::sctp, 5001, 36412));
    EXPECT_EQ(sctp.meta.transport, Transport::flow);
}

TYPED_TEST(HeadersTest, EchoDirectionsMirrorEachOther) {
    const Parsed request = parsed(between_hosts<TypeParam>().echo_request(777).payload(8).build());
    const Parsed reply =
        parsed(PacketBuilder().ethernet().ip(hosts<TypeParam>.b, hosts<TypeParam>.a).echo_reply(777).build());
    ASSERT_TRUE(request.is_packet() && reply.is_packet());
    EXPECT_EQ(request.meta.transport, Transport::echo_request);
    EXPECT_EQ(reply.meta.transport, Transport::echo_reply);
    EXPECT_EQ(request.meta.template flow<TypeParam>(), expected_key<TypeParam>(icmp_of<TypeParam>, 777, 0));
    EXPECT_EQ(request.meta.template flow<TypeParam>().mirrored(), reply.meta.template flow<TypeParam>());
}

TYPED_TEST(HeadersTest, IcmpErrorsAreRecognisedAndOtherMessagesAreNot) {
    for (unsigned type = 0; type < 256; ++type) {
        const Parsed p =
            parsed(between_hosts<TypeParam>().icmp(static_cast<std::uint8_t>(type), 0).payload(48).build());
        ASSERT_TRUE(p.is_packet());
        const bool error =
            std::same_as<TypeParam, Ipv4> ? type == 3 || type == 11 || type == 12 : type >= 1 && type <= 4;
        EXPECT_EQ(p.meta.transport == Transport::icmp_error, error) << type;
        EXPECT_EQ(p.meta.template flow<TypeParam>().source_port, Be16{});
    }
}

TYPED_TEST(HeadersTest, TheOtherFamilysIcmpIsJustAProtocol) {
    const std::uint8_t other = std::same_as<TypeParam, Ipv4> ? 58 : 1;
    const Parsed p = parsed(between_hosts<TypeParam>().protocol(other).payload(40).build());
    ASSERT_TRUE(p.is_packet());
    EXPECT_EQ(p.meta.transport, Transport::other);
}

TYPED_TEST(HeadersTest, OtherProtocolsAreCarriedByAddress) {
    for (const std::uint8_t protocol : Bytes{4, 47, 50, 51, 59, 89, 253}) {
        const Parsed p = parsed(between_hosts<TypeParam>().protocol(protocol).payload(4).build());
        ASSERT_TRUE(p.is_packet());
        EXPECT_EQ(p.meta.transport, Transport::other);
        EXPECT_EQ(p.meta.template flow<TypeParam>(), expected_key<TypeParam>(Protocol{protocol}, 0, 0));
    }
}

TYPED_TEST(HeadersTest, PaddingIsNotPartOfThePacket) {  // conformance 13
    Bytes frame = between_hosts<TypeParam>().udp(1, 2).payload(1).build();
    const std::size_t length = frame.size() - 14;
    frame.resize(std::max<std::size_t>(frame.size(), 60) + 6, 0xee);
    const Parsed p = parsed(frame);
    ASSERT_TRUE(p.is_packet());
    EXPECT_EQ(p.meta.ip_length, length);
}

TYPED_TEST(HeadersTest, WhatLaterStagesFindOutIsNotKnownYet) {
    const Exact frame(between_hosts<TypeParam>().tcp(1, 2, 0).build());
    PacketMeta meta;
    meta.hash = 0x12345678;
    meta.ingress_peer = 9;
    meta.ingress = PortId{4};
    meta.from_overlay = meta.handed_over = meta.originated = true;
    meta.hops = 2;
    ASSERT_EQ(parse(frame.data(), frame.size(), frame.size(), meta).outcome, ParseOutcome::packet);
    EXPECT_EQ(meta.hash, 0U);
    EXPECT_EQ(meta.ingress_peer, no_peer);
    EXPECT_FALSE(meta.from_overlay || meta.handed_over || meta.originated);
    EXPECT_EQ(meta.hops, 0U);
    EXPECT_EQ(meta.ingress, PortId{4});  // whoever received it has set this
}

TYPED_TEST(HeadersTest, BodyMayLieInAnotherSegmentButHeadersMayNot) {
    const Bytes frame = between_hosts<TypeParam>().tcp(40000, 443, TcpHeader::ack).payload(1000).build();
    PacketMeta meta;
    const std::size_t headers = this->transport_at + 20U;
    for (std::size_t contiguous = 0; contiguous <= headers; ++contiguous) {
        const Exact front(frame, contiguous);
        const ParseResult result = parse(front.data(), contiguous, frame.size(), meta);
        EXPECT_EQ(result.outcome, contiguous < headers ? ParseOutcome::bad : ParseOutcome::packet) << contiguous;
        if (contiguous < headers) {
            EXPECT_EQ(result.why, Drop::truncated) << contiguous;
        }
    }
}

std::vector<Bytes> samples() {
    const auto tunnel = [](PacketBuilder outer) {
        return outer.udp(50000, 4789).vxlan(Vni(4096)).ethernet().ip("10.1.0.1", "10.2.0.1").tcp(1, 2, 16).build();
    };
    std::vector<Bytes> frames{tunnel(between_hosts<Ipv4>()), tunnel(between_hosts<Ipv6>())};
    for (PacketBuilder start : {between_hosts<Ipv4>(), between_hosts<Ipv6>()}) {
        frames.push_back(PacketBuilder(start).tcp(1000, 80, TcpHeader::syn).tcp_options({2, 4, 5, 180}).build());
        frames.push_back(PacketBuilder(start).udp(1000, 53).payload(30).build());
        frames.push_back(PacketBuilder(start).echo_request(7).payload(56).build());
        frames.push_back(PacketBuilder(start).sctp(1, 2).payload(16).build());
        frames.push_back(PacketBuilder(start).fragment(99, 0, true).udp(1, 2).payload(24).build());
        frames.push_back(PacketBuilder(start).fragment(99, 64, false).protocol(17).payload(24).build());
    }
    frames.push_back(between_hosts<Ipv4>().ipv4_options({148, 4, 0, 0, 1}).tcp(1, 2, 16).payload(3).build());
    frames.push_back(between_hosts<Ipv6>().ipv6_extension(0).ipv6_extension(60, Bytes(20)).udp(1, 2).build());
    return frames;
}

// Conformance 10. What is cut has to be dropped, whatever the cut made of it, and nothing is read behind it.
TEST(HeadersTruncationTest, EverySampleCutAtEveryByte) {
    for (const Bytes& frame : samples())
        for (std::size_t length = 0; length < frame.size(); ++length) {
            const Exact cut(frame, length);
            const Parsed p = parsed(cut);
            ASSERT_EQ(p.result.outcome, ParseOutcome::bad) << length;
        }
}

TEST(HeadersTruncationTest, SegmentBoundaryAtEveryByte) {
    for (const Bytes& frame : samples())
        for (std::size_t contiguous = 0; contiguous < frame.size(); ++contiguous) {
            const Exact front(frame, contiguous);
            PacketMeta meta;
            const ParseResult result = parse(front.data(), contiguous, frame.size(), meta);
            ASSERT_NE(result.outcome, ParseOutcome::for_kernel);
            ASSERT_TRUE(result.outcome == ParseOutcome::packet ? meta.transport_at <= contiguous
                                                               : result.why == Drop::truncated)
                << contiguous;
        }
}

void expect_same(const Parsed& fast, const Parsed& slow) {
    ASSERT_EQ(fast.result.outcome, slow.result.outcome);
    ASSERT_EQ(fast.result.why, slow.result.why);
    if (!fast.is_packet()) return;
    const PacketMeta &a = fast.meta, &b = slow.meta;
    ASSERT_EQ(a.family, b.family);
    ASSERT_TRUE(a.family == Family::v4 ? a.key.v4 == b.key.v4 : a.key.v6 == b.key.v6);
    ASSERT_EQ(std::tuple(a.network_at, a.transport_at, a.ip_length, a.transport, a.tcp_flags, a.first_fragment),
              std::tuple(b.network_at, b.transport_at, b.ip_length, b.transport, b.tcp_flags, b.first_fragment));
    ASSERT_EQ(a.whole_flow, b.whole_flow);
    ASSERT_EQ(a.whole_flow, a.transport == Transport::flow && !a.first_fragment);
}

/// Damages a few bytes near the headers, and half the time repairs the IPv4 checksum so that the damage is looked at.
Bytes damaged(Bytes frame, std::mt19937& random) {
    for (unsigned n = random() % 4; n-- > 0;)
        frame[random() % std::min<std::size_t>(frame.size(), 80)] = static_cast<std::uint8_t>(random());
    if (random() % 2 == 0 && frame[12] == 8 && frame[14] == 0x45) {
        frame[24] = frame[25] = 0;
        const std::uint16_t sum = naive_checksum({frame.begin() + 14, frame.begin() + 34});
        frame[24] = static_cast<std::uint8_t>(sum >> 8U);
        frame[25] = static_cast<std::uint8_t>(sum);
    }
    frame.resize(frame.size() - (random() % 4 == 0 ? random() % frame.size() : 0));
    return frame;
}

TEST(HeadersPathsTest, FastPathNeverDecidesDifferently) {
    std::mt19937 random(7);
    const std::vector<Bytes> frames = samples();
    for (int i = 0; i < 300'000; ++i) {
        const Exact frame(damaged(frames[random() % frames.size()], random));
        Parsed slow;
        slow.result = detail::parse_any(frame.data(), frame.size(), frame.size(), slow.meta);
        expect_same(parsed(frame), slow);
        if (testing::Test::HasFatalFailure()) return;
    }
}

TEST(HeadersPathsTest, CommonPacketsTakeTheFastPath) {
    PacketMeta meta;
    const Bytes v4 = between_hosts<Ipv4>().tcp(1, 2, TcpHeader::ack).build();
    const Bytes v6 = between_hosts<Ipv6>().udp(1, 2).payload(12).build();
    ASSERT_TRUE(parse_plain<Ipv4>(v4.data(), v4.size(), v4.size(), meta, {.network = NetworkId{3}}));
    EXPECT_EQ(meta.network(), NetworkId{3});
    ASSERT_TRUE(parse_plain<Ipv6>(v6.data(), v6.size(), v6.size(), meta, {.network = NetworkId{4}}));
    EXPECT_EQ(meta.network(), NetworkId{4});
}

}  // namespace
}  // namespace viaduct::test
