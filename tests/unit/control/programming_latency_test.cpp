// From an endpoint's change to its publication: which changes count, and how long they took.
#include "control/programming_latency.h"

#include <gtest/gtest.h>

#include "control/objects/read_objects.h"
#include "control/objects/time_text.h"

namespace viaduct {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::system_clock::time_point;

const Time start{1'700'000'000s};  // 2023-11-14T22:13:20Z

void add_slice(Objects& objects, const std::string& name, const std::string& time) {
    const ReadObjects read = read_objects("kind: EndpointSlice\nmetadata: {name: " + name +
                                              ", annotations: {endpoints.kubernetes.io/last-change-trigger-time: \"" +
                                              time + "\"}}\naddressType: IPv4\n",
                                          "test.yaml");
    for (const Object& object : read.objects) objects.add(object);
}

TEST(ProgrammingLatencyTest, CountsEachChangeSinceTheStartOnce) {
    Objects objects;
    add_slice(objects, "old", "2023-11-14T22:13:19Z");
    add_slice(objects, "none", "");
    ProgrammingLatency latency(start);
    latency.published(objects.slices, start + 1s);
    EXPECT_EQ(latency.histogram().count(), 0U);
    add_slice(objects, "a", "2023-11-14T22:13:21.5Z");
    add_slice(objects, "b", "2023-11-14T22:13:21.998Z");
    latency.published(objects.slices, start + 2s);
    latency.published(objects.slices, start + 3s);
    EXPECT_EQ(latency.histogram().count(), 2U);
    EXPECT_NEAR(latency.histogram().sum(), 0.502, 1e-6);
}

TEST(HistogramTest, CountsUpToAndIncludingItsBounds) {
    Histogram histogram;
    for (const double seconds : {0.0005, 0.0006, 1.0, 1000.0}) histogram.add(seconds);
    EXPECT_EQ(histogram.count_to(0), 1U);
    EXPECT_EQ(histogram.count_to(1), 2U);
    EXPECT_EQ(histogram.count_to(10), 3U);
    EXPECT_EQ(histogram.count(), 4U);
}

TEST(TimeText, IsReadWithFractionsAndOffsets) {
    EXPECT_EQ(parse_time("2023-11-14T22:13:20Z"), start);
    EXPECT_EQ(parse_time("2023-11-14T22:13:20.000042Z"), start + 42us);
    EXPECT_EQ(parse_time("2023-11-14T23:13:20.5+01:00"), start + 500ms);
    for (const char* wrong : {"", "now", "2023-11-14T22:13:20", "2023-11-14 22:13:20Z", "2023-11-14T22:13:20Zx"})
        EXPECT_FALSE(parse_time(wrong)) << wrong;
}

}  // namespace
}  // namespace viaduct
