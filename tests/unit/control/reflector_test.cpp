// The reflector against every fault that an API server or the way to it may have: what it asks next, and what it keeps.
#include "scripted_api.h"

namespace viaduct {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(ReflectorTest, StreamsTheInitialStateWhereTheServerHasWatchLists) {
    follow_nodes();
    EXPECT_EQ(transport_.paths.back(),
              "/api/v1/nodes?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
              "&timeoutSeconds=300");
    open();
    send(event("ADDED", node("one", 5)) + event("ADDED", node("two", 3)));
    EXPECT_FALSE(reflector_->synced());
    send(bookmark(7, true));
    EXPECT_TRUE(reflector_->synced());
    send(event("MODIFIED", node("one", 8, "b")));
    EXPECT_EQ(nodes(), "one=b two=a ");
    pass(seconds(300));
    end();
    EXPECT_TRUE(asked("watch=1&resourceVersion=8&allowWatchBookmarks=true&timeoutSeconds=")) << transport_.paths.back();
}

TEST_F(ReflectorTest, ListsWhereTheServerHasNoWatchLists) {
    follow_by_list(2);
    EXPECT_EQ(transport_.paths.back(),
              "/apis/discovery.k8s.io/v1/endpointslices?limit=500&labelSelector=%21service.kubernetes.io%2F"
              "service-proxy-name%2C%21service.kubernetes.io%2Fheadless");
    answer(200, recorded("chunk1-endpointslices.json"));
    EXPECT_TRUE(asked("limit=500&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NDE1"));
    EXPECT_FALSE(reflector_->synced());
    EXPECT_EQ(reflector_->status().failures, 0U);
}

TEST_F(ReflectorTest, ListsWhereTheInitialStateNeverEnds) {
    follow_nodes();
    open();
    send(event("ADDED", node("one", 5)));
    pass(seconds(10));
    EXPECT_EQ(transport_.handler, nullptr);
    pass(seconds(0));
    EXPECT_EQ(transport_.paths.back(), "/api/v1/nodes?limit=500");
}

TEST_F(ReflectorTest, ListsWhereTheInitialStateBreaksOff) {
    follow_nodes();
    open();
    send(event("ADDED", node("one", 5)));
    end();
    EXPECT_EQ(error(), "the watch ended before the initial state was complete");
    pass_until_due();
    EXPECT_EQ(transport_.paths.back(), "/api/v1/nodes?limit=500");
    answer(200, list(node("two", 7), 9));
    EXPECT_EQ(nodes(), "two=a ");
}

TEST_F(ReflectorTest, ErasesOnlyAfterTheWholeList) {
    follow_by_list();
    answer(200, list(node("one", 1) + "," + node("two", 2), 9));
    open();
    pass(seconds(60));
    send(error_event(410, "too old resource version"));
    pass(seconds(0));
    answer(200, list(node("one", 1), 12, "more"));
    EXPECT_EQ(nodes(), "one=a two=a ");
    end("connection reset");
    EXPECT_EQ(nodes(), "one=a two=a ") << "nothing is missing from a list that was not read to its end";
    pass_until_due();
    EXPECT_EQ(transport_.paths.back(), "/api/v1/nodes?limit=500") << "the pieces of a list belong together";
    answer(200, list(node("one", 1), 12, "more"));
    answer(200, list(node("three", 3), 12));
    EXPECT_EQ(nodes(), "one=a three=a ");
    EXPECT_EQ(sink_.erased, std::vector<std::string>{"two"});
    EXPECT_TRUE(asked("watch=1&resourceVersion=12&"));
}

TEST_F(ReflectorTest, AnObjectOfAnUnfinishedListIsErasedByTheNext) {
    follow_by_list();
    answer(200, list(node("one", 1), 9, "more"));
    end("connection reset");
    pass_until_due();
    answer(200, list(node("two", 2), 12));
    EXPECT_EQ(nodes(), "two=a ");
}

TEST_F(ReflectorTest, ExpiredWatchAsAStatusListsAgain) {
    follow_by_list();
    answer(200, list(node("one", 1), 9));
    open();
    pass(seconds(300));
    end();
    answer(410, recorded("error-410-list-expired.json"));
    pass(seconds(0));
    EXPECT_EQ(transport_.paths.back(), "/api/v1/nodes?limit=500");
    EXPECT_EQ(reflector_->status().expirations, 1U);
    EXPECT_EQ(nodes(), "one=a ");
}

TEST_F(ReflectorTest, ServerThatForgetsAtOnceIsNotAskedAtOnce) {
    follow_by_list();
    answer(200, list(node("one", 1), 9));
    answer(410, recorded("error-410-list-expired.json"));
    EXPECT_GE(pass_until_due(), Backoff::least);
    EXPECT_TRUE(asked("limit=500"));
}

TEST_F(ReflectorTest, ChunksThatExpireAreAskedForInOnePiece) {
    follow_by_list();
    answer(200, list(node("one", 1), 9, "more"));
    answer(410, recorded("error-410-list-expired.json"));
    pass(seconds(0));
    EXPECT_EQ(transport_.paths.back(), "/api/v1/nodes?");
    answer(200, list(node("one", 1), 12));
    EXPECT_TRUE(reflector_->synced());
}

class WatchTest : public ReflectorTest {
protected:
    void SetUp() override {
        follow_by_list();
        answer(200, list(node("one", 5), 9));
        open();
    }
};

TEST_F(WatchTest, EndsNormallyAndGoesOn) {
    send(event("ADDED", node("two", 11)));
    pass(seconds(300));
    end();
    EXPECT_TRUE(asked("watch=1&resourceVersion=11&")) << "at once, from the last event";
    EXPECT_EQ(reflector_->status().failures, 0U);
}

TEST_F(WatchTest, BookmarksMoveIt) {
    send(bookmark(40));
    pass(seconds(300));
    end();
    EXPECT_TRUE(asked("resourceVersion=40&"));
}

TEST_F(WatchTest, LateEventsDoNotTurnTimeBack) {
    send(event("MODIFIED", node("one", 20, "c")) + event("MODIFIED", node("one", 19, "b")));
    EXPECT_EQ(nodes(), "one=c ");
    send(event("DELETED", node("one", 30, "c")) + event("MODIFIED", node("one", 29, "c")));
    EXPECT_EQ(nodes(), "");
    EXPECT_EQ(reflector_->status().version, "30");
    send(event("ADDED", node("one", 31, "d")) + event("ADDED", node("one", 31, "d")));
    EXPECT_EQ(nodes(), "one=d ");
    EXPECT_EQ(reflector_->status().objects, 1U);
}

TEST_F(WatchTest, WhatIsGoneIsForgottenWhenTheNextStreamBegins) {
    for (int i = 0; i < 100; ++i)
        send(event("ADDED", node("pod-" + std::to_string(i), 10 + 2 * i)) +
             event("DELETED", node("pod-" + std::to_string(i), 11 + 2 * i)));
    pass(seconds(300));
    end();
    EXPECT_EQ(reflector_->remembered(), 1U) << "or memory would grow for as long as no list is needed";
    open();
    send(event("MODIFIED", node("pod-99", 208)));
    EXPECT_EQ(nodes(), "one=a ") << "older than the stream is too late all the same";
    send(event("ADDED", node("pod-99", 210)));
    EXPECT_EQ(nodes(), "one=a pod-99=a ");
}

TEST_F(WatchTest, AVersionThatTheServerCannotReadMakesItListAgain) {
    pass(seconds(300));
    end();
    answer(400, R"({"kind":"Status","message":"strconv.ParseUint: parsing \"9\": invalid syntax"})");
    EXPECT_TRUE(error().starts_with("the server answers 400")) << error();
    pass_until_due();
    EXPECT_EQ(transport_.paths.back(), "/api/v1/nodes?limit=500");
    EXPECT_EQ(nodes(), "one=a ");
}

TEST_F(WatchTest, VersionsThatAreNoNumbersAreOnlyEchoed) {
    send(event("MODIFIED", R"({"metadata":{"name":"one","resourceVersion":"b/2 +"}})"));
    send(event("MODIFIED", R"({"metadata":{"name":"one","resourceVersion":"a"}})"));
    end("cut");
    pass_until_due();
    EXPECT_TRUE(asked("resourceVersion=a&"));
}

TEST_F(WatchTest, RestoredServerMayHaveSmallerVersions) {
    send(event("MODIFIED", node("one", 900, "new")) + error_event(410, "too old"));
    pass(seconds(1));
    answer(200, list(node("one", 40, "old"), 41));
    EXPECT_EQ(nodes(), "one=old ");
    EXPECT_TRUE(asked("resourceVersion=41&"));
}

TEST_F(WatchTest, TruncatedEventCostsNothing) {
    const std::string two = event("ADDED", node("two", 11));
    send(event("ADDED", node("three", 10)) + two.substr(0, two.size() / 2));
    end();
    EXPECT_EQ(error(), "the watch broke off in the middle of an event");
    EXPECT_EQ(nodes(), "one=a three=a ");
    pass_until_due();
    EXPECT_TRUE(asked("watch=1&resourceVersion=10&"));
    open();
    send(two);
    EXPECT_EQ(nodes(), "one=a three=a two=a ");
}

TEST_F(WatchTest, GarbageThatStaysMakesItListAgain) {
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(asked("resourceVersion=9&"));
        send("{\"type\":\"ADDED\",,}\n");
        EXPECT_EQ(transport_.handler, nullptr);
        pass_until_due();
        if (i < 2) open();
    }
    EXPECT_EQ(transport_.paths.back(), "/api/v1/nodes?limit=500");
    EXPECT_EQ(nodes(), "one=a ");
}

TEST_F(WatchTest, ErrorEventsThatAreNotExpiryWaitFirst) {
    send(error_event(500, "etcd is away"));
    EXPECT_EQ(error(), "the watch ended with an error: etcd is away");
    EXPECT_GE(pass_until_due(), Backoff::least);
    EXPECT_TRUE(asked("resourceVersion=9&"));
}

TEST_F(WatchTest, EndsAtOnceAndWaitsLongerEachTime) {
    std::vector<milliseconds> waits;
    for (int i = 0; i < 8; ++i) {
        end();
        waits.push_back(pass_until_due());
        open();
    }
    EXPECT_EQ(waits.front(), Backoff::least);
    EXPECT_EQ(waits[1], 2 * Backoff::least);
    EXPECT_EQ(waits.back(), Backoff::most);
    pass(seconds(5));
    EXPECT_EQ(error(), "") << "a watch that lasts is a good one";
    end("reset");
    EXPECT_EQ(pass_until_due(), Backoff::least);
}

TEST_F(WatchTest, JitterIsUpToAsMuchAgain) {
    chance_ = 0.5;
    end();
    EXPECT_EQ(pass_until_due(), Backoff::least * 3 / 2);
    EXPECT_TRUE(asked("timeoutSeconds=450"));
}

TEST_F(WatchTest, SilenceBeyondItsTimeEndsIt) {
    pass(seconds(329));
    EXPECT_NE(transport_.handler, nullptr);
    pass(seconds(1));
    EXPECT_EQ(error(), "the server fell silent");
    pass_until_due();
    EXPECT_TRUE(transport_.fresh) << "the connection may be dead";
    EXPECT_EQ(nodes(), "one=a ");
}

TEST_F(WatchTest, MalformedObjectKeepsItsLastGoodSelf) {
    send(event("MODIFIED", R"({"metadata":{"name":"one","resourceVersion":"10","labels":7}})"));
    EXPECT_EQ(nodes(), "one=a ");
    ASSERT_EQ(reflector_->object_errors().size(), 1U);
    EXPECT_EQ(reflector_->status().malformed, 1U);
    EXPECT_EQ(reflector_->object_errors().begin()->second, "Node one: metadata.labels must be a map");
    EXPECT_EQ(error(), "") << "one bad object is not the watch's fault";
    send(event("MODIFIED", node("one", 11, "b")));
    EXPECT_EQ(nodes(), "one=b ");
    EXPECT_TRUE(reflector_->object_errors().empty());
}

TEST_F(ReflectorTest, ServerThatNeverAnswers) {
    follow_nodes();
    pass(seconds(29));
    EXPECT_NE(transport_.handler, nullptr);
    pass(seconds(1));
    EXPECT_EQ(error(), "the server does not answer");
    pass_until_due();
    EXPECT_TRUE(transport_.fresh);
    EXPECT_TRUE(asked("sendInitialEvents=true")) << "silence says nothing about watch-lists";
}

TEST_F(ReflectorTest, ListThatStallsIsGivenUp) {
    follow_by_list();
    open();
    send("{\"kind\":");
    pass(seconds(29));
    send("\"NodeList\",");
    pass(seconds(29));
    EXPECT_NE(transport_.handler, nullptr) << "slow is not silent";
    pass(seconds(1));
    EXPECT_EQ(error(), "the server fell silent");
}

TEST_F(ReflectorTest, WaitsForCredentials) {
    transport_.is_ready = false;
    follow_nodes();
    EXPECT_TRUE(transport_.paths.empty());
    transport_.is_ready = true;
    pass_until_due();
    EXPECT_EQ(transport_.paths.size(), 1U);
}

struct Refusal {
    const char* name;
    int status;
    std::string body;
    int retry_after;
    const char* error;
    milliseconds wait;
};

class Refused : public ReflectorTest, public ::testing::WithParamInterface<Refusal> {};

TEST_P(Refused, IsToldAndTriedAgain) {
    follow_by_list(1);
    answer(200, recorded("list-services.json"));
    const std::size_t held = sink_.objects.services.size();
    answer(GetParam().status, GetParam().body, GetParam().retry_after);
    EXPECT_EQ(error(), GetParam().error);
    EXPECT_EQ(transport_.refusals, GetParam().status == 401 ? 1U : 0U);
    EXPECT_EQ(pass_until_due(), GetParam().wait);
    EXPECT_TRUE(asked("watch=1&resourceVersion=415&")) << "it goes on where it was";
    EXPECT_EQ(sink_.objects.services.size(), held);
    EXPECT_EQ(reflector_->status().failures, 1U);
    EXPECT_TRUE(reflector_->synced());
}
INSTANTIATE_TEST_SUITE_P(
    Rows, Refused,
    ::testing::Values(
        Refusal{"Unauthorized", 401, recorded("error-401.json"), 0,
                "the server does not accept the credentials, 401 (Unauthorized): renew the token or certificate",
                Backoff::least},
        Refusal{"Forbidden", 403, recorded("error-403.json"), 0,
                "may not watch services, 403 (services is forbidden: User \"viaduct\" cannot list resource "
                "\"services\" in API group \"\" at the cluster scope): add {apiGroups: [\"\"], resources: "
                "[\"services\"], verbs: [\"list\", \"watch\"]} to the rules of the gateway's ClusterRole",
                Backoff::least},
        Refusal{"Unknown", 404, recorded("error-404.json"), 0, "the server answers 404 (404 page not found)",
                Backoff::least},
        Refusal{"TooMany", 429, R"({"message":"slow down"})", 7, "the server answers 429 (slow down)", seconds(7)},
        Refusal{"Overloaded", 503, "", 0, "the server answers 503 ()", Backoff::least},
        Refusal{"Broken", 500, "<html>\n<body>", 0, "the server answers 500 (<html>)", Backoff::least}),
    [](const auto& row) { return row.param.name; });

TEST_F(ReflectorTest, RefusedExtrasHoldNothingUp) {
    follow(3);
    EXPECT_TRUE(asked("/api/v1/namespaces/kube-flannel/configmaps?"));
    EXPECT_TRUE(asked("&fieldSelector=metadata.name%3Dkube-flannel-cfg"));
    answer(403, recorded("error-403.json"));
    EXPECT_TRUE(reflector_->synced());
    EXPECT_NE(error().find("the gateway's Role in kube-flannel"), std::string::npos) << error();
}

TEST_F(ReflectorTest, NoConnectionIsToldInItsOwnWords) {
    follow_nodes();
    end("Could not resolve host: api.example");
    EXPECT_EQ(error(), "Could not resolve host: api.example");
    pass_until_due();
    end("SSL certificate problem: unable to get local issuer certificate");
    EXPECT_EQ(error(), "SSL certificate problem: unable to get local issuer certificate");
    EXPECT_EQ(reflector_->status().failures, 2U);
    EXPECT_FALSE(reflector_->synced());
}

TEST_F(ReflectorTest, AnswerThatIsNoListIsNone) {
    follow_by_list();
    answer(200, "<html>log in first</html>");
    EXPECT_TRUE(error().starts_with("the list is no JSON")) << error();
    pass_until_due();
    answer(200, R"({"kind":"ServiceList","metadata":{"resourceVersion":"1"},"items":[]})");
    EXPECT_EQ(error(), "the list is a 'ServiceList', not the NodeList that was asked for");
    EXPECT_FALSE(reflector_->synced());
}

}  // namespace
}  // namespace viaduct
