// The write queue: order, retries and silence; and statuses as rows.
#include "control/writers/write_queue.h"

#include <gtest/gtest.h>

#include "control/config_values.h"
#include "control/writers/status_writer.h"
#include "encap/net_text.h"
#include "fake_api.h"

namespace viaduct {
namespace {

using namespace std::chrono_literals;

class WriteQueueTest : public ::testing::Test {
protected:
    static ApiRequest request(const std::string& body) { return {"PATCH", "/api/v1/x", merge_patch, body}; }
    void put(const std::string& body, const std::string& object = "Service shop/web") {
        queue_.put(object, request(body));
        queue_.run();
    }
    void pass(std::chrono::milliseconds time) {
        clock_.now += time;
        queue_.run();
    }
    FakeClock clock_;
    FakeApi api_;
    WriteQueue queue_{api_, clock_.timing()};
};

TEST_F(WriteQueueTest, OneInFlightForEachObjectAndTheNewestWins) {
    put("1");
    put("2");
    put("3");
    put("other", "Service shop/api");
    ASSERT_EQ(api_.waiting.size(), 2U);
    EXPECT_EQ(api_.answer(200).body, "1");
    EXPECT_EQ(api_.answer(200).body, "other");
    queue_.run();
    EXPECT_EQ(api_.answer(200).body, "3");
    EXPECT_TRUE(queue_.idle());
}

TEST_F(WriteQueueTest, WhatWasSaidIsRepeatedLessAndLessOften) {
    put("1");
    (void)api_.answer(200);
    put("1");
    EXPECT_TRUE(api_.waiting.empty());
    pass(10s);
    put("1");
    (void)api_.answer(200);
    pass(19s);
    put("1");
    EXPECT_TRUE(api_.waiting.empty());
    pass(1s);
    put("1");
    EXPECT_EQ(api_.waiting.size(), 1U);
}

TEST_F(WriteQueueTest, ARefusalIsTriedAgainAndTold) {
    put("1");
    (void)api_.answer(403, R"({"message":"services \"web\" is forbidden"})");
    ASSERT_EQ(queue_.findings().size(), 1U);
    EXPECT_EQ(queue_.findings()[0].text, R"(the gateway cannot patch x: 403 services "web" is forbidden)");
    EXPECT_EQ(queue_.findings()[0].remedy,
              R"(add {apiGroups: [""], resources: ["x"], verbs: ["patch"]} to the rules of the gateway's ClusterRole)");
    pass(799ms);
    EXPECT_TRUE(api_.waiting.empty());
    EXPECT_EQ(queue_.due(), clock_.now + 1ms);
    put("other", "Service shop/api");
    EXPECT_EQ(api_.answer(200).body, "other");  // nobody else waits for it
    pass(1ms);
    EXPECT_EQ(api_.answer(200).body, "1");
    EXPECT_TRUE(queue_.findings().empty());
}

TEST_F(WriteQueueTest, AnOutageHoldsEverythingBackForAsLongAsTheServerAsks) {
    put("1");
    (void)api_.answer(429, "", 7s);
    put("other", "Service shop/api");
    EXPECT_TRUE(api_.waiting.empty());
    EXPECT_TRUE(queue_.findings().empty());
    pass(7s);
    EXPECT_EQ(api_.waiting.size(), 2U);
    for (int tries = 0; tries < 12; ++tries) {
        (void)api_.answer(0, "connection refused");
        if (api_.waiting.empty()) pass(Backoff::most);
    }
    EXPECT_EQ(api_.waiting.size(), 2U);  // never given up
}

TEST_F(WriteQueueTest, DroppedGoneAndExistingAreOver) {
    put("1");
    queue_.drop("Service shop/web");
    (void)api_.answer(500);
    pass(1h);
    EXPECT_TRUE(api_.waiting.empty());
    put("2");
    (void)api_.answer(404);
    queue_.put("Event", {"POST", "/apis/x", json_body, "{}"});
    queue_.run();
    (void)api_.answer(409);
    EXPECT_TRUE(queue_.idle());
    EXPECT_TRUE(queue_.findings().empty());
}

TEST_F(WriteQueueTest, NoMoreThanAFewAreInFlight) {
    for (int i = 0; i < 20; ++i) put("1", "Service shop/s" + std::to_string(i));
    EXPECT_EQ(api_.waiting.size(), WriteQueue::most_in_flight);
    EXPECT_FALSE(queue_.due());
}

struct StatusRow {
    const char* name;
    bool load_balancer;
    const char* status;    // as it stands
    const char* assigned;  // "-": the pools do not serve it
    IpMode mode;
    const char* ingress;  // as it is written; "": nothing is
};
void PrintTo(const StatusRow& row, std::ostream* out) { *out << row.name; }
class Status : public ::testing::TestWithParam<StatusRow> {};

TEST_P(Status, IsWrittenWhenItDiffers) {
    Config config;
    config.networks.emplace_back().name = "demo";
    config.ip_mode = GetParam().mode;
    config.pools.emplace_back().ranges = parse_ranges("203.0.113.0/24,2001:db8::/64");
    ServiceObject service;
    service.key = {ObjectKind::service, "shop", "web"};
    service.load_balancer = GetParam().load_balancer;
    service.ingress_text = GetParam().status;
    for (const std::string_view word : split_list(GetParam().status))
        if (const auto address = parse_ip(word.substr(0, word.find(' ')))) service.ingress_ips.push_back(*address);
    Assignments assigned;
    if (GetParam().assigned != std::string("-"))
        for (const std::string_view word : split_list(GetParam().assigned))
            if (auto& all = assigned[{"demo", service.key}]; !word.empty()) all.push_back(*parse_ip(word));
    const auto request = status_request(config, "demo", service, assigned);
    ASSERT_EQ(request.has_value(), *GetParam().ingress != '\0');
    if (!request) return;
    EXPECT_EQ(request->path, "/api/v1/namespaces/shop/services/web/status");
    EXPECT_EQ(request->body, std::string(R"({"status":{"loadBalancer":{"ingress":)") + GetParam().ingress + "}}}");
}
INSTANTIATE_TEST_SUITE_P(
    Rows, Status,
    ::testing::Values(StatusRow{"new", true, "", "203.0.113.1", IpMode::vip,
                                R"([{"ip":"203.0.113.1","ipMode":"VIP"}])"},
                      StatusRow{"said already", true, "203.0.113.1 VIP", "203.0.113.1", IpMode::vip, ""},
                      StatusRow{"both families", true, "203.0.113.1 VIP", "203.0.113.1,2001:db8::1", IpMode::vip,
                                R"([{"ip":"203.0.113.1","ipMode":"VIP"},{"ip":"2001:db8::1","ipMode":"VIP"}])"},
                      StatusRow{"another mode", true, "203.0.113.1 VIP", "203.0.113.1", IpMode::proxy,
                                R"([{"ip":"203.0.113.1","ipMode":"Proxy"}])"},
                      StatusRow{"address withdrawn", true, "203.0.113.1 VIP", "", IpMode::vip, "[]"},
                      StatusRow{"somebody else's", true, "203.0.113.1 VIP", "-", IpMode::vip, ""},
                      StatusRow{"no load balancer any more", false, "203.0.113.1 VIP", "-", IpMode::vip, "[]"},
                      StatusRow{"no load balancer, a foreign address", false, "10.0.0.1 VIP", "-", IpMode::vip, ""}));

TEST_F(WriteQueueTest, AStatusThatBecameRightIsNotWrittenAnyMore) {
    Config config;
    config.networks.emplace_back().name = "demo";
    ServiceObject service;
    service.key = {ObjectKind::service, "shop", "web"};
    StatusWriter writer(config, "demo", queue_);
    const std::vector services{std::make_shared<const ServiceObject>(service)};
    writer.update(services, {{{"demo", service.key}, {Ipv4(203, 0, 113, 1)}}});
    writer.update(services, {});
    queue_.run();
    EXPECT_TRUE(api_.waiting.empty());
}

}  // namespace
}  // namespace viaduct
