// Whether wrong output is noticed: what the pipeline emits is right, and with any byte of it changed it is not.
#include "bench/verify.h"

#include <gtest/gtest.h>

#include "bench/device_under_test.h"

namespace viaduct {
namespace {

constexpr WorldSize small{.services = 10, .backends = 100, .peers = 4};
constexpr unsigned frame_length = 100;

/// Sends a client's packet to a pod and hands what came out to `look`.
template <Address A, class Look>
void encapsulated(Family outer, Look&& look) {
    const World world(small, family_of<A>, outer);
    Harness harness(Cache::hot);
    harness.buffers().clear();
    DeviceUnderTest device(world, harness, DeviceUnderTest::Workers::one, 64);
    const std::vector<Flow<A>> expected = make_flows<A>(world, Destination::pods, 1, 7);
    std::vector<Flow<A>> received = expected;
    received[0].peer = no_peer;
    const Stream<A> stream{FrameWriter<A>(world, FrameWriter<A>::Kind::plain, TcpHeader::ack, frame_length), received};
    harness.lap(
        stream, 1, 1, [&](Burst& burst) { device.run(burst); },
        [&](std::size_t, unsigned, std::span<rte_mbuf* const> emitted) {
            ASSERT_EQ(emitted.size(), 1U) << device.losses();
            look(world, *emitted[0], expected[0]);
        });
}

template <Address A>
bool is_right(const World& world, const rte_mbuf& mbuf, const Flow<A>& expected) {
    try {
        check_flow(expected, dissect<A>(world, mbuf));
        return true;
    } catch (const WrongOutput&) {
        return false;
    }
}

/// What the gateway may choose: the outer source port above 49151, the outer flow label. The former is covered by the
/// checksum over IPv6.
bool is_free(unsigned at, Family outer) { return outer == Family::v4 ? at == 34 || at == 35 : at >= 15 && at <= 17; }

template <Address A>
void every_byte_matters(Family outer) {
    encapsulated<A>(outer, [&](const World& world, rte_mbuf& mbuf, const Flow<A>& expected) {
        ASSERT_TRUE(is_right(world, mbuf, expected));
        auto* bytes = rte_pktmbuf_mtod(&mbuf, std::uint8_t*);
        for (unsigned i = 0; i < mbuf.data_len; ++i) {
            if (is_free(i, outer)) continue;
            const std::uint64_t before = digest(mbuf);
            bytes[i] ^= 0x01;
            EXPECT_FALSE(is_right(world, mbuf, expected)) << "byte " << i;
            EXPECT_NE(digest(mbuf), before) << "byte " << i;
            bytes[i] ^= 0x01;
        }
    });
}

TEST(Verify, EveryByteMattersIpv4OverIpv4) { every_byte_matters<Ipv4>(Family::v4); }
TEST(Verify, EveryByteMattersIpv6OverIpv4) { every_byte_matters<Ipv6>(Family::v4); }
TEST(Verify, EveryByteMattersIpv4OverIpv6) { every_byte_matters<Ipv4>(Family::v6); }
TEST(Verify, EveryByteMattersIpv6OverIpv6) { every_byte_matters<Ipv6>(Family::v6); }

TEST(Verify, AnotherFlowIsNoticed) {
    encapsulated<Ipv4>(Family::v4, [](const World& world, const rte_mbuf& mbuf, Flow<Ipv4> expected) {
        expected.peer = (expected.peer + 1) % small.peers;
        EXPECT_FALSE(is_right(world, mbuf, expected));
    });
}

TEST(Verify, TruncationIsNoticed) {
    encapsulated<Ipv6>(Family::v6, [](const World& world, rte_mbuf& mbuf, const Flow<Ipv6>& expected) {
        const std::uint16_t length = mbuf.data_len;
        for (std::uint16_t n = 0; n < length; ++n) {
            mbuf.data_len = n;
            mbuf.pkt_len = n;
            EXPECT_FALSE(is_right(world, mbuf, expected)) << n << " bytes";
        }
    });
}

TEST(Verify, ChoiceMustBeABackendOfTheService) {
    const World world(small, Family::v4, Family::v4);
    const Pod<Ipv4> own = world.pod<Ipv4>(25), foreign = world.pod<Ipv4>(35);
    Flow<Ipv4> received{World::client<Ipv4>(0), World::service<Ipv4>(2), Be16(32768), Be16(80), no_peer};
    const Ipv4 source = World::own_subnet<Ipv4>().address;
    Flow<Ipv4> emitted{source, own.address, Be16(1024), Be16(8080), own.peer};
    EXPECT_NO_THROW(check_choice(world, received, emitted));
    emitted.destination = foreign.address;
    emitted.peer = foreign.peer;
    EXPECT_THROW(check_choice(world, received, emitted), WrongOutput);
}

}  // namespace
}  // namespace viaduct
