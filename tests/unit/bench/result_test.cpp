// Statistics over runs.
#include "bench/result.h"

#include <gtest/gtest.h>

namespace viaduct {
namespace {

TEST(Summary, OfNothingIsNothing) { EXPECT_EQ(summarize({}).median, 0); }

TEST(Summary, OfOneSampleIsThatSample) {
    const Summary one = summarize({5});
    EXPECT_EQ(one.min, 5);
    EXPECT_EQ(one.median, 5);
    EXPECT_EQ(one.p95, 5);
}

TEST(Summary, MedianOfAnEvenNumberLiesBetweenTheMiddleTwo) { EXPECT_EQ(summarize({4, 1, 3, 2}).median, 2.5); }

TEST(Summary, PercentileIsTheNearestRank) {
    std::vector<double> samples;
    for (int i = 20; i > 0; --i) samples.push_back(i);
    EXPECT_EQ(summarize(samples).p95, 19);
    EXPECT_EQ(summarize(samples).min, 1);
}

}  // namespace
}  // namespace viaduct
