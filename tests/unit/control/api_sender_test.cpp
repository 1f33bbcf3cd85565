// Writing to a server in a process of its own: every method, every way in which it can go wrong.
#include "control/sources/kubernetes/api_sender.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>
#include <fstream>

#include "api_server_process.h"
#include "temporary_directory.h"

namespace viaduct {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* leases = "/apis/coordination.k8s.io/v1/namespaces/viaduct/leases";

class ApiSenderTest : public ::testing::Test {
protected:
    ApiSenderTest() {
        for (const char* name : {"cluster", "state"}) std::filesystem::create_directories(directory_.path() / name);
        server_ = std::make_unique<ApiServerProcess>(directory_.path(), "");
        open(server_->info["kubeconfig"]);
    }
    void open(const std::string& kubeconfig, milliseconds time = ApiSender::answer_time) {
        client_.emplace(read_kubeconfig(kubeconfig, ""), http_, timing_);
        sender_.emplace(*client_, timing_, time);
    }
    ApiAnswer send(const ApiRequest& request) {
        std::optional<ApiAnswer> answer;
        sender_->send(request, [&](const ApiAnswer& came) { answer = came; });
        EXPECT_FALSE(answer) << "answered before the loop ran";
        for (const auto end = std::chrono::steady_clock::now() + seconds(60);
             !answer && std::chrono::steady_clock::now() < end;) {
            pollfd wait{http_.fd(), POLLIN, 0};
            poll(&wait, 1, 50);
            http_.process();
            sender_->tick();
        }
        EXPECT_TRUE(sender_->idle());
        return answer.value_or(ApiAnswer{-1, "no answer at all", {}});
    }
    static ApiRequest create(const std::string& name) {
        return {"POST", leases, json_body, R"({"metadata":{"name":")" + name + R"("},"spec":{"holderIdentity":"a"}})"};
    }

    TemporaryDirectory directory_;
    std::unique_ptr<ApiServerProcess> server_;
    Timing timing_ = real_timing();
    Http http_;
    std::optional<ApiClient> client_;
    std::optional<ApiSender> sender_;
};

TEST_F(ApiSenderTest, CreatesReplacesPatchesAndDeletes) {
    EXPECT_EQ(send(create("x")).status, 201);
    const std::string one = std::string(leases) + "/x";
    json lease = json::parse(send({"GET", one, "", ""}).body);
    EXPECT_EQ(lease["spec"]["holderIdentity"], "a");
    lease["spec"]["holderIdentity"] = "b";
    EXPECT_EQ(send({"PUT", one, json_body, lease.dump()}).status, 200);
    EXPECT_EQ(send({"PATCH", one, merge_patch, R"({"spec":{"leaseTransitions":7}})"}).status, 200);
    const json now = server_->get(one);
    EXPECT_EQ(now["spec"]["holderIdentity"], "b");
    EXPECT_EQ(now["spec"]["leaseTransitions"], 7);
    const ApiAnswer conflict = send({"PUT", one, json_body, lease.dump()});
    EXPECT_EQ(conflict.status, 409) << "its resourceVersion is old";
    EXPECT_EQ(json::parse(conflict.body)["reason"], "Conflict");
    EXPECT_EQ(send({"DELETE", one, "", ""}).status, 200);
    EXPECT_EQ(send({"GET", one, "", ""}).status, 404);
}

TEST_F(ApiSenderTest, TellsHowLongAnOverloadedServerWantsToBeLeftAlone) {
    server_->control(R"({"faults": [{"kind": "status", "verb": "create", "status": 429, "retry_after": 7}]})");
    const ApiAnswer answer = send(create("x"));
    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.retry_after, seconds(7));
    server_->control(R"({"faults": [{"kind": "status", "verb": "create", "status": 429, "retry_after": 31536000}]})");
    EXPECT_EQ(send(create("x")).retry_after, seconds(300)) << "a year is a mistake";
}

TEST_F(ApiSenderTest, GivesUpOnASilentServer) {
    open(server_->info["kubeconfig"], milliseconds(300));
    server_->control(R"({"faults": [{"kind": "hang", "verb": "create"}]})");
    const ApiAnswer answer = send(create("x"));
    EXPECT_EQ(answer.status, 0);
    EXPECT_NE(answer.body.find("timed out"), std::string::npos) << answer.body;
}

TEST_F(ApiSenderTest, AnAnswerThatBreaksOffIsNone) {
    server_->control(R"({"faults": [{"kind": "truncate", "verb": "create", "after": 20}]})");
    EXPECT_EQ(send(create("x")).status, 0);
    server_->stop();
    EXPECT_EQ(send(create("y")).status, 0);
}

/// A plugin is asked once and its token kept, until the server does not take it any more.
class ByPlugin : public ApiSenderTest {
protected:
    void open_by(const std::string& plugin, milliseconds time = ApiSender::answer_time) {
        directory_.write("plugin", "#!/bin/sh\n" + plugin + "\n");
        std::filesystem::permissions(directory_.path() / "plugin", std::filesystem::perms::owner_all);
        directory_.write("kubeconfig",
                         "current-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
                         "clusters: [{name: c, cluster: {server: '" +
                             server_->info["url"].get<std::string>() + "', certificate-authority: '" +
                             server_->info["ca"].get<std::string>() +
                             "'}}]\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, "
                             "command: ./plugin, interactiveMode: Never}}}]\n");
        open((directory_.path() / "kubeconfig").string(), time);
    }
    [[nodiscard]] std::string printing_the_token() const {
        return R"(printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
               R"("status":{"token":"%s"}}' "$(cat )" +
               server_->info["token_file"].get<std::string>() + ")\"";
    }
};

TEST_F(ByPlugin, WaitsForCredentialsAndAsksForOthersWhenTheyAreRefused) {
    open_by(printing_the_token());
    EXPECT_EQ(send(create("x")).status, 201);
    server_->control(R"({"renew_token": {}})");
    // The plugin is not run more often than every few seconds; the request waits for that too.
    EXPECT_EQ(send(create("y")).status, 201);
}

TEST_F(ByPlugin, ARequestDoesNotWaitForEverForCredentials) {
    open_by("exit 3", milliseconds(300));
    const ApiAnswer answer = send(create("x"));
    EXPECT_EQ(answer.status, 0);
    EXPECT_NE(answer.body.find("plugin"), std::string::npos) << answer.body;
}

}  // namespace
}  // namespace viaduct
