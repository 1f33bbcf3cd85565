// The rig's small parts: pace, histogram, frame sizes, the order of flows.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <stdexcept>

#include "bench/rig/flow_order.h"
#include "bench/rig/frame_sizes.h"
#include "bench/rig/histogram.h"
#include "bench/rig/pacer.h"

namespace viaduct::rig {
namespace {

constexpr std::uint64_t hz = 2'000'000'000;

TEST(RigPacer, KeepsAnEvenPace) {
    Pacer pacer(1e6, hz, 1'000);  // a packet every 2,000 cycles
    EXPECT_EQ(pacer.due(999, 32), 1U);
    EXPECT_EQ(pacer.due(1'000, 32), 0U);
    EXPECT_EQ(pacer.due(2'999, 32), 0U);
    EXPECT_EQ(pacer.due(3'000, 32), 1U);
    EXPECT_EQ(pacer.due(9'500, 32), 3U);
    EXPECT_EQ(pacer.sent(), 5U);
}

TEST(RigPacer, CatchesUpInBursts) {
    Pacer pacer(1e6, hz, 0);
    EXPECT_EQ(pacer.due(100'000, 32), 32U);
    EXPECT_EQ(pacer.due(100'000, 100), 19U);
    EXPECT_EQ(pacer.due(100'000, 100), 0U);
}

TEST(RigPacer, NeverSendsWhatIsLongOverdue) {
    Pacer pacer(1e6, hz, 0);
    EXPECT_EQ(pacer.due(0, 32), 1U);
    const std::uint64_t late = hz / 100;  // 10 ms, or 10,000 packets
    unsigned burst = 0;
    for (unsigned i = 0; i < 10; ++i) burst += pacer.due(late, 32);
    EXPECT_EQ(burst, 64U);
    EXPECT_EQ(pacer.due(late + 2'000, 32), 1U) << "the pace goes on";
    EXPECT_EQ(pacer.due(late + 40'000, 100), 19U);
}

TEST(RigPacer, HoldsARateForALongTime) {
    Pacer pacer(14'880'952, hz, 0);
    std::uint64_t sent = 0;
    for (std::uint64_t now = 0; now < 10 * hz; now += hz / 100'000) sent += pacer.due(now, 1'000'000);
    EXPECT_NEAR(static_cast<double>(sent), 14'880'952 * 9.99999, 2);
}

TEST(RigPacer, WithoutALimitSendsAllThatFits) {
    Pacer pacer(Pacer::unlimited, hz, 0);
    EXPECT_EQ(pacer.due(0, 32), 32U);
    EXPECT_EQ(pacer.due(0, 32), 32U);
}

TEST(RigHistogram, IsExactForSmallValues) {
    Histogram histogram;
    for (std::uint64_t v = 1; v <= 1'000; ++v) histogram.add(v);
    EXPECT_EQ(histogram.percentile(50), 500U);
    EXPECT_EQ(histogram.percentile(99.9), 999U);
    EXPECT_EQ(histogram.percentile(100), 1'000U);
    EXPECT_EQ(histogram.percentile(0), 1U);
    EXPECT_EQ(histogram.min(), 1U);
    EXPECT_EQ(histogram.max(), 1'000U);
    EXPECT_DOUBLE_EQ(histogram.mean(), 500.5);
}

TEST(RigHistogram, KeepsOnePartInAThousandEverywhere) {
    std::mt19937_64 random(1);
    for (unsigned power = 8; power < 36; ++power) {
        Histogram histogram;
        std::vector<std::uint64_t> values(1'001);
        for (std::uint64_t& v : values)
            histogram.add(v = (std::uint64_t{1} << power) + random() % (std::uint64_t{1} << power));
        std::sort(values.begin(), values.end());
        const auto exact = static_cast<double>(values[900]);
        EXPECT_NEAR(static_cast<double>(histogram.percentile(90)), exact, exact / 1'000) << power;
    }
}

TEST(RigHistogram, TakesWhatIsBeyondItsRange) {
    Histogram histogram;
    histogram.add(UINT64_MAX);
    EXPECT_EQ(histogram.max(), UINT64_MAX);
    EXPECT_EQ(histogram.count(), 1U);
    EXPECT_GT(histogram.percentile(50), std::uint64_t{1} << 35U);
}

TEST(RigHistogram, AddsAnother) {
    Histogram one, other;
    one.add(10);
    other.add(1'000'000);
    one.add(other);
    EXPECT_EQ(one.count(), 2U);
    EXPECT_EQ(one.percentile(50), 10U);
    EXPECT_EQ(one.max(), 1'000'000U);
    EXPECT_EQ(Histogram().percentile(99), 0U);
}

TEST(RigFrameSizes, SpreadsImixEvenly) {
    const FrameSizes imix = FrameSizes::parse("imix");
    std::map<unsigned, unsigned> all, half;
    for (std::size_t i = 0; i < imix.cycle().size(); ++i) {
        ++all[imix.cycle()[i]];
        if (i < 24) ++half[imix.cycle()[i]];
    }
    EXPECT_EQ(all, (std::map<unsigned, unsigned>{{64, 28}, {570, 16}, {1518, 4}}));
    EXPECT_EQ(half, (std::map<unsigned, unsigned>{{64, 14}, {570, 8}, {1518, 2}}));
    EXPECT_NEAR(imix.mean(), 353.8, 0.1);
}

TEST(RigFrameSizes, TakesOneSize) {
    EXPECT_EQ(FrameSizes::parse("1518").cycle(), std::vector<unsigned>{1518});
    for (const char* wrong : {"63", "1519", "", "64b", "big"})
        EXPECT_THROW(FrameSizes::parse(wrong), std::invalid_argument) << wrong;
}

TEST(RigFlowOrder, GivesEveryFlowItsTurn) {
    const auto order = flow_order(100, 0, 300, 7);
    std::map<std::uint32_t, unsigned> turns;
    for (const std::uint32_t flow : order) ++turns[flow];
    EXPECT_EQ(turns.size(), 100U);
    EXPECT_TRUE(std::all_of(turns.begin(), turns.end(), [](const auto& turn) { return turn.second == 3; }));
    EXPECT_FALSE(std::is_sorted(order.begin(), order.begin() + 100));
}

TEST(RigFlowOrder, FollowsZipf) {
    constexpr std::size_t draws = 200'000;
    std::vector<double> share(1'000);
    for (const std::uint32_t flow : flow_order(1'000, 1, draws, 1)) share[flow] += 1.0 / draws;
    constexpr double harmonic = 7.4855;  // Σ 1/k, k = 1 … 1,000
    EXPECT_NEAR(share[0], 1 / harmonic, 0.005);
    EXPECT_NEAR(share[1], 1 / harmonic / 2, 0.005);
    EXPECT_NEAR(share[9], 1 / harmonic / 10, 0.002);
    EXPECT_GT(share[0], share[500] * 100);
}

}  // namespace
}  // namespace viaduct::rig
