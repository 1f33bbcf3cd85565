// The rig's small parts: pace, disturbances, histogram, frame sizes, the order of flows.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <map>
#include <random>
#include <stdexcept>
#include <thread>

#include "bench/rig/flow_order.h"
#include "bench/rig/frame_sizes.h"
#include "bench/rig/histogram.h"
#include "bench/rig/pacer.h"
#include "bench/rig/trial.h"
#include "dataplane/eal.h"

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

TEST(RigDisturbance, WeighsWhoWasHeldUp) {
    EXPECT_FALSE((Disturbance{.lasted = 1, .generator = 0.015, .workers = 0.004, .stolen = 0}).spoils());
    EXPECT_TRUE((Disturbance{.lasted = 1, .generator = 0.025, .workers = 0, .stolen = 0}).spoils());
    EXPECT_TRUE((Disturbance{.lasted = 1, .generator = 0, .workers = 0.006, .stolen = 0}).spoils());
    const Disturbance stolen{.lasted = 0.5, .generator = 0, .workers = 0.001, .stolen = 0.01};
    EXPECT_TRUE(stolen.spoils());
    EXPECT_EQ(stolen.text(), "a hypervisor took 10 ms of a CPU");
    EXPECT_FALSE(Disturbance().spoils());
}

TEST(RigDisturbance, FindsAGatewaysWorkersAndWhatTheyWaitFor) {
    std::promise<void> named, done;
    std::jthread worker([&, end = done.get_future()]() mutable {
        pthread_setname_np(pthread_self(), "worker-0");
        named.set_value();
        end.wait();
    });
    named.get_future().wait();
    const auto threads = worker_threads(getpid());
    done.set_value();
    ASSERT_EQ(threads.size(), 1U);
    EXPECT_TRUE(worker_threads(0).empty());
    EXPECT_EQ(thread_time("/nonexistent").waited, 0);
}

/// Two threads on one CPU: each waits while the other one runs.
TEST(RigDisturbance, SeesThatAThreadWaitsForItsCpu) {
    cpu_set_t before, one;
    ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    CPU_SET(allowed_cpus().front(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    {
        Watch watch({}, {allowed_cpus().front()});
        const std::jthread rival([](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
            }
        });
        const auto begin = std::chrono::steady_clock::now();
        double lasted = 0;
        Disturbance seen;
        while (!seen.spoils() && lasted < 30) {  // both are runnable: soon the scheduler switches
            lasted = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
            seen = watch.end(lasted, 0);
        }
        EXPECT_TRUE(seen.spoils());
        EXPECT_GT(seen.generator, 0);
        EXPECT_EQ(seen.workers, 0);
        watch.begin();
        EXPECT_EQ(watch.end(1, 0.5).generator, 0.5) << "it stood still, whatever the scheduler says";
    }
    EXPECT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(RigTrial, IsShortOfLoadWhenTheGeneratorIsSlowNotWhenItStoodStill) {
    Trial trial;
    trial.load = 1e6;
    trial.seconds = 1;
    trial.offered = 900'000;
    EXPECT_TRUE(trial.short_of_load());
    trial.stood_still = 0.1;
    EXPECT_FALSE(trial.short_of_load());
    trial.load = 0;
    EXPECT_FALSE(trial.short_of_load());
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
