// The throughput search against devices whose throughput is known.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "bench/rig/search.h"

namespace viaduct::rig {
namespace {

const Goal ndr{.name = "NDR", .duration = 1, .duration_sum = 3};
const Goal pdr{.name = "PDR", .loss_ratio = 0.005, .duration = 1, .duration_sum = 3};
constexpr SearchLimits search_limits{.min_load = 1'000, .max_load = 10e6, .most_trials = 800};

using Device = std::function<double(double load, double duration)>;  // → loss ratio

/// Forwards so much and not a packet more.
Device forwards(double most) {
    return [most](double load, double) { return load <= most ? 0 : 1 - most / load; };
}

Search searched(std::vector<Goal> goals, const Device& device) {
    Search search(std::move(goals), search_limits);
    search.add(search_limits.max_load, 1, device(search_limits.max_load, 1));
    while (const auto trial = search.next())
        search.add(trial->load, trial->duration, device(trial->load, trial->duration));
    return search;
}

TEST(RigSearch, FindsTheThroughputToTheWidth) {
    for (const double most : {20'000.0, 1.234e6, 3e6, 9.99e6}) {
        const Search search = searched({ndr}, forwards(most));
        const Bounds found = search.bounds(0);
        EXPECT_TRUE(found.complete) << most;
        EXPECT_LE(found.lower, most);
        EXPECT_GT(found.upper, most);
        EXPECT_LE(*found.upper - *found.lower, 0.005 * *found.upper) << most;
        EXPECT_LT(search.trials(), 90U) << most;
    }
}

TEST(RigSearch, FindsBothGoals) {
    const Search search = searched({ndr, pdr}, forwards(3e6));
    EXPECT_LE(search.bounds(0).lower, 3e6);
    const Bounds partial = search.bounds(1);
    EXPECT_LE(partial.lower, 3e6 / 0.995);
    EXPECT_GE(partial.upper, 3e6 / 0.995 * 0.9999);
    EXPECT_GT(partial.upper, search.bounds(0).lower);
}

TEST(RigSearch, StopsAtTheHeaviestLoad) {
    const Search search = searched({ndr}, forwards(20e6));
    const Bounds found = search.bounds(0);
    EXPECT_TRUE(found.complete);
    EXPECT_EQ(found.lower, search_limits.max_load);
    EXPECT_FALSE(found.upper);
}

TEST(RigSearch, SaysThatADeviceForwardsNothing) {
    const Search search = searched({ndr}, [](double, double) { return 1.0; });
    const Bounds found = search.bounds(0);
    EXPECT_TRUE(found.complete);
    EXPECT_FALSE(found.lower);
    EXPECT_EQ(found.upper, search_limits.min_load);
}

/// One of ten trials is disturbed and lose a little at any load: with an exceed ratio of one half this does not count.
TEST(RigSearch, LooksPastRareDisturbances) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random(seed);
        const Device device = [&](double load, double duration) {
            const bool disturbed = random() % 10 == 0;
            return std::max(disturbed ? 1e-4 : 0.0, forwards(3e6)(load, duration));
        };
        Goal patient = ndr;
        patient.duration_sum = 21;
        const Bounds found = searched({patient}, device).bounds(0);
        EXPECT_TRUE(found.complete);
        EXPECT_NEAR(found.lower.value_or(0), 3e6, 3e5) << seed;
    }
}

TEST(RigSearch, DecidesByTheDurationSum) {
    Goal goal = ndr;
    goal.duration_sum = 4;
    Search search({goal}, search_limits);
    search.add(1e6, 1, 0);
    search.add(1e6, 1, 0);
    EXPECT_EQ(search.bounds(0).lower, 1e6) << "two good seconds of four: the other two cannot exceed the half";
    search.add(1e6, 1, 0.1);
    search.add(1e6, 1, 0.1);
    search.add(1e6, 1, 0.1);
    EXPECT_FALSE(search.bounds(0).lower) << "three bad ones of five";
    EXPECT_EQ(search.bounds(0).upper, 1e6);
}

TEST(RigSearch, ShortGoodTrialsProveNothing) {
    Search search({ndr}, search_limits);
    for (int i = 0; i < 100; ++i) search.add(1e6, 0.1, 0);
    EXPECT_FALSE(search.bounds(0).lower);
}

TEST(RigSearch, GivesUpAfterSoManyTrials) {
    std::mt19937 random(1);
    Search search({ndr}, {.min_load = 1, .max_load = 1e6, .most_trials = 5});
    unsigned trials = 0;
    for (; search.next(); ++trials) search.add(search.next()->load, 0.01, static_cast<double>(random() % 2));
    EXPECT_EQ(trials, 5U);
    EXPECT_FALSE(search.bounds(0).complete);
}

}  // namespace
}  // namespace viaduct::rig
