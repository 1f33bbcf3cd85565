// The rig's frames through a pipeline, and whether every wrong byte of what comes out is noticed.
#include <gtest/gtest.h>

#include "bench/device_under_test.h"
#include "bench/rig/inspect.h"
#include "bench/rig/lane.h"

namespace viaduct::rig {
namespace {

constexpr WorldSize small{.services = 10, .backends = 100, .peers = 4};
constexpr Stamp stamp{.trial = 3, .flow = 0, .number = 7, .tsc = 0x0123456789abcdef};

/// A frame sent by `lane` through a gateway of its own; what came out is handed to `look`.
template <Address A, class Look>
void forwarded(const Site& world, const Lane<A>& lane, unsigned size, Look&& look) {
    Harness harness(Cache::hot);
    harness.buffers().clear();
    DeviceUnderTest device(world, harness, DeviceUnderTest::Workers::one, 64);
    const auto burst = std::make_unique<Burst>();
    harness.buffers().take(std::span(burst->mbufs).first(1));
    lane.write(*burst->mbufs[0], 0, size, stamp);
    burst->ingress = lane.from() == Side::outside ? World::outside : World::underlay;
    burst->count = 1;
    device.run(*burst);
    ASSERT_EQ(harness.sink().packets().size(), 1U) << device.losses();
    look(*harness.sink().packets()[0]);
    harness.sink().release();
}

template <Address A>
Lane<A> lane_to_pods(const Site& world) {
    const std::vector<Flow<A>> flows = make_flows<A>(world, Destination::pods, 1, 7);
    return Lane<A>(world, Side::outside, flows, flows);
}
template <Address A>
Lane<A> lane_from_pods(const Site& world) {
    std::vector<Flow<A>> flows = make_flows<A>(world, Destination::pods, 1, 7);
    flows[0] = flows[0].mirrored();
    std::vector<Flow<A>> expected = flows;
    expected[0].peer = no_peer;
    return Lane<A>(world, Side::underlay, flows, expected);
}

/// What the gateway may choose: the outer source port, the outer flow label; and the stamp, which checksums cover.
template <Address A>
bool accepted(const Site& world, const rte_mbuf& mbuf, Lane<A>& lane) {
    Verdicts verdicts;
    return lane.judge(inspect<A>(world, mbuf, lane.from() == Side::outside, true), stamp.trial, verdicts);
}

template <Address A>
void every_byte_matters(Family outer, bool to_pods) {
    const Site world(small, family_of<A>, outer);
    Lane<A> lane = to_pods ? lane_to_pods<A>(world) : lane_from_pods<A>(world);
    for (const unsigned size : {64U, 1'000U})
        forwarded(world, lane, size, [&](rte_mbuf& mbuf) {
            ASSERT_TRUE(accepted(world, mbuf, lane));
            auto* bytes = rte_pktmbuf_mtod(&mbuf, std::uint8_t*);
            for (unsigned i = 0; i < mbuf.data_len; ++i) {
                const bool free = to_pods && (outer == Family::v4 ? i == 34 || i == 35 : i >= 15 && i <= 17);
                if (free) continue;
                bytes[i] ^= 0x01;
                EXPECT_FALSE(accepted(world, mbuf, lane)) << "byte " << i << " of " << mbuf.data_len;
                bytes[i] ^= 0x01;
            }
        });
}

TEST(RigInspect, NoticesEveryByteTowardsPods) {
    for (const Family outer : {Family::v4, Family::v6}) {
        every_byte_matters<Ipv4>(outer, true);
        every_byte_matters<Ipv6>(outer, true);
    }
}

TEST(RigInspect, NoticesEveryByteFromPods) {
    for (const Family outer : {Family::v4, Family::v6}) {
        every_byte_matters<Ipv4>(outer, false);
        every_byte_matters<Ipv6>(outer, false);
    }
}

template <Address A>
class RigLane : public testing::Test {
protected:
    const Site world{small, family_of<A>, Family::v4};
    std::vector<Flow<A>> flows = make_flows<A>(world, Destination::services, 2, 1);
    Lane<A> lane{world, Side::outside, flows, {}};
    Verdicts verdicts;

    /// Backend `b` of the flow's Service takes it.
    [[nodiscard]] Flow<A> chosen(std::uint32_t flow, std::uint32_t b) const {
        const auto pod =
            world.pod<A>(World::service_number(flows[flow].destination) * world.backends_per_service() + b);
        A own = World::own_subnet<A>().address;
        own.bytes.back() = 9;
        return {own, pod.address, Be16(40'000), Be16(World::target_port), pod.peer};
    }
    bool judge(std::uint32_t flow, std::uint32_t number, const Flow<A>& emitted, std::uint16_t trial = 1) {
        return lane.judge({nullptr, false, {trial, flow, number, 0}, emitted}, 1, verdicts);
    }
};
using Families = testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(RigLane, Families);

TYPED_TEST(RigLane, LearnsWhatAFlowBecomesAndHoldsItToThat) {
    EXPECT_EQ(this->lane.unknown(), 2U);
    EXPECT_TRUE(this->judge(0, 1, this->chosen(0, 4)));
    EXPECT_EQ(this->lane.unknown(), 1U);
    EXPECT_TRUE(this->judge(0, 2, this->chosen(0, 4)));
    EXPECT_EQ(this->verdicts.broken + this->verdicts.moved, 0U);
    EXPECT_TRUE(this->judge(0, 3, this->chosen(0, 5)));
    EXPECT_EQ(this->verdicts.broken, 1U) << "its backend was there";
}

TYPED_TEST(RigLane, AFlowMayLeaveTheBackendThatWasTakenAway) {
    EXPECT_TRUE(this->judge(0, 1, this->chosen(0, 0)));
    EXPECT_TRUE(this->judge(0, 2, this->chosen(0, 5)));
    EXPECT_EQ(this->verdicts.moved, 1U);
    EXPECT_EQ(this->verdicts.broken, 0U);
}

TYPED_TEST(RigLane, RefusesAnothersBackend) {
    Flow<TypeParam> foreign = this->chosen(0, 1);
    const std::uint32_t other = (World::service_number(this->flows[0].destination) + 1) % small.services;
    foreign.destination = this->world.template pod<TypeParam>(other * this->world.backends_per_service()).address;
    EXPECT_FALSE(this->judge(0, 1, foreign));
    EXPECT_EQ(this->verdicts.wrong, 1U);
    EXPECT_NE(this->verdicts.first_fault.find("a wrong choice"), std::string::npos);
    EXPECT_FALSE(this->judge(5, 1, foreign)) << "no such flow";
}

TYPED_TEST(RigLane, CountsWhatIsOutOfOrder) {
    for (const std::uint32_t number : {1U, 2U, 5U, 5U, 4U, 6U}) EXPECT_TRUE(this->judge(1, number, this->chosen(1, 2)));
    EXPECT_EQ(this->verdicts.right, 6U);
    EXPECT_EQ(this->verdicts.duplicated, 1U);
    EXPECT_EQ(this->verdicts.reordered, 1U);
    EXPECT_FALSE(this->judge(1, 9, this->chosen(1, 2), 8)) << "of another trial";
    EXPECT_EQ(this->verdicts.wrong, 0U);
}

TYPED_TEST(RigLane, AnswersGoBackTheSameWay) {
    EXPECT_TRUE(this->judge(0, 1, this->chosen(0, 4)));
    EXPECT_TRUE(this->judge(1, 1, this->chosen(1, 3)));
    Lane<TypeParam> answers = this->lane.answers();
    EXPECT_EQ(answers.from(), Side::underlay);
    Flow<TypeParam> back = this->flows[1].mirrored();
    back.peer = no_peer;
    EXPECT_TRUE(answers.judge({nullptr, false, {1, 1, 1, 0}, back}, 1, this->verdicts));
    EXPECT_FALSE(answers.judge({nullptr, false, {1, 0, 1, 0}, back}, 1, this->verdicts));
}

}  // namespace
}  // namespace viaduct::rig
