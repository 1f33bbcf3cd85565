// A sample of the bursts is timed, stage by stage, and counts the packets that each stage saw.
#include <gtest/gtest.h>

#include "tests/support/eal_environment.h"
#include "tests/unit/dataplane/world.h"

namespace viaduct::test {
namespace {

template <Address A>
class StageTimerTest : public testing::Test {
protected:
    using Here = Place<A>;
    World world;

    static Bytes syn_to(const A& destination, std::uint16_t port = 40'000) {
        return PacketBuilder()
            .ethernet(outside_mac, outside_client_mac)
            .ip(Here::client, destination)
            .tcp(port, 80, TcpHeader::syn)
            .build();
    }
    [[nodiscard]] const StageCounters& stage(Stage which) const {
        return world.counters().stages[static_cast<std::size_t>(which)];
    }
};
using Families = testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(StageTimerTest, Families);

TYPED_TEST(StageTimerTest, TimesTheFirstBurstAndThenOneIn256) {
    using P = Place<TypeParam>;
    const auto timed = [&] { return this->world.counters().timed_bursts.read(); };
    this->world.receive(outside, this->syn_to(P::vip));
    EXPECT_EQ(timed(), 1U);
    for (unsigned i = 1; i < StageTimer::interval; ++i) this->world.receive(outside, this->syn_to(P::vip));
    EXPECT_EQ(timed(), 1U);
    this->world.receive(outside, this->syn_to(P::vip));
    EXPECT_EQ(timed(), 2U);
    EXPECT_EQ(this->world.counters().timed_packets.read(), 2U);
}

TYPED_TEST(StageTimerTest, CountsThePacketsThatCameAsFarAsAStage) {
    using P = Place<TypeParam>;
    Bytes truncated = this->syn_to(P::vip);
    truncated.resize(20);
    this->world.receive(outside, {truncated, this->syn_to(P::vip), this->syn_to(P::empty_vip)});
    EXPECT_EQ(this->world.counters().timed_packets.read(), 3U);
    EXPECT_EQ(this->stage(Stage::parse).packets.read(), 3U);
    EXPECT_EQ(this->stage(Stage::decapsulate).packets.read(), 2U);
    EXPECT_EQ(this->stage(Stage::balance).packets.read(), 2U);
    EXPECT_EQ(this->stage(Stage::translate).packets.read(), 1U);
    EXPECT_EQ(this->stage(Stage::transmit).packets.read(), 1U);
    for (const StageCounters& counters : this->world.counters().stages) EXPECT_GT(counters.cycles.read(), 0U);
}

}  // namespace
}  // namespace viaduct::test
