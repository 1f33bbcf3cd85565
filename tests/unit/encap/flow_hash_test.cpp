// Flow hashes: a function of the key alone, well spread, and where wanted blind to direction.
#include "encap/flow_hash.h"

#include <gtest/gtest.h>

#include <set>

#include "encap/vxlan.h"
#include "tests/unit/encap/parsing.h"

namespace viaduct::test {
namespace {

template <Address A>
FlowKey<A> key_number(std::uint32_t n) {
    FlowKey<A> key;
    key.source.bytes = {10, 1, static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)};
    key.destination.bytes = {10, 2, 0, 1};
    key.source_port = Be16(static_cast<std::uint16_t>(1024 + n % 251));
    key.destination_port = Be16(80);
    key.protocol = Protocol::tcp;
    return key;
}

/// Occupied buckets among 2^bits after `keys` keys, taken from the upper or lower bits.
template <Address A>
std::size_t occupied(std::uint32_t keys, unsigned bits, bool upper) {
    std::set<std::uint32_t> buckets;
    for (std::uint32_t n = 0; n < keys; ++n) {
        const std::uint32_t hash = flow_hash(key_number<A>(n));
        buckets.insert(upper ? hash >> (32 - bits) : hash & ((1U << bits) - 1));
    }
    return buckets.size();
}

template <class T>
class FlowHashTest : public testing::Test {};
using Families = testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(FlowHashTest, Families);

// Balls thrown at random leave about e^(-balls/buckets) of the buckets empty: 0.2 % here.
TYPED_TEST(FlowHashTest, UpperAndLowerBitsSpread) {
    EXPECT_GT(occupied<TypeParam>(16384 * 6, 14, true), 16384 * 99 / 100);
    EXPECT_GT(occupied<TypeParam>(16384 * 6, 14, false), 16384 * 99 / 100);
}

TYPED_TEST(FlowHashTest, NeighbouringKeysDifferInHalfTheirBits) {
    int flipped = 0;
    constexpr int keys = 4096;
    for (std::uint32_t n = 0; n < keys; ++n)
        flipped += std::popcount(flow_hash(key_number<TypeParam>(n)) ^ flow_hash(key_number<TypeParam>(n ^ 1U)));
    EXPECT_NEAR(static_cast<double>(flipped) / keys, 16, 1);
}

TYPED_TEST(FlowHashTest, EveryPartOfTheKeyCounts) {
    const FlowKey<TypeParam> key = key_number<TypeParam>(7);
    for (std::size_t bit = 0; bit < sizeof key * 8; ++bit) {
        FlowKey<TypeParam> other = key;
        reinterpret_cast<std::uint8_t*>(&other)[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        EXPECT_NE(flow_hash(other), flow_hash(key)) << bit;
    }
}

TYPED_TEST(FlowHashTest, SymmetricHashKnowsNoDirectionAndStillSpreads) {
    std::set<std::uint32_t> hashes;
    for (std::uint32_t n = 0; n < 10000; ++n) {
        const FlowKey<TypeParam> key = key_number<TypeParam>(n);
        EXPECT_EQ(symmetric_hash(key), symmetric_hash(key.mirrored()));
        hashes.insert(symmetric_hash(key));
    }
    EXPECT_GT(hashes.size(), 9995U);
}

TYPED_TEST(FlowHashTest, SymmetricHashKeepsPortsWithTheirAddresses) {
    FlowKey<TypeParam> key = key_number<TypeParam>(1), crossed = key;
    std::swap(crossed.source_port, crossed.destination_port);
    EXPECT_NE(symmetric_hash(key), symmetric_hash(crossed));
    crossed = key;
    crossed.network = NetworkId{3};
    EXPECT_NE(symmetric_hash(key), symmetric_hash(crossed));
}

TYPED_TEST(FlowHashTest, AddressHashSpreads) {
    std::set<std::uint32_t> hashes;
    for (std::uint32_t n = 0; n < 10000; ++n) hashes.insert(address_hash(key_number<TypeParam>(n).source));
    EXPECT_EQ(hashes.size(), 10000U);
}

TYPED_TEST(FlowHashTest, SameFlowSameHashWhateverElseThePacketSays) {
    const auto hash_of = [](PacketBuilder packet, std::uint8_t ttl, std::size_t payload) {
        const Parsed p = parsed(packet.ttl(ttl).tos(ttl & 3U).tcp(4000, 443, TcpHeader::ack).payload(payload).build());
        EXPECT_TRUE(p.is_packet());
        return flow_hash(p.meta.flow<TypeParam>());
    };
    auto packet = between_hosts<TypeParam>();
    const std::uint32_t hash = hash_of(packet, 64, 10);
    if constexpr (std::same_as<TypeParam, Ipv4>) packet.ipv4_id(0xbeef).dont_fragment();
    EXPECT_EQ(hash_of(packet, 63, 1000), hash);
}

// Conformance 5 with 10,000 flows: over 1,024 groups of ports, since no hash brings so few flows to 90 % of all 16,384.
// Those are reached by more flows.
TYPED_TEST(FlowHashTest, OuterSourcePortsAreDynamicOnesAndUsedEvenly) {
    std::set<std::uint16_t> ports, coarse;
    for (std::uint32_t n = 0; n < 65536; ++n) {
        const std::uint16_t port = vxlan_source_port(flow_hash(key_number<TypeParam>(n))).value();
        ASSERT_GE(port, 49152);
        ports.insert(port);
        if (n < 10000) coarse.insert(static_cast<std::uint16_t>(port / 16));
    }
    EXPECT_GT(ports.size(), 16384U * 90 / 100);
    EXPECT_GT(coarse.size(), 1024U * 90 / 100);
}

// The published check value of CRC-32C: hashes must not depend on which implementation was compiled in.
TEST(Crc32cTest, CheckValue) {
    const Bytes nine{'1', '2', '3', '4', '5', '6', '7', '8'};
    std::uint64_t word;
    std::memcpy(&word, nine.data(), sizeof word);
    EXPECT_EQ(~detail::crc32c(~0U, word), 0x6087809aU);
}

}  // namespace
}  // namespace viaduct::test
