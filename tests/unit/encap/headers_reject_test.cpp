// Parsing what must not be forwarded, clause by clause, and what only looks as if.
#include <gtest/gtest.h>

#include "tests/unit/encap/parsing.h"

namespace viaduct::test {
namespace {

constexpr std::size_t ip = 14;

/// Changes one byte of the IPv4 header and makes its checksum right again.
Bytes with_ipv4_byte(Bytes frame, std::size_t at, std::uint8_t value) {
    frame[ip + at] = value;
    frame[ip + 10] = frame[ip + 11] = 0;
    const std::size_t header = std::min<std::size_t>((frame[ip] & 15U) * 4U, frame.size() - ip);
    const std::uint16_t sum = naive_checksum({frame.begin() + ip, frame.begin() + static_cast<long>(ip + header)});
    frame[ip + 10] = static_cast<std::uint8_t>(sum >> 8U);
    frame[ip + 11] = static_cast<std::uint8_t>(sum);
    return frame;
}
Bytes with_byte(Bytes frame, std::size_t at, std::uint8_t value) {
    frame[at] = value;
    return frame;
}
Bytes udp4() { return between_hosts<Ipv4>().udp(1000, 53).payload(30).build(); }
Bytes udp6() { return between_hosts<Ipv6>().udp(1000, 53).payload(30).build(); }
PacketBuilder from_to(std::string_view source, std::string_view destination) {
    return PacketBuilder().ethernet().ip(source, destination).udp(1, 2).payload(18);
}

void expect_drop(const Bytes& frame, Drop why) {
    const Parsed p = parsed(frame);
    EXPECT_EQ(p.result.outcome, ParseOutcome::bad) << name(why);
    EXPECT_EQ(name(p.result.why), name(why));
}
void expect_kernel(const Bytes& frame) { EXPECT_EQ(parsed(frame).result.outcome, ParseOutcome::for_kernel); }
void expect_packet(const Bytes& frame) {
    const Parsed p = parsed(frame);
    EXPECT_TRUE(p.is_packet()) << (p.result.outcome == ParseOutcome::bad ? name(p.result.why) : "for the kernel");
}

TEST(HeadersRejectTest, Ipv4HeaderClauses) {  // RFC 1812 §5.2.2, conformance 24
    expect_drop(Bytes(13), Drop::truncated);
    expect_drop(with_ipv4_byte(udp4(), 0, 0x65), Drop::bad_ip_version);
    expect_drop(with_ipv4_byte(udp4(), 0, 0x44), Drop::bad_header_length);
    expect_drop(with_ipv4_byte(PacketBuilder().ethernet().ip("10.0.0.1", "10.0.0.2").payload(4).build(), 0, 0x4f),
                Drop::bad_header_length);
    expect_drop(with_ipv4_byte(udp4(), 3, 19), Drop::bad_total_length);
    expect_drop(with_ipv4_byte(udp4(), 3, 59), Drop::bad_total_length);
    expect_drop(with_byte(udp4(), ip + 10, 0xff), Drop::bad_header_checksum);
}

TEST(HeadersRejectTest, Ipv6HeaderClauses) {
    expect_drop(with_byte(udp6(), ip, 0x45), Drop::bad_ip_version);
    expect_drop(with_byte(udp6(), ip + 5, 39), Drop::bad_total_length);
    Bytes huge = udp6();
    huge.resize(70000);
    huge[ip + 4] = huge[ip + 5] = 0xff;  // 40 + 65535 is more than any length here can say
    expect_drop(huge, Drop::bad_total_length);
}

TEST(HeadersRejectTest, Ipv4Martians) {  // conformance 26
    for (const std::string_view source :
         {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"})
        expect_drop(from_to(source, "10.0.0.2").build(), Drop::martian_source);
    for (const std::string_view destination : {"0.0.0.0", "0.1.2.3", "127.0.0.1"})
        expect_drop(from_to("10.0.0.1", destination).build(), Drop::martian_destination);
    expect_packet(from_to("1.0.0.1", "223.255.255.254").build());
    expect_packet(from_to("126.0.0.1", "128.0.0.1").build());
}

TEST(HeadersRejectTest, Ipv6Martians) {
    for (const std::string_view source : {"::", "::1", "ff02::1"})
        expect_drop(from_to(source, "2001:db8::2").build(), Drop::martian_source);
    for (const std::string_view destination : {"::", "::1"})
        expect_drop(from_to("2001:db8::1", destination).build(), Drop::martian_destination);
    expect_packet(from_to("64:ff9b::a00:1", "2001:db8::2").build());
    Bytes mapped = from_to("64:ff9b::a00:1", "2001:db8::2").build();
    std::fill_n(mapped.begin() + ip + 8, 10, std::uint8_t{0});
    mapped[ip + 18] = mapped[ip + 19] = 0xff;
    expect_drop(mapped, Drop::martian_source);
}

TEST(HeadersRejectTest, WhatTheKernelKeeps) {
    expect_kernel(from_to("10.0.0.1", "224.0.0.5").build());
    expect_kernel(from_to("0.0.0.0", "255.255.255.255").build());  // DHCP
    expect_kernel(from_to("2001:db8::1", "ff02::1").build());
    expect_kernel(from_to("2001:db8::1", "fe80::1").build());
    expect_kernel(from_to("fe80::1", "2001:db8::1").build());
    expect_kernel(PacketBuilder().ethernet().payload(46).build());
    constexpr Mac broadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, multicast{{0x01, 0, 0x5e, 0, 0, 5}};
    expect_kernel(PacketBuilder().ethernet(broadcast).ip("10.0.0.1", "10.0.0.2").udp(1, 2).build());
    expect_kernel(PacketBuilder().ethernet(multicast).ip("10.0.0.1", "10.0.0.2").udp(1, 2).build());
    Bytes arp = PacketBuilder().ethernet(broadcast).payload(28).build();
    arp[12] = 0x08, arp[13] = 0x06;
    expect_kernel(arp);
}

TEST(HeadersRejectTest, VlanTags) {  // conformance 9
    for (const auto& [a, b] : {hosts<Ipv4>, hosts<Ipv6>})
        expect_drop(PacketBuilder().ethernet().vlan(7).ip(a, b).udp(1, 2).build(), Drop::vlan);
}

TEST(HeadersRejectTest, Ipv4Options) {  // conformance 28
    const auto with = [](const Bytes& options) {
        return between_hosts<Ipv4>().ipv4_options(options).tcp(4000, 80, TcpHeader::syn).build();
    };
    for (const Bytes& harmless : {Bytes{148, 4, 0, 0}, Bytes{1, 1, 1, 0}, Bytes{7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0},
                                  Bytes{0, 131, 131, 131}, Bytes{1, 68, 4, 5, 0}, Bytes(40, 1)}) {
        const Parsed p = parsed(with(harmless));
        ASSERT_TRUE(p.is_packet());
        EXPECT_EQ(p.meta.key.v4.destination_port, Be16(80));
        EXPECT_EQ(p.meta.transport_at, ip + 20 + (harmless.size() + 3) / 4 * 4);
    }
    for (const Bytes& harmful : {Bytes{131, 7, 4, 10, 0, 0, 9}, Bytes{1, 137, 3, 4}, Bytes{7, 0, 0, 0}, Bytes{7, 1},
                                 Bytes{7, 6, 0, 0}, Bytes{1, 1, 1, 7}})
        expect_drop(with(harmful), Drop::ip_options);
}

TEST(HeadersRejectTest, TransportHeaders) {
    for (const auto& start : {between_hosts<Ipv4>(), between_hosts<Ipv6>()}) {
        const std::size_t transport = PacketBuilder(start).build().size();
        for (const auto& [protocol, least] : {std::pair{6, 20}, {17, 8}, {132, 12}, {transport == 34 ? 1 : 58, 8}}) {
            PacketBuilder packet(start);
            packet.protocol(static_cast<std::uint8_t>(protocol)).payload(Bytes(static_cast<std::size_t>(least) - 1));
            expect_drop(packet.build(), Drop::bad_transport_header);
        }
        const Bytes tcp = PacketBuilder(start).tcp(1, 2, 0).build();
        expect_drop(with_byte(tcp, transport + 12, 0x40), Drop::bad_transport_header);
        expect_drop(with_byte(tcp, transport + 12, 0x60), Drop::bad_transport_header);
        const Bytes udp = PacketBuilder(start).udp(1, 2).payload(20).build();
        expect_drop(with_byte(udp, transport + 5, 7), Drop::bad_transport_header);
        expect_drop(with_byte(udp, transport + 5, 29), Drop::bad_transport_header);
        expect_packet(with_byte(udp, transport + 5, 20));  // bytes behind the datagram are nobody's business
    }
}

TEST(HeadersRejectTest, FirstFragmentsCarryPorts) {
    for (const auto& start : {between_hosts<Ipv4>(), between_hosts<Ipv6>()}) {
        const Bytes whole = PacketBuilder(start).udp(1000, 53).payload(3000).build();
        const auto parts = fragmented(whole, 1400, 0xabcd);
        const Parsed first = parsed(parts.at(0));
        ASSERT_TRUE(first.is_packet());
        EXPECT_TRUE(first.meta.first_fragment);
        EXPECT_FALSE(first.meta.whole_flow);
        EXPECT_EQ(first.meta.transport, Transport::flow);
        EXPECT_EQ(first.meta.family == Family::v4 ? first.meta.key.v4.source_port : first.meta.key.v6.source_port,
                  Be16(1000));
        EXPECT_EQ(fragment_id(parts[0].data(), first.meta), 0xabcdU);
    }
}

TEST(HeadersRejectTest, LaterFragmentsCarryNone) {
    for (const auto& start : {between_hosts<Ipv4>(), between_hosts<Ipv6>()}) {
        const auto parts = fragmented(PacketBuilder(start).udp(1000, 53).payload(3000).build(), 1400, 0xabcd);
        ASSERT_EQ(parts.size(), 3U);
        for (const Bytes& part : {parts[1], parts[2]}) {
            const Parsed later = parsed(part);
            ASSERT_TRUE(later.is_packet());
            EXPECT_EQ(later.meta.transport, Transport::later_fragment);
            EXPECT_FALSE(later.meta.first_fragment);
            EXPECT_FALSE(later.meta.whole_flow);
            EXPECT_EQ(later.meta.protocol(), Protocol::udp);
            EXPECT_EQ(fragment_id(part.data(), later.meta), 0xabcdU);
        }
    }
}

TEST(HeadersRejectTest, FragmentIdIsFoundBehindOtherExtensions) {
    auto packet = between_hosts<Ipv6>().ipv6_extension(0).ipv6_extension(60, Bytes(30)).fragment(0x1badcafe, 0, true);
    const Bytes frame = packet.ipv6_extension(60).udp(1, 2).payload(8).build();
    const Parsed p = parsed(frame);
    ASSERT_TRUE(p.is_packet());
    EXPECT_EQ(fragment_id(frame.data(), p.meta), 0x1badcafeU);
}

TEST(HeadersRejectTest, DontFragmentAndAtomicFragmentsAreWhole) {
    const Parsed df = parsed(between_hosts<Ipv4>().dont_fragment().udp(1, 2).build());
    const Parsed atomic = parsed(between_hosts<Ipv6>().fragment(5, 0, false).udp(1, 2).build());
    for (const Parsed& p : {df, atomic}) {
        ASSERT_TRUE(p.is_packet());
        EXPECT_FALSE(p.meta.first_fragment);
        EXPECT_EQ(p.meta.transport, Transport::flow);
        EXPECT_TRUE(p.meta.whole_flow);
    }
}

TEST(HeadersRejectTest, FragmentsThatHideTheTcpHeader) {  // conformance 30
    for (const auto& start : {between_hosts<Ipv4>(), between_hosts<Ipv6>()}) {
        const auto part = [&](std::uint16_t offset, bool more, std::size_t size) {
            return PacketBuilder(start).fragment(1, offset, more).protocol(6).payload(size).build();
        };
        expect_drop(part(0, true, 16), Drop::tiny_fragment);
        expect_drop(part(8, false, 40), Drop::tiny_fragment);
        expect_packet(part(16, false, 40));
        expect_drop(part(65528, false, 40), Drop::bad_total_length);
        const Bytes options_cut =
            PacketBuilder(start).fragment(1, 0, true).tcp(1, 2, 2).tcp_options({2, 4, 5, 180, 1, 1, 1, 1}).build();
        Bytes cut = options_cut;
        cut[cut.size() - 28 + 12] = 0xf0;
        expect_drop(cut, Drop::tiny_fragment);
    }
}

TEST(HeadersRejectTest, Ipv6ExtensionsAreWalkedToTheTransport) {  // conformance 29
    auto packet = between_hosts<Ipv6>().ipv6_extension(0, Bytes(14)).ipv6_extension(60).ipv6_extension(43, {4, 0});
    const Parsed p = parsed(packet.ipv6_extension(60, Bytes(6)).tcp(4000, 80, TcpHeader::fin).build());
    ASSERT_TRUE(p.is_packet());
    EXPECT_EQ(p.meta.transport_at, ip + 40 + 16 + 8 + 8 + 8);
    EXPECT_EQ(p.meta.key.v6.destination_port, Be16(80));
    EXPECT_EQ(p.meta.tcp_flags, TcpHeader::fin);
}

TEST(HeadersRejectTest, Ipv6ExtensionsAreBounded) {
    PacketBuilder packet = between_hosts<Ipv6>();
    for (int i = 0; i < 8; ++i) packet.ipv6_extension(60);
    expect_packet(PacketBuilder(packet).udp(1, 2).build());
    expect_drop(packet.ipv6_extension(60).udp(1, 2).build(), Drop::bad_extension_header);
}

TEST(HeadersRejectTest, Ipv6ExtensionsOutOfPlace) {
    const auto v6 = [] { return between_hosts<Ipv6>(); };
    expect_drop(v6().ipv6_extension(60).ipv6_extension(0).udp(1, 2).build(), Drop::bad_extension_header);
    expect_drop(v6().fragment(1, 0, false).fragment(1, 0, false).udp(1, 2).build(), Drop::bad_extension_header);
    expect_drop(v6().ipv6_extension(43, {0, 1}).udp(1, 2).build(), Drop::bad_extension_header);  // RFC 5095
    expect_packet(v6().ipv6_extension(43, {0, 0}).udp(1, 2).build());
    expect_drop(v6().protocol(0).payload(4).build(), Drop::bad_extension_header);
    expect_drop(v6().protocol(60).payload(Bytes{6, 1, 0, 0, 0, 0, 0, 0, 0}).build(), Drop::bad_extension_header);
    expect_drop(v6().fragment(1, 0, true).protocol(60).payload(Bytes{6, 1, 0, 0, 0, 0, 0, 0}).build(),
                Drop::tiny_fragment);
}

}  // namespace
}  // namespace viaduct::test
