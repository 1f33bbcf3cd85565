// Leases: two gateways and never two leaders; and a Node that stays alive.
#include "control/writers/lease.h"

#include <gtest/gtest.h>

#include <random>

#include "control/writers/node_lease.h"
#include "fake_api.h"

namespace viaduct {
namespace {

using namespace std::chrono_literals;

/// One gateway's way to the shared server.
struct Instance {
    Instance(FakeClock& clock, const std::string& name) : lease(api, clock.timing(), {"viaduct", "gateway", name}) {}
    void turn(FakeLeaseServer& server) {
        lease.run();
        while (!api.waiting.empty()) {
            const ApiAnswer answer = server.take(api.waiting.front().request);
            (void)api.answer(answer.status, answer.body);
        }
    }
    FakeApi api;
    LeaderLease lease;
};

class LeaseTest : public ::testing::Test {
protected:
    void run(std::chrono::milliseconds time, std::initializer_list<Instance*> instances) {
        for (const TimePoint end = clock_.now + time; clock_.now < end; clock_.now += 100ms) {
            for (Instance* one : instances) one->turn(server_);
            EXPECT_FALSE(a_.lease.leads() && b_.lease.leads());
        }
    }
    FakeClock clock_;
    FakeLeaseServer server_;
    Instance a_{clock_, "a"}, b_{clock_, "b"};
};

TEST_F(LeaseTest, TheFirstLeadsAndGoesOnLeading) {
    run(5s, {&a_, &b_});
    EXPECT_TRUE(a_.lease.leads());
    run(10min, {&a_, &b_});
    EXPECT_TRUE(a_.lease.leads());
    EXPECT_FALSE(b_.lease.leads());
    EXPECT_EQ(server_.lease["spec"]["leaseTransitions"], 0);
}

TEST_F(LeaseTest, TheOtherTakesOverFromOneThatIsGone) {
    run(5s, {&a_, &b_});
    run(12s, {&b_});
    EXPECT_FALSE(a_.lease.leads());
    EXPECT_FALSE(b_.lease.leads());
    run(8s, {&b_});
    EXPECT_TRUE(b_.lease.leads());
    EXPECT_EQ(server_.lease["spec"]["holderIdentity"], "b");
    EXPECT_EQ(server_.lease["spec"]["leaseTransitions"], 1);
    run(5s, {&a_, &b_});
    EXPECT_TRUE(b_.lease.leads());
}

TEST_F(LeaseTest, WhatOthersWroteBesideItStays) {
    run(5s, {&a_});
    server_.lease["metadata"]["labels"] = {{"team", "edge"}};
    server_.lease["metadata"]["resourceVersion"] = std::to_string(++server_.version);
    run(20s, {&a_});
    EXPECT_TRUE(a_.lease.leads());
    EXPECT_EQ(server_.lease["metadata"]["labels"]["team"], "edge");
}

TEST_F(LeaseTest, AnswersThatAreNoLeaseMakeNoLeader) {
    for (const char* nonsense : {"", "[]", "7", R"({"spec":"x"})", R"({"metadata":[]})",
                                 R"({"spec":{"holderIdentity":7}})", R"({"metadata":{"resourceVersion":{}}})"}) {
        Instance one(clock_, "a");
        one.lease.run();
        (void)one.api.answer(404);
        (void)one.api.answer(201, nonsense);
        EXPECT_FALSE(one.lease.leads()) << nonsense;
        clock_.now += 5s;
        one.lease.run();
        (void)one.api.answer(200, nonsense);
        EXPECT_FALSE(one.lease.leads()) << nonsense;
    }
}

TEST_F(LeaseTest, ALeaseLetGoIsTakenAtOnce) {
    run(5s, {&a_, &b_});
    a_.lease.release();
    EXPECT_FALSE(a_.lease.leads());
    run(3s, {&a_, &b_});
    EXPECT_TRUE(b_.lease.leads());
}

TEST_F(LeaseTest, OfTwoWhoTakeItAtOnceTheServerRefusesOne) {
    a_.lease.run();
    b_.lease.run();
    for (Instance* one : {&a_, &b_}) (void)one->api.answer(404);
    run(5s, {&a_, &b_});
    EXPECT_NE(a_.lease.leads(), b_.lease.leads());
}

TEST_F(LeaseTest, AnswersThatComeLateMakeNoLeaders) {
    a_.lease.run();
    (void)a_.api.answer(404);
    const ApiAnswer created = server_.take(a_.api.waiting.front().request);
    clock_.now += 11s;
    (void)a_.api.answer(created.status, created.body);
    EXPECT_FALSE(a_.lease.leads());
}

TEST_F(LeaseTest, NeverTwoLeadersWhateverIsLost) {
    std::mt19937 random(7);
    bool a_led = false, b_led = false;
    for (int round = 0; round < 20'000; ++round, clock_.now += 500ms) {
        for (Instance* one : {&a_, &b_}) {
            if (random() % 64 < 60) one->lease.run();
            if (one->api.waiting.empty() || random() % 4 == 0) continue;  // slow
            const int weather = (round / 200 + (one == &a_ ? 0 : 2)) % 5;
            const ApiAnswer answer = weather == 1 ? ApiAnswer{} : server_.take(one->api.waiting.front().request);
            // Lost on the way there, or on the way back.
            (void)one->api.answer(weather == 3 ? 0 : answer.status, answer.body);
        }
        ASSERT_FALSE(a_.lease.leads() && b_.lease.leads()) << round;
        a_led |= a_.lease.leads();
        b_led |= b_.lease.leads();
    }
    EXPECT_TRUE(a_led && b_led);
}

TEST(NodeLeaseTest, IsRenewedAndMadeWhenItIsMissing) {
    FakeClock clock;
    FakeApi api;
    NodeLease lease(api, clock.timing(), "gw");
    lease.run("");
    EXPECT_EQ(api.answer(404).method, "PATCH");
    lease.run("uid-1");
    const ApiRequest made = api.answer(201);
    EXPECT_EQ(made.method, "POST");
    const auto body = nlohmann::json::parse(made.body);
    EXPECT_EQ(body["metadata"]["ownerReferences"][0]["uid"], "uid-1");
    EXPECT_EQ(body["spec"]["leaseDurationSeconds"], 40);
    clock.now += 9s;
    lease.run("uid-1");
    EXPECT_TRUE(api.waiting.empty());
    clock.now += 1s;
    lease.run("uid-1");
    EXPECT_EQ(api.answer(200).path, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/gw");
}

TEST(MicroTime, HasSixDigits) {
    using std::chrono::system_clock;
    EXPECT_EQ(micro_time(system_clock::time_point(std::chrono::microseconds(1'700'000'000'000'042))),
              "2023-11-14T22:13:20.000042Z");
}

}  // namespace
}  // namespace viaduct
