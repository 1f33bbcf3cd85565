// Tunnel headers: written, judged by the tests' own checks, and read back.
#include "encap/vxlan.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/encap/parsing.h"

namespace viaduct::test {
namespace {

constexpr Mac next_hop{{2, 0, 0, 0, 9, 1}}, port_mac{{2, 0, 0, 0, 9, 2}};
constexpr Mac peer_vtep{{2, 0, 0, 0, 9, 3}}, own_vtep{{2, 0, 0, 0, 9, 4}};

template <Address A>
VxlanPath path_over() {
    const Bytes headers = between_hosts<A>().build();
    A source, destination;
    std::copy_n(headers.begin() + (std::same_as<A, Ipv4> ? 26 : 22), sizeof(A), source.bytes.begin());
    std::copy_n(headers.begin() + (std::same_as<A, Ipv4> ? 30 : 38), sizeof(A), destination.bytes.begin());
    return {port_mac, next_hop, source, destination, 4789, Vni(0xabcdef), 61, own_vtep, peer_vtep};
}

template <Address A>
Bytes inner_packet(std::size_t payload) {
    return ip_packet(between_hosts<A>().tcp(4000, 80, TcpHeader::ack).payload(payload).build());
}

Bytes encapsulated(const VxlanPath& path, const Bytes& inner, OuterUdpChecksum checksum, std::uint8_t tos = 0,
                   std::uint32_t entropy = 0x9e3779b9) {
    const VxlanTemplate headers = VxlanTemplate::make(path);
    Bytes frame(headers.length);
    frame.insert(frame.end(), inner.begin(), inner.end());
    const Exact exact(frame);
    const Family family = inner[0] >> 4U == 4 ? Family::v4 : Family::v6;
    write(headers, exact.data() + headers.length, family, static_cast<std::uint16_t>(inner.size()), tos, entropy,
          checksum);
    return exact.copy();
}

template <class T>
class VxlanTest : public testing::Test {
protected:
    static constexpr std::size_t udp_at = std::same_as<T, Ipv4> ? 34 : 54;
    static bool fits(const Bytes& frame, const PacketMeta& meta) {
        return outer_udp_fits(header_at<UdpHeader>(frame.data() + udp_at),
                              std::size_t{meta.network_at} + meta.ip_length - meta.transport_at);
    }
};
using Families = testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(VxlanTest, Families);

TYPED_TEST(VxlanTest, RoundTripOfBothInnerFamilies) {
    for (const Bytes& inner : {inner_packet<Ipv4>(100), inner_packet<Ipv6>(101)}) {
        const Bytes frame = encapsulated(path_over<TypeParam>(), inner, OuterUdpChecksum::computed);
        EXPECT_EQ(fault_in(frame), "");
        const Parsed outer = parsed(frame);
        ASSERT_TRUE(outer.is_packet());
        EXPECT_EQ(check_outer_sum<TypeParam>(frame.data(), frame.size(), outer.meta), OuterSum::good);
        const auto& vxlan = header_at<VxlanHeader>(frame.data() + outer.meta.transport_at + 8);
        EXPECT_TRUE(vxlan.has_vni());
        EXPECT_EQ(vxlan.vni(), Vni(0xabcdef));
        EXPECT_EQ(Bytes(frame.end() - static_cast<long>(inner.size()), frame.end()), inner);
        EXPECT_TRUE(parsed(Bytes(frame.begin() + outer.meta.transport_at + 16, frame.end())).is_packet());
    }
}

TYPED_TEST(VxlanTest, HeadersAreThoseOfThePath) {
    const Bytes frame = encapsulated(path_over<TypeParam>(), inner_packet<Ipv6>(9), OuterUdpChecksum::zero, 0x2a);
    const Bytes expected = PacketBuilder()
                               .ethernet(next_hop, port_mac)
                               .ip(hosts<TypeParam>.a, hosts<TypeParam>.b)
                               .ttl(61)
                               .tos(0x2a)
                               .udp(vxlan_source_port(0x9e3779b9).value(), 4789)
                               .vxlan(Vni(0xabcdef))
                               .ethernet(peer_vtep, own_vtep)
                               .ip(hosts<Ipv6>.a, hosts<Ipv6>.b)
                               .tcp(4000, 80, TcpHeader::ack)
                               .payload(9)
                               .build();
    ASSERT_EQ(frame.size(), expected.size());
    Bytes same = frame;
    for (const std::size_t patched : std::same_as<TypeParam, Ipv4>  // DF and checksums; the IPv6 flow label
                                         ? std::vector<std::size_t>{20, 24, 25, 40, 41}
                                         : std::vector<std::size_t>{15, 16, 17})
        same[patched] = expected[patched];
    EXPECT_EQ(same, expected);
    EXPECT_EQ(fault_in(frame), "");
}

TYPED_TEST(VxlanTest, EveryTosAndManyLengthsVerify) {
    for (unsigned n = 0; n < 256; ++n)
        for (const auto checksum : {OuterUdpChecksum::zero, OuterUdpChecksum::computed}) {
            const Bytes frame = encapsulated(path_over<TypeParam>(), inner_packet<Ipv4>(n * 5), checksum,
                                             static_cast<std::uint8_t>(n), n * 0x01000193U);
            ASSERT_EQ(fault_in(frame), "") << n;
        }
}

TYPED_TEST(VxlanTest, ChecksumIsAbsentOnlyWhereItMayBe) {  // conformance 6
    const Bytes zero = encapsulated(path_over<TypeParam>(), inner_packet<Ipv4>(10), OuterUdpChecksum::zero);
    const bool absent = zero[this->udp_at + 6] == 0 && zero[this->udp_at + 7] == 0;
    EXPECT_EQ(absent, (std::same_as<TypeParam, Ipv4>));
    const Bytes without = between_hosts<TypeParam>().udp(1, 4789).no_udp_checksum().vxlan(Vni(1)).payload(30).build();
    EXPECT_EQ(check_outer_sum<TypeParam>(without.data(), without.size(), parsed(without).meta),
              (std::same_as<TypeParam, Ipv4>) ? OuterSum::good : OuterSum::bad);
}

TYPED_TEST(VxlanTest, AnyFlippedBitUnderTheChecksumIsFound) {
    const Bytes good = encapsulated(path_over<TypeParam>(), inner_packet<Ipv4>(7), OuterUdpChecksum::computed);
    const PacketMeta meta = parsed(good).meta;
    for (std::size_t bit = this->udp_at * 8; bit < good.size() * 8; ++bit) {
        if (bit / 8 == this->udp_at + 4 || bit / 8 == this->udp_at + 5) continue;  // the length has its own check
        Bytes bad = good;
        bad[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        ASSERT_EQ(check_outer_sum<TypeParam>(bad.data(), bad.size(), meta), OuterSum::bad) << bit;
    }
}

/// The inner IPv4 header is left out of the sum, whatever its length.
TYPED_TEST(VxlanTest, InnerIpv4OptionsAreNotSummed) {
    const auto start = between_hosts<Ipv4>().ipv4_options({1, 1, 7, 7, 4, 0, 0, 0, 0, 0, 0, 0});
    const Bytes inner = ip_packet(PacketBuilder(start).tcp(4000, 80, TcpHeader::ack).payload(11).build());
    ASSERT_EQ(inner[0], 0x48);
    const Bytes frame = encapsulated(path_over<TypeParam>(), inner, OuterUdpChecksum::computed);
    EXPECT_EQ(check_outer_sum<TypeParam>(frame.data(), frame.size(), parsed(frame).meta), OuterSum::good);
}

TYPED_TEST(VxlanTest, UdpLengthMustBeWhatIpLeaves) {  // conformance 11
    const Bytes frame = encapsulated(path_over<TypeParam>(), inner_packet<Ipv4>(7), OuterUdpChecksum::computed);
    EXPECT_TRUE(this->fits(frame, parsed(frame).meta));
    for (const int difference : {-1, 1, -256}) {
        Bytes bad = frame;
        const int length = (bad[this->udp_at + 4] << 8) + bad[this->udp_at + 5] + difference;
        bad[this->udp_at + 4] = static_cast<std::uint8_t>(length >> 8);
        bad[this->udp_at + 5] = static_cast<std::uint8_t>(length);
        EXPECT_FALSE(this->fits(bad, parsed(frame).meta)) << difference;
    }
    const Bytes no_vxlan = between_hosts<TypeParam>().udp(50000, 4789).payload(7).build();
    EXPECT_FALSE(this->fits(no_vxlan, parsed(no_vxlan).meta));
}

TYPED_TEST(VxlanTest, WhatIsNotContiguousIsNotRead) {
    const Bytes frame = encapsulated(path_over<TypeParam>(), inner_packet<Ipv4>(700), OuterUdpChecksum::computed);
    const Exact front(frame, this->udp_at + 100);
    EXPECT_EQ(check_outer_sum<TypeParam>(front.data(), front.size(), parsed(frame).meta), OuterSum::unverified);
}

TYPED_TEST(VxlanTest, PaddingIsNotSummed) {
    Bytes frame = encapsulated(path_over<TypeParam>(), inner_packet<Ipv4>(3), OuterUdpChecksum::computed);
    frame.insert(frame.end(), 9, 0xee);
    EXPECT_EQ(check_outer_sum<TypeParam>(frame.data(), frame.size(), parsed(frame).meta), OuterSum::good);
}

TEST(VxlanReadTest, OnlyTheVniFlagCounts) {  // conformance 2, 3
    for (unsigned flags = 0; flags < 256; ++flags) {
        const std::array<std::uint8_t, 8> header{static_cast<std::uint8_t>(flags), 0xff, 0xff, 0xff, 0, 0x10, 0, 0xff};
        const auto& vxlan = header_at<VxlanHeader>(header.data());
        EXPECT_EQ(vxlan.has_vni(), (flags & 8U) != 0);
        EXPECT_EQ(vxlan.vni(), Vni(4096));
        EXPECT_EQ(vxlan.word() == VxlanHeader::of(Vni(4096)).word(), vxlan.has_vni());
    }
}

TEST(VxlanWriteTest, OuterIpv4IsNeverFragmented) {  // conformance 7
    const Bytes frame = encapsulated(path_over<Ipv4>(), inner_packet<Ipv4>(7), OuterUdpChecksum::zero);
    EXPECT_EQ(frame[20], 0x40);
    EXPECT_EQ(frame[21], 0);
}

TEST(VxlanWriteTest, SourcePortsAreDynamicOnesForAnyEntropy) {  // conformance 5
    std::mt19937 random(3);
    for (int i = 0; i < 100'000; ++i) ASSERT_GE(vxlan_source_port(static_cast<std::uint32_t>(random())).value(), 49152);
    EXPECT_EQ(vxlan_source_port(0).value(), 49152);
    EXPECT_EQ(vxlan_source_port(~0U).value(), 65535);
}

TEST(VxlanWriteTest, NothingInFrontOfTheHeadersIsTouched) {
    const VxlanTemplate headers = VxlanTemplate::make(path_over<Ipv4>());
    const Bytes inner = inner_packet<Ipv4>(1);
    const Exact exact(Bytes(headers.length + 8 + inner.size(), 0x5a));
    std::copy(inner.begin(), inner.end(), exact.data() + headers.length + 8);
    write(headers, exact.data() + headers.length + 8, Family::v4, static_cast<std::uint16_t>(inner.size()), 0, 1,
          OuterUdpChecksum::computed);
    EXPECT_EQ(exact.copy()[7], 0x5a);
    EXPECT_EQ(exact.copy()[8], next_hop.bytes[0]);
}

}  // namespace
}  // namespace viaduct::test
