// Kubeconfig files, service accounts and credential plugins, good and bad.
#include "control/sources/kubernetes/kubeconfig.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "control/sources/kubernetes/credentials.h"
#include "temporary_directory.h"

namespace viaduct {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* two_contexts = R"(
apiVersion: v1
kind: Config
current-context: lab
clusters:
- name: lab
  cluster: {server: "https://192.0.2.2:6443/", certificate-authority-data: aGVsbG8gd29ybGQh}
- name: edge
  cluster:
    server: https://[2001:db8::2]:6443
    certificate-authority: ca.crt
    tls-server-name: kubernetes
    proxy-url: http://192.0.2.9:3128
    insecure-skip-tls-verify: true
contexts:
- {name: lab, context: {cluster: lab, user: admin}}
- {name: edge, context: {cluster: edge, user: robot}}
- {name: nowhere, context: {cluster: gone}}
users:
- name: admin
  user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}
- name: robot
  user: {tokenFile: secrets/token}
)";

class KubeconfigTest : public ::testing::Test {
protected:
    ApiAccess read(const std::string& text, const std::string& context = "") {
        directory_.write("config", text);
        return read_kubeconfig(directory_.path() / "config", context);
    }
    std::string error(const std::string& text, const std::string& context = "") {
        try {
            (void)read(text, context);
            return "none";
        } catch (const std::runtime_error& wrong) {
            const std::string what = wrong.what(), folder = directory_.path().string() + "/";
            return what.starts_with(folder) ? what.substr(folder.size()) : what;
        }
    }
    static std::string with_user(const std::string& user) {
        return "current-context: a\ncontexts:\n- {name: a, context: {cluster: a, user: a}}\nclusters:\n"
               "- {name: a, cluster: {server: 'https://a'}}\nusers:\n- {name: a, user: {" +
               user + "}}\n";
    }
    TemporaryDirectory directory_;
};

TEST_F(KubeconfigTest, CurrentContext) {
    const ApiAccess access = read(two_contexts);
    EXPECT_EQ(access.server, "https://192.0.2.2:6443");
    EXPECT_EQ(access.ca.text, "hello world!");
    EXPECT_EQ(access.certificate.text, "cert");
    EXPECT_EQ(access.key.text, "key");
    EXPECT_TRUE(access.verify);
    EXPECT_FALSE(access.token.given());
}

TEST_F(KubeconfigTest, NamedContextAndFilesBesideIt) {
    const ApiAccess access = read(two_contexts, "edge");
    EXPECT_EQ(access.server, "https://[2001:db8::2]:6443");
    EXPECT_EQ(access.ca.file, directory_.path() / "ca.crt");
    EXPECT_EQ(access.token.file, directory_.path() / "secrets/token");
    EXPECT_EQ(access.tls_server_name, "kubernetes");
    EXPECT_EQ(access.proxy, "http://192.0.2.9:3128");
    EXPECT_FALSE(access.verify);
}

TEST_F(KubeconfigTest, WhatIsWrongIsNamed) {
    EXPECT_EQ(error(two_contexts, "nowhere"), "config:6: clusters has no 'gone': write one of lab, edge");
    EXPECT_EQ(error(two_contexts, "prod"), "config:16: contexts has no 'prod': write one of lab, edge, nowhere");
    EXPECT_EQ(error("clusters: []\n"),
              "config:1: current-context is missing: set it, or name a context in viaduct.conf");
    EXPECT_EQ(error("clusters: [\n").substr(0, 9), "config:2:");
    EXPECT_EQ(
        error(with_user("username: root")),
        "config:7: users[0].user.username is no longer supported by Kubernetes: use a token, a certificate or exec");
    EXPECT_EQ(error(with_user("as: admin")),
              "config:7: users[0].user.as is not supported: give the gateway a user of its own");
    EXPECT_EQ(error(with_user("client-key-data: '*'")),
              "config:7: users[0].user.client-key-data is no base64: write it again with `kubectl config set`");
    EXPECT_EQ(error(with_user("client-key-data: a2V5")),
              "config:7: users[0].user.client-key and client-certificate belong together: give both or none");
    EXPECT_THROW((void)read_kubeconfig("/nonexistent/config", ""), std::runtime_error);
}

TEST_F(KubeconfigTest, ServiceAccountOfAPod) {
    const auto environment = [](const char* name) {
        return std::string(name) == "KUBERNETES_SERVICE_HOST" ? "fd00::1" : "443";
    };
    EXPECT_THROW((void)in_cluster_access(environment, directory_.path()), std::runtime_error) << "no token mounted";
    directory_.write("ca.crt", "ca");
    directory_.write("token", "secret");
    const ApiAccess access = in_cluster_access(environment, directory_.path());
    EXPECT_EQ(access.server, "https://[fd00::1]:443");
    EXPECT_EQ(access.token.file, directory_.path() / "token");
    EXPECT_THROW((void)in_cluster_access([](const char*) { return nullptr; }, directory_.path()), std::runtime_error);
}

TEST_F(KubeconfigTest, TokensAreReadAgainForEveryRequest) {
    const Timing timing{[] { return TimePoint(); }, [] { return 0.0; }};
    ApiAccess access;
    access.token.file = directory_.path() / "token";
    Credentials credentials(access, timing);
    directory_.write("token", "first\n");
    EXPECT_EQ(credentials.present().token, "first");
    // A day of hourly rotation.
    for (int hour = 0; hour < 24; ++hour) {
        directory_.write("token", "of hour " + std::to_string(hour) + "\n");
        EXPECT_EQ(credentials.present().token, "of hour " + std::to_string(hour));
    }
    std::filesystem::remove(directory_.path() / "token");
    EXPECT_EQ(credentials.present().token, "of hour 23") << "what it last said is used";
    EXPECT_NE(credentials.problem().find("token cannot be read or is empty"), std::string::npos);
    directory_.write("token", "new");
    EXPECT_EQ(credentials.present().token, "new");
    EXPECT_EQ(credentials.problem(), "");
}

class PluginTest : public KubeconfigTest {
protected:
    void use(const std::string& script) {
        directory_.write("plugin", "#!/bin/sh\n" + script);
        std::filesystem::permissions(directory_.path() / "plugin", std::filesystem::perms::owner_all);
        access_ =
            read(with_user("exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, args: [x, y], "
                           "env: [{name: COLOUR, value: blue}]}"));
        credentials_ = std::make_unique<Credentials>(access_, timing_);
    }
    /// Until it is ready or has a problem.
    bool ready() {
        for (int i = 0; i < 3000; ++i) {
            if (credentials_->ready()) return true;
            if (!credentials_->problem().empty()) return false;
            std::this_thread::sleep_for(milliseconds(10));
        }
        return false;
    }
    static std::string credential(const std::string& status) {
        return R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{)" + status + "}}";
    }
    TimePoint now_{seconds(1000)};
    std::chrono::system_clock::time_point wall_ = std::chrono::system_clock::now();
    const Timing timing_{[this] { return now_; }, [] { return 0.0; }, [this] { return wall_; }};
    ApiAccess access_;
    std::unique_ptr<Credentials> credentials_;
};

TEST_F(PluginTest, GivesAToken) {
    use("echo '" + credential(R"("token":"'$1-$2-$COLOUR'")") + "'\necho \"$KUBERNETES_EXEC_INFO\" > \"${0%/*}/info\"");
    ASSERT_TRUE(ready()) << credentials_->problem();
    EXPECT_EQ(credentials_->present().token, "x-y-blue");
    std::ifstream info(directory_.path() / "info");
    std::string text;
    std::getline(info, text);
    EXPECT_NE(text.find(R"("interactive":false)"), std::string::npos) << text;
}

TEST_F(PluginTest, IsToldOfTheClusterWhenItWantsToKnow) {
    use("echo '" + credential(R"("token":"t")") + "'\necho \"$KUBERNETES_EXEC_INFO\" > \"${0%/*}/info\"");
    directory_.write("ca.crt", "hello");
    access_.exec->wants_cluster = true;
    access_.ca = {"", directory_.path() / "ca.crt"};
    access_.tls_server_name = "n";
    credentials_ = std::make_unique<Credentials>(access_, timing_);
    ASSERT_TRUE(ready()) << credentials_->problem();
    std::ifstream info(directory_.path() / "info");
    std::string text;
    std::getline(info, text);
    EXPECT_NE(
        text.find(R"("cluster":{"certificate-authority-data":"aGVsbG8=","insecure-skip-tls-verify":false,"server":")" +
                  access_.server + R"(","tls-server-name":"n"})"),
        std::string::npos)
        << text;
}

/// ExecCredential's spec.cluster.config is the cluster's extension of that name, whatever it holds.
TEST_F(PluginTest, IsToldTheClustersOwnExtension) {
    std::string config = with_user("exec: {apiVersion: v1, command: c, provideClusterInfo: true}");
    const std::string server = "server: 'https://a'";
    config.replace(config.find(server), server.size(),
                   server +
                       ", extensions: [{name: other, extension: {a: 1}}, {name: client.authentication.k8s.io/exec, "
                       "extension: {audience: lab, port: 443, old: \"443\", on: true, tags: [a, null]}}]");
    EXPECT_EQ(read(config).exec->cluster_config,
              R"({"audience":"lab","old":"443","on":true,"port":443,"tags":["a",null]})");
    use("echo '" + credential(R"("token":"t")") + "'\necho \"$KUBERNETES_EXEC_INFO\" > \"${0%/*}/info\"");
    access_.exec->wants_cluster = true;
    access_.exec->cluster_config = R"({"audience":"lab"})";
    credentials_ = std::make_unique<Credentials>(access_, timing_);
    ASSERT_TRUE(ready()) << credentials_->problem();
    std::ifstream info(directory_.path() / "info");
    EXPECT_EQ(nlohmann::json::parse(info)["spec"]["cluster"]["config"]["audience"], "lab");
}

TEST_F(PluginTest, IsRunAgainAfterExpiryAndRefusal) {
    use("echo x >> \"${0%/*}/runs\"; n=$(wc -l < \"${0%/*}/runs\")\necho '" +
        credential(R"("token":"run '$n'","expirationTimestamp":"2001-01-01T00:00:00Z")") + "'");
    ASSERT_TRUE(ready());
    EXPECT_EQ(credentials_->present().token, "run 1");
    EXPECT_TRUE(credentials_->ready()) << "not more often than every five seconds";
    now_ += seconds(5);
    EXPECT_FALSE(credentials_->ready());
    ASSERT_TRUE(ready());
    EXPECT_EQ(credentials_->present().token, "run 2");
    now_ += seconds(5);
    credentials_->refused();
    ASSERT_TRUE(ready());
    EXPECT_EQ(credentials_->present().token, "run 3");
}

TEST_F(PluginTest, ExpiryMayBeInAnyTimeZone) {
    EXPECT_EQ(
        read_exec_credential(credential(R"("token":"t","expirationTimestamp":"2030-01-01T12:00:00+02:00")")).expires,
        read_exec_credential(credential(R"("token":"t","expirationTimestamp":"2030-01-01T10:00:00Z")")).expires);
}

TEST_F(PluginTest, ADayOfTokensThatLastAQuarterOfAnHour) {
    use("date +%s >> \"${0%/*}/runs\"; cat \"${0%/*}/answer\"");
    const auto begin = std::chrono::floor<std::chrono::hours>(wall_);
    for (int minute = 0; minute < 24 * 60; ++minute) {
        const auto issued = begin + std::chrono::minutes(minute);
        wall_ = issued + seconds(10);
        now_ += seconds(60);
        const std::time_t until = std::chrono::system_clock::to_time_t(issued + std::chrono::minutes(15));
        std::array<char, 32> text{};
        std::tm parts{};
        std::strftime(text.data(), text.size(), "%FT%TZ", gmtime_r(&until, &parts));
        directory_.write("answer", credential(R"("token":")" + std::to_string(until) + R"(","expirationTimestamp":")" +
                                              text.data() + "\""));
        ASSERT_TRUE(ready()) << credentials_->problem();
        EXPECT_GT(std::stol(credentials_->present().token), std::chrono::system_clock::to_time_t(wall_))
            << "expired, in minute " << minute;
    }
    std::ifstream runs(directory_.path() / "runs");
    EXPECT_EQ(std::count(std::istreambuf_iterator<char>(runs), {}, '\n'), 24 * 60 / 15);
}

TEST_F(PluginTest, FailuresAreNamed) {
    use("exit 3");
    EXPECT_FALSE(ready());
    EXPECT_NE(credentials_->problem().find("plugin failed with status 3: run it by hand"), std::string::npos);
    use("echo hello");
    EXPECT_FALSE(ready());
    EXPECT_NE(credentials_->problem().find("the output is no ExecCredential"), std::string::npos);
    use("echo '" + credential("") + "'");
    EXPECT_FALSE(ready());
    EXPECT_NE(credentials_->problem().find("neither a token nor a certificate"), std::string::npos);
    std::filesystem::remove(directory_.path() / "plugin");
    now_ += seconds(5);
    EXPECT_FALSE(ready());
    EXPECT_NE(credentials_->problem().find("cannot be started (No such file or directory): install it"),
              std::string::npos)
        << credentials_->problem();
}

TEST_F(PluginTest, OneThatHangsIsEnded) {
    use("sleep 600");
    EXPECT_FALSE(credentials_->ready());
    now_ += seconds(30);
    EXPECT_FALSE(credentials_->ready());
    EXPECT_NE(credentials_->problem().find("has not ended after 30 seconds"), std::string::npos);
}

}  // namespace
}  // namespace viaduct
