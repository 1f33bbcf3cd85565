// Findings as Events: what each says, once for each state, and not all at once.
#include "control/writers/event_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fake_api.h"

namespace viaduct {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class EventWriterTest : public ::testing::Test {
protected:
    static Finding finding(const std::string& subject, const std::string& remedy = "do this") {
        return {Severity::warning, subject, "is odd", remedy};
    }
    /// What is told after each second of these findings.
    std::vector<json> tell(const std::vector<Finding>& findings, int seconds = 1) {
        std::vector<json> events;
        for (int second = 0; second < seconds; ++second, clock_.now += 1s) {
            writer_->update(findings, [](const EventTarget& target) { return "uid of " + target.name; });
            queue_.run();
            while (!api_.waiting.empty()) events.push_back(json::parse(api_.answer(201).body)), queue_.run();
        }
        return events;
    }
    FakeClock clock_;
    FakeApi api_;
    WriteQueue queue_{api_, clock_.timing()};
    std::optional<EventWriter> writer_{std::in_place, queue_, clock_.timing(), "gw"};
};

TEST_F(EventWriterTest, NamesObjectTextAndRemedy) {
    const auto events = tell({finding("Service shop/web:http")}, 5);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0]["regarding"], json::parse(R"({"apiVersion":"v1","kind":"Service","namespace":"shop",
        "name":"web","uid":"uid of web"})"));
    EXPECT_EQ(events[0]["metadata"]["namespace"], "shop");
    EXPECT_EQ(events[0]["note"], "is odd (do this)");
    EXPECT_EQ(events[0]["type"], "Warning");
    EXPECT_EQ(events[0]["reportingInstance"], "gw");
}

TEST_F(EventWriterTest, WhatIsGoneAtOnceIsNotToldAndWhatComesBackIsNotToldAgain) {
    EXPECT_TRUE(tell({finding("Node n")}, 3).empty());
    EXPECT_TRUE(tell({}, 5).empty());
    EXPECT_TRUE(tell({finding("Node n")}, 3).empty());
    EXPECT_EQ(tell({finding("Node n")}, 60).size(), 1U);
    EXPECT_TRUE(tell({}, 30).empty());
    EXPECT_TRUE(tell({finding("Node n")}, 30).empty());
    (void)tell({}, 700);
    EXPECT_EQ(tell({finding("Node n")}, 30).size(), 1U);
}

TEST_F(EventWriterTest, ManyAlikeAreToldTogether) {
    std::vector<Finding> findings;
    for (int i = 0; i < 1000; ++i) findings.push_back(finding("Service shop/s" + std::to_string(i)));
    findings.push_back(finding("Node n", "another"));
    const auto events = tell(findings, 60);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0]["regarding"]["name"], "gw");
    EXPECT_EQ(events[0]["note"], "1000 alike, the first: Service shop/s0 is odd (do this)");
}

TEST_F(EventWriterTest, ManyDifferentOnesAreToldSlowly) {
    std::vector<Finding> findings;
    for (int i = 0; i < 100; ++i) findings.push_back(finding("Node n" + std::to_string(i), std::to_string(i)));
    EXPECT_EQ(tell(findings, 4).size(), 25U);
    EXPECT_EQ(tell(findings, 10).size(), 5U);
    EXPECT_EQ(tell(findings, 600).size(), 70U);
}

TEST_F(EventWriterTest, LongNotesAreCutBetweenCharacters) {
    Finding one = finding("Node n");
    for (int i = 0; i < 1000; ++i) one.text += "é";
    const auto events = tell({one}, 5);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_LE(events[0]["note"].get<std::string>().size(), 1024U);
    EXPECT_GE(events[0]["note"].get<std::string>().size(), 1023U);
}

TEST_F(EventWriterTest, AnyNameMakesANameThatTheServerTakes) {
    const std::string longest(253, 'n');
    for (const auto& [name, begin] : {std::pair<std::string, std::string>("Gate_Way.", "gate-way."),
                                      {"...", "viaduct."},
                                      {longest, longest.substr(0, 200) + "."}}) {
        writer_.emplace(queue_, clock_.timing(), name);
        const auto events = tell({finding("network of " + name)}, 5);
        ASSERT_EQ(events.size(), 1U) << name;
        const std::string made = events[0]["metadata"]["name"];
        EXPECT_TRUE(made.starts_with(begin)) << made;
        EXPECT_LE(made.size(), 253U);
        EXPECT_LE(events[0]["reportingInstance"].get<std::string>().size(), 128U);
    }
}

TEST(EventTargetTest, IsTheObjectOrTheGatewaysNode) {
    const auto text = [](const std::string& subject) {
        const EventTarget one = event_target(subject, "gw");
        return one.api_version + " " + one.kind + " " + one.name_space + "/" + one.name;
    };
    EXPECT_EQ(text("Service shop/web"), "v1 Service shop/web");
    EXPECT_EQ(text("Node node2"), "v1 Node /node2");
    EXPECT_EQ(text("EndpointSlice shop/web-1"), "discovery.k8s.io/v1 EndpointSlice shop/web-1");
    EXPECT_EQ(text("network demo"), "v1 Node /gw");
    EXPECT_EQ(text("kernel"), "v1 Node /gw");
}

}  // namespace
}  // namespace viaduct
