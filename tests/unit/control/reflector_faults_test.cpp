// Every fault of an API server, or of the way to it, as a row: what is logged, what is counted, and that everything is
// kept until the server is itself again.
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <functional>

#include "scripted_api.h"

namespace viaduct {
namespace {

using std::chrono::seconds;

class FaultTest;
struct Fault {
    const char* name;
    std::function<void(FaultTest&)> happens;
    std::string logged;  // "": nothing
    unsigned failures = 0, expirations = 0;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

/// A watch of two Nodes that has been open for five minutes.
class FaultTest : public ReflectorTest, public ::testing::WithParamInterface<Fault> {
public:
    using ReflectorTest::answer, ReflectorTest::send, ReflectorTest::end, ReflectorTest::open, ReflectorTest::pass,
        ReflectorTest::event, ReflectorTest::node, ReflectorTest::error_event, ReflectorTest::list,
        ReflectorTest::pass_until_due;

    /// The watch ends as watches do, and the next one is asked for.
    void ask_again() {
        end();
        pass(seconds(0));
    }
    /// A new list is needed, and asked for.
    void list_again() {
        send(error_event(410, "too old"));
        pass(seconds(0));
        log_.str({});
    }

protected:
    void SetUp() override {
        former_ = spdlog::default_logger();
        auto logger = std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_));
        logger->set_pattern("%v");
        spdlog::set_default_logger(std::move(logger));
        follow_by_list();
        answer(200, list(node("one", 5) + "," + node("two", 6), 9));
        open();
        pass(seconds(300));
        log_.str({});
    }
    void TearDown() override { spdlog::set_default_logger(former_); }

    [[nodiscard]] std::string logged() const { return log_.str(); }
    /// A server that works, and has a third Node.
    void recover() {
        for (int tries = 0; tries < 5 && nodes() != all; ++tries) {
            if (transport_.handler == nullptr) pass_until_due();
            if (asked("limit=500")) {
                answer(200, list(node("one", 5) + "," + node("two", 6) + "," + node("three", 20), 21));
                continue;
            }
            open();
            send(event("ADDED", node("three", 20)));
        }
        if (transport_.handler == nullptr) pass_until_due();
        open();
        pass(seconds(10));
    }
    static constexpr const char* all = "one=a three=a two=a ";

    std::ostringstream log_;
    std::shared_ptr<spdlog::logger> former_;
};

TEST_P(FaultTest, IsLoggedAndCountedAndCostsNothing) {
    const ResourceStatus before = reflector_->status();
    GetParam().happens(*this);
    EXPECT_EQ(nodes(), "one=a two=a ");
    EXPECT_TRUE(reflector_->synced());
    EXPECT_EQ(reflector_->status().objects, 2U);
    EXPECT_EQ(logged(), GetParam().logged.empty() ? "" : "source test: nodes: " + GetParam().logged + "\n");
    EXPECT_EQ(reflector_->status().failures - before.failures, GetParam().failures);
    EXPECT_EQ(reflector_->status().expirations - before.expirations, GetParam().expirations);
    recover();
    EXPECT_EQ(nodes(), all);
    EXPECT_TRUE(sink_.erased.empty());
    EXPECT_EQ(error(), "");
    EXPECT_EQ(logged().ends_with("nodes: all is well again\n"), GetParam().failures != 0) << logged();
}

/// As `fail` puts it.
std::string trying_again(const std::string& what) { return what + "; trying again, what is known stays in force"; }

Fault refusal(const char* name, int status, const std::string& body, const std::string& told) {
    return {name,
            [=](FaultTest& test) {
                test.ask_again();
                test.answer(status, body);
            },
            trying_again(told), 1};
}
/// The connection fails with an error of libcurl's.
Fault failure(const char* name, const std::string& error) {
    return {name,
            [=](FaultTest& test) {
                test.ask_again();
                test.end(error);
            },
            trying_again(error), 1};
}

INSTANTIATE_TEST_SUITE_P(
    Streams, FaultTest,
    ::testing::Values(Fault{"EndsNormally", [](FaultTest& test) { test.end(); }, ""},
                      Fault{"EndsAtOnce",
                            [](FaultTest& test) {
                                test.ask_again();
                                test.open();
                                test.end();
                            },
                            trying_again("the watch ended at once"), 1},
                      Fault{"DuplicatedEvents",
                            [](FaultTest& test) {
                                for (int i = 0; i < 3; ++i)
                                    test.send(FaultTest::event("MODIFIED", FaultTest::node("one", 10)));
                            },
                            ""},
                      Fault{"ReorderedEvents",
                            [](FaultTest& test) {
                                test.send(FaultTest::event("MODIFIED", FaultTest::node("one", 12)));
                                test.send(FaultTest::event("DELETED", FaultTest::node("one", 11)));
                                test.send(FaultTest::event("MODIFIED", FaultTest::node("one", 10, "old")));
                            },
                            ""},
                      Fault{"TruncatedEvent",
                            [](FaultTest& test) {
                                test.send(FaultTest::event("DELETED", FaultTest::node("one", 12)).substr(0, 60));
                                test.end();
                            },
                            trying_again("the watch broke off in the middle of an event"), 1},
                      Fault{"CutConnection",
                            [](FaultTest& test) {
                                test.send(R"({"type":"DEL)");
                                test.end("Connection reset by peer");
                            },
                            trying_again("Connection reset by peer"), 1},
                      Fault{"GoneAsAnEvent",
                            [](FaultTest& test) { test.send(FaultTest::error_event(410, "too old: 9 (500)")); },
                            "too old: 9 (500): listing again", 0, 1},
                      Fault{"GoneAsAStatus",
                            [](FaultTest& test) {
                                test.ask_again();
                                test.answer(410, recorded("error-410-list-expired.json"));
                            },
                            "The resourceVersion for the provided list is too old.: listing again", 0, 1},
                      Fault{"AnotherErrorEvent",
                            [](FaultTest& test) { test.send(FaultTest::error_event(500, "etcd is away")); },
                            trying_again("the watch ended with an error: etcd is away"), 1},
                      Fault{"SilenceOfAWatch", [](FaultTest& test) { test.pass(seconds(30)); },
                            trying_again("the server fell silent"), 1}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Lists, FaultTest,
    ::testing::Values(Fault{"BreaksOffBetweenChunks",
                            [](FaultTest& test) {
                                test.list_again();
                                test.answer(200, FaultTest::list(FaultTest::node("one", 5), 12, "more"));
                                test.end("Connection reset by peer");
                            },
                            trying_again("Connection reset by peer"), 1, 1},
                      Fault{"TruncatedList",
                            [](FaultTest& test) {
                                test.list_again();
                                test.answer(200, R"({"kind":"NodeList","metadata":{"resourceVersion":"12"},"items":[)");
                            },
                            trying_again("the list is no JSON: The JSON document has an improper structure: missing or "
                                         "superfluous commas, braces, missing keys, etc."),
                            1, 1},
                      Fault{"NeverAnswered",
                            [](FaultTest& test) {
                                test.list_again();
                                test.pass(seconds(30));
                            },
                            trying_again("the server does not answer"), 1, 1}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Refusals, FaultTest,
    ::testing::Values(
        refusal("Unauthorized", 401, recorded("error-401.json"),
                "the server does not accept the credentials, 401 (Unauthorized): renew the token or certificate"),
        refusal("Forbidden", 403, R"({"kind":"Status","message":"nodes is forbidden"})",
                "may not watch nodes, 403 (nodes is forbidden): add {apiGroups: [\"\"], resources: [\"nodes\"], verbs: "
                "[\"list\", \"watch\"]} to the rules of the gateway's ClusterRole"),
        refusal("TooManyRequests", 429, R"({"kind":"Status","message":"slow down"})",
                "the server answers 429 (slow down)"),
        refusal("InternalError", 500, "<html>\n<body>", "the server answers 500 (<html>)"),
        refusal("Unavailable", 503, "", "the server answers 503 ()"),
        failure("NoAnswer", "the server closed without an answer"),
        failure("Tls",
                "SSL certificate problem: unable to get local issuer certificate: give the cluster's "
                "certificate-authority, or the tls-server-name that its certificate bears"),
        failure("Dns", "Could not resolve host: api.example: correct the server's name, or the resolver")),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace viaduct
