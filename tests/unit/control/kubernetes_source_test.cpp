// The source against a server in a process of its own, over HTTPS: what only real sockets show.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <regex>
#include <set>

#include "control/unique_fd.h"
#include "kubernetes_source_fixture.h"

namespace viaduct {
namespace {

/// What was asked for, each once.
std::set<std::string> resources_asked(const ApiServerProcess& server) {
    std::set<std::string> names;
    for (const auto& one : server.requests()) names.insert(one.at("resource"));
    return names;
}

TEST_F(KubernetesSourceTest, FollowsCalicosObjects) {
    std::filesystem::copy(SOURCE_ROOT "/tests/data/calico-3.29/cluster.yaml", directory_.path() / "cluster");
    network_.type = NetworkType::calico;
    start();
    ASSERT_TRUE(until([&] { return source_->status().synced; })) << errors();
    const Objects& objects = source_->objects();
    EXPECT_EQ(objects.ip_pools.size(), 2U);
    EXPECT_EQ(objects.block_affinities.size(), 6U);
    EXPECT_EQ(objects.ipam_blocks.size(), 2U);
    EXPECT_EQ(objects.felix_configs.size(), 1U) << "those of single nodes are not asked for";
    std::filesystem::remove(directory_.path() / "cluster/cluster.yaml");
    ASSERT_TRUE(until([&] { return source_->objects().ipam_blocks.empty() && source_->objects().ip_pools.empty(); }));
    EXPECT_EQ(errors(), "");
    EXPECT_FALSE(resources_asked(*server_).contains("configmaps"));
    EXPECT_FALSE(resources_asked(*server_).contains("ciliumnodes"));
}

/// Not by everybody: the right to read them is one more.
TEST_F(KubernetesSourceTest, FollowsNamespacesForPoolsThatChooseByLabels) {
    directory_.replace("cluster/shop.yaml",
                       "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: web}}\n");
    start();
    ASSERT_TRUE(until_nodes("one=a ")) << errors();
    EXPECT_FALSE(resources_asked(*server_).contains("namespaces"));
    SourceConfig config{"cluster", "kubernetes", "", ""};
    config.kubeconfig = server_->info["kubeconfig"];
    config.namespaces = true;
    source_ = std::make_unique<KubernetesSource>(config, network_);
    ASSERT_TRUE(until([&] { return source_->status().synced; })) << errors();
    const auto team = [&](const char* wanted) {
        return std::ranges::any_of(source_->objects().namespaces, [&](const auto& one) {
            return one->key.name == "shop" && one->labels.at("team") == wanted;
        });
    };
    EXPECT_TRUE(team("web"));
    directory_.replace("cluster/shop.yaml",
                       "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: db}}\n");
    EXPECT_TRUE(until([&] { return team("db"); }));
}

TEST_F(KubernetesSourceTest, FollowsCiliumsObjects) {
    std::filesystem::copy(SOURCE_ROOT "/tests/data/cilium-1.17/cluster.yaml", directory_.path() / "cluster");
    network_.type = NetworkType::cilium;
    start();
    ASSERT_TRUE(until([&] { return source_->status().synced; })) << errors();
    EXPECT_EQ(source_->objects().cilium_nodes.size(), 2U);
    EXPECT_EQ(source_->objects().cilium_configs.size(), 1U);
    EXPECT_FALSE(resources_asked(*server_).contains("ippools"));
}

TEST_F(KubernetesSourceTest, ACrdThatIsNotThereHoldsUpNothing) {
    network_.type = NetworkType::cilium;
    server_ = std::make_unique<ApiServerProcess>(directory_.path(), "");
    server_->control(R"({"faults": [{"kind": "status", "resource": "ciliumnodes", "status": 404, "count": 0,
                                     "message": "the server could not find the requested resource"}]})");
    open(server_->info["kubeconfig"]);
    ASSERT_TRUE(until_nodes("one=a ")) << errors();
    EXPECT_TRUE(source_->status().synced);
    EXPECT_EQ(errors(),
              "ciliumnodes: the server answers 404 (the server could not find the requested resource): install Cilium "
              "with its CRDs; until then its Nodes' podCIDRs count\n");
    EXPECT_TRUE(source_->objects().unread.contains(ObjectKind::cilium_node));
    EXPECT_FALSE(source_->objects().unread.contains(ObjectKind::node));
    server_->control(R"({"clear": true})");
    EXPECT_TRUE(until([&] { return source_->objects().unread.empty(); })) << "once it is there, it is read";
}

TEST_F(KubernetesSourceTest, FollowsTheClusterOverHttps) {
    directory_.replace("cluster/flannel.yaml",
                       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kube-flannel-cfg, namespace: kube-flannel}\n"
                       "data: {net-conf.json: '{\"Network\": \"10.244.0.0/16\"}'}\n");
    start();
    EXPECT_FALSE(source_->status().synced);
    ASSERT_TRUE(until_nodes("one=a ")) << errors();
    EXPECT_TRUE(source_->status().synced);
    EXPECT_EQ(source_->objects().flannel_configs.size(), 1U);
    write_node("two", "b");
    ASSERT_TRUE(until_nodes("one=a two=b ")) << errors();
    std::filesystem::remove(directory_.path() / "cluster/one.yaml");
    ASSERT_TRUE(until_nodes("two=b ")) << errors();
    EXPECT_EQ(errors(), "");
    EXPECT_EQ(source_->status().resources.at(0).objects, 1U);
    EXPECT_TRUE(source_->status().location.starts_with("https://"));
}

TEST_F(KubernetesSourceTest, PresentsAClientCertificate) {
    start();
    open(server_->info["kubeconfig"], "certificate");
    EXPECT_TRUE(until_nodes("one=a ")) << errors();
}

TEST_F(KubernetesSourceTest, UsesWatchListsWhereThereAreAny) {
    start("--watch-list");
    ASSERT_TRUE(until_nodes("one=a ")) << errors();
    EXPECT_EQ(source_->status().resources.at(0).watches, 0U) << "the stream of the initial state goes on";
    write_node("two", "b");
    ASSERT_TRUE(until_nodes("one=a two=b ")) << errors();
}

TEST_F(KubernetesSourceTest, KeepsEverythingWhileTheServerIsAway) {
    const std::string address = "127.0.0.1:" + free_port();
    start("--listen " + address);
    ASSERT_TRUE(until_nodes("one=a "));
    server_->stop();
    ASSERT_TRUE(until_error("nodes: ")) << errors();
    EXPECT_EQ(nodes(), "one=a ");
    EXPECT_TRUE(source_->status().synced);
    write_node("two", "b");
    server_ = std::make_unique<ApiServerProcess>(directory_.path(), "--listen " + address);
    EXPECT_TRUE(until_nodes("one=a two=b ")) << errors();
}

TEST_F(KubernetesSourceTest, PresentsTheTokenThatIsInForce) {
    start();
    ASSERT_TRUE(until_nodes("one=a "));
    server_->control(R"({"renew_token": {"write": false}, "end_watches": "end"})");
    ASSERT_TRUE(until_error("the server does not accept the credentials, 401")) << errors();
    server_->control(R"({"write_token": true})");
    write_node("two", "b");
    EXPECT_TRUE(until_nodes("one=a two=b ")) << errors();
    EXPECT_TRUE(until([&] { return errors().empty(); })) << errors();
}

TEST_F(KubernetesSourceTest, ListsAgainWhenTheServerHasForgotten) {
    start();
    ASSERT_TRUE(until_nodes("one=a "));
    const auto before = source_->objects().nodes.at(0);
    server_->control(R"({"faults": [{"kind": "error", "verb": "watch", "resource": "nodes", "status": 410}]})");
    ASSERT_TRUE(until([&] { return source_->status().resources.at(0).expirations == 1; }));
    write_node("two", "b");
    ASSERT_TRUE(until_nodes("one=a two=b ")) << errors();
    EXPECT_EQ(source_->objects().nodes.at(0), before) << "what is the same stays the same object";
}

TEST_F(KubernetesSourceTest, SurvivesCutAndGarbledStreams) {
    start();
    ASSERT_TRUE(until_nodes("one=a "));
    for (const char* fault : {"duplicate", "garbage", "end"}) {
        server_->control(std::string(R"({"faults": [{"kind": ")") + fault +
                         R"(", "verb": "watch", "resource": "nodes"}]})");
        write_node("two", fault);
        ASSERT_TRUE(until_nodes(std::string("one=a two=") + fault + " ")) << fault << ": " << errors();
    }
    server_->control(R"({"end_watches": "cut"})");
    write_node("two", "cut");
    ASSERT_TRUE(until_nodes("one=a two=cut ")) << errors();
    EXPECT_GE(source_->status().resources.at(0).failures, 2U);
    EXPECT_EQ(source_->status().resources.at(0).lists, 2U)
        << "the refused watch-list and one list: no other was needed";
}

TEST_F(KubernetesSourceTest, NothingIsShownOfHalfACluster) {
    server_ = std::make_unique<ApiServerProcess>(directory_.path(), "");
    server_->control(R"({"faults": [{"kind": "status", "verb": "list", "resource": "services", "status": 503}]})");
    open(server_->info["kubeconfig"]);
    ASSERT_TRUE(until_error("services: the server answers 503")) << errors();
    EXPECT_FALSE(source_->status().synced);
    EXPECT_EQ(nodes(), "");
    EXPECT_TRUE(until_nodes("one=a ")) << errors();
}

/// For real: the handshake of TLS never comes to an end.
TEST_F(KubernetesSourceTest, GivesUpOnAServerThatAcceptsAndNeverAnswers) {
    server_ = std::make_unique<ApiServerProcess>(directory_.path(), "");
    server_->control(R"({"faults": [{"kind": "accept-hang", "count": 0}]})");
    open(server_->info["kubeconfig"]);
    ASSERT_TRUE(until_error("nodes: ")) << errors();
    EXPECT_NE(errors().find("timeout"), std::string::npos) << errors();
    EXPECT_FALSE(source_->status().synced);
    server_->control(R"({"clear": true})");
    EXPECT_TRUE(until_nodes("one=a ")) << errors();
}

using Unreachable = KubernetesSourceTest;

TEST_F(Unreachable, UnknownAuthority) {
    open_changed("certificate-authority-data: \\S+", "proxy-url: ''");
    EXPECT_TRUE(until_error("give the cluster's certificate-authority")) << errors();
}

TEST_F(Unreachable, CertificateOfAnotherName) {
    open_changed("certificate-authority-data", "tls-server-name: another.name\n    certificate-authority-data");
    EXPECT_TRUE(until_error("'another.name'")) << errors();
}

TEST_F(Unreachable, NoSuchHost) {
    open_changed("https://[0-9.]+", "https://nowhere.invalid");
    EXPECT_TRUE(until_error("Could not resolve host: nowhere.invalid: correct the server")) << errors();
}

/// Takes connections, and remembers the first line of the last one.
class Proxy {
public:
    Proxy() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (bind(socket_.get(), generic, length) != 0 || ::listen(socket_.get(), 8) != 0 ||
            getsockname(socket_.get(), generic, &length) != 0)
            throw std::runtime_error("no socket");
        port_ = ntohs(address.sin_port);
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    /// Never waits: who asks is in this very thread.
    bool was_asked_for(const std::string& server) {
        if (const int link = accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); link >= 0)
            links_.emplace_back(link);
        std::array<char, 1024> text{};
        for (const UniqueFd& link : links_)
            if (read(link.get(), text.data(), text.size() - 1) > 0) heard_ = text.data();
        return heard_.starts_with("CONNECT " + server + " HTTP/1.1\r\n");
    }

private:
    UniqueFd socket_{socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    std::vector<UniqueFd> links_;
    unsigned port_ = 0;
    std::string heard_;
};

TEST_F(Unreachable, ByTheProxyOfTheKubeconfig) {
    Proxy proxy;
    setenv("no_proxy", "*", 1);  // of the environment's proxies, as with kubectl
    open_changed("certificate-authority-data", "proxy-url: '" + proxy.url() + "'\n    certificate-authority-data");
    EXPECT_TRUE(until([&] { return proxy.was_asked_for(server_->address()); })) << errors();
    unsetenv("no_proxy");
}

TEST_F(KubernetesSourceTest, GoesByTheProxyThatTheEnvironmentNames) {
    Proxy proxy;
    setenv("https_proxy", proxy.url().c_str(), 1);
    start();
    EXPECT_TRUE(until([&] { return proxy.was_asked_for(server_->address()); })) << errors();
    setenv("no_proxy", "127.0.0.1", 1);
    open(server_->info["kubeconfig"]);
    EXPECT_TRUE(until_nodes("one=a ")) << errors();
    unsetenv("no_proxy");
    unsetenv("https_proxy");
}

}  // namespace
}  // namespace viaduct
