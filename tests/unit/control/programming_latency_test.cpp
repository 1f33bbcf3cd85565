// From an endpoint's change to its publication: which changes count, and how long they took.
#include "control/programming_latency.h"

#include <gtest/gtest.h>

#include "control/desired/desired_state.h"
#include "control/objects/read_objects.h"
#include "control/objects/time_text.h"

namespace viaduct {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::system_clock::time_point;

const Time start{1'700'000'000s};  // 2023-11-14T22:13:20Z

void put_slice(Objects& objects, const std::string& name, const std::string& time,
               const std::string& address = "10.244.1.2") {
    const ReadObjects read =
        read_objects("kind: EndpointSlice\nmetadata: {name: " + name +
                         ", labels: {kubernetes.io/service-name: web}, annotations: "
                         "{endpoints.kubernetes.io/last-change-trigger-time: \"" +
                         time + "\"}}\naddressType: IPv4\nendpoints: [{addresses: [" + address + "]}]\n",
                     "test.yaml");
    for (const Object& object : read.objects) (void)objects.put(object);
}

/// What a gateway counts that follows these objects.
class ProgrammingLatencyTest : public ::testing::Test {
protected:
    ProgrammingLatencyTest() {
        config_.networks.emplace_back().name = "demo";
        config_.networks[0].type = NetworkType::fixed;
    }
    void publish(Time now) {
        const std::vector<SourceObjects> sources{{"demo", &objects_}};
        (void)keeper_.update({config_, sources, kernel_, {}});
        latency_.published(keeper_.fresh_slices(), now);
    }
    Config config_;
    KernelState kernel_;
    Objects objects_;
    DesiredStateKeeper keeper_;
    ProgrammingLatency latency_{start};
};

TEST_F(ProgrammingLatencyTest, CountsEachChangeSinceTheStartOnce) {
    put_slice(objects_, "old", "2023-11-14T22:13:19Z");
    put_slice(objects_, "none", "");
    publish(start + 1s);
    EXPECT_EQ(latency_.histogram().count(), 0U);
    put_slice(objects_, "a", "2023-11-14T22:13:21.5Z");
    put_slice(objects_, "b", "2023-11-14T22:13:21.998Z");
    publish(start + 2s);
    publish(start + 3s);
    EXPECT_EQ(latency_.histogram().count(), 2U);
    EXPECT_NEAR(latency_.histogram().sum(), 0.502, 1e-6);
    put_slice(objects_, "a", "2023-11-14T22:13:21.5Z", "10.244.1.9");
    publish(start + 4s);
    EXPECT_EQ(latency_.histogram().count(), 2U) << "it changed, but not by what the controller noted";
}

TEST_F(ProgrammingLatencyTest, TheSlowestCountThoughNewerOnesHaveOvertakenThem) {
    put_slice(objects_, "fast", "2023-11-14T22:13:28Z");
    publish(start + 9s);
    put_slice(objects_, "slow", "2023-11-14T22:13:21Z");
    publish(start + 10s);
    EXPECT_EQ(latency_.histogram().count(), 2U);
    EXPECT_NEAR(latency_.histogram().sum(), 1 + 9, 1e-6);
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
