// The control thread against an API server in a process of its own: what a gateway writes to its cluster, alone and
// with another gateway beside it.
#include "control/cluster_links.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <thread>

#include "api_server_process.h"
#include "control/config_values.h"
#include "control/controller.h"
#include "encap/net_text.h"
#include "one_port.h"
#include "temporary_directory.h"

namespace viaduct {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* web = "/api/v1/namespaces/shop/services/web";
constexpr const char* lease = "/apis/coordination.k8s.io/v1/namespaces/viaduct/leases/gateway";

Config config_of(const std::string& node, const std::string& kubeconfig) {
    Config config;
    config.ports.push_back({"outside", "net_null0", 1, "", "off"});
    NetworkConfig& network = config.networks.emplace_back();
    network.name = "demo";
    network.node_name = node;
    network.vtep_v4 = Ipv4(192, 0, 2, 10);
    network.pod_subnet_v4 = Prefix<Ipv4>(Ipv4(10, 244, 9, 0), 24);
    config.sources.push_back({"cluster", "kubernetes", "", ""});
    config.sources.back().kubeconfig = kubeconfig;
    config.pools.emplace_back().ranges = parse_ranges("203.0.113.0/28");
    config.default_load_balancer = true;
    return config;
}

/// A gateway without a data plane.
class Gateway {
public:
    explicit Gateway(const Config& config) : controller(config, view, published_) {}
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;
    ~Gateway() { stop(); }
    void start() {
        thread_ = std::jthread([this] { controller.run(); });
    }
    void stop() {
        controller.stop();
        if (thread_.joinable()) thread_.join();
    }
    /// Load-balancer addresses that it serves.
    [[nodiscard]] std::set<std::string> serves() {
        std::set<std::string> addresses;
        for (const DesiredService& service : published_.current()->desired().services)
            for (const DesiredFrontend& frontend : service.frontends)
                if (frontend.kind == FrontendKind::load_balancer) addresses.insert(to_string(frontend.address));
        return addresses;
    }
    [[nodiscard]] std::string findings() const {
        std::string text;
        for (const Finding& one : controller.status().findings)
            text += one.subject + ": " + one.text + " (" + one.remedy + ")\n";
        return text;
    }

    OnePort view;

private:
    NoGrace grace_;
    Published published_{grace_};

public:
    Controller controller;

private:
    std::jthread thread_;
};

class ClusterLinksTest : public ::testing::Test {
protected:
    ClusterLinksTest() {
        for (const char* name : {"cluster", "state"}) std::filesystem::create_directories(directory_.path() / name);
        write_node("gw-a");
        write_service("web", 10);
        std::string roles;
        for (const char* file :
             {"rbac", "rbac-kube-flannel", "rbac-kube-system", "own-node/rbac-own-node", "calico/rbac-calico"})
            roles += std::string("--role " SOURCE_ROOT "/deploy/kubernetes/") + file + ".yaml ";
        server_ = std::make_unique<ApiServerProcess>(directory_.path(), roles);
    }
    /// All of it is granted by the roles that are installed with the gateway.
    void TearDown() override {
        for (const json& one : server_->requests())
            EXPECT_TRUE(one["status"] != 403 || forbidden_) << one["verb"] << " " << one["path"];
    }
    void write_node(const std::string& name) {
        directory_.replace("cluster/" + name + ".yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: " + name +
                                                            "}\nspec: {podCIDRs: [10.244.9.0/24]}\n");
    }
    void write_service(const std::string& name, int last, const std::string& more = "") {
        directory_.replace("cluster/" + name + ".yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: " + name +
                                                            ", namespace: shop}\nspec: {type: LoadBalancer, " + more +
                                                            "clusterIP: 10.96.0." + std::to_string(last) +
                                                            ", ports: [{port: 80}]}\n");
    }
    [[nodiscard]] Config config(const std::string& node) const { return config_of(node, server_->info["kubeconfig"]); }
    static bool soon(const std::function<bool()>& condition) {
        for (const auto end = std::chrono::steady_clock::now() + 60s; std::chrono::steady_clock::now() < end;) {
            if (condition()) return true;
            std::this_thread::sleep_for(50ms);
        }
        return condition();
    }
    /// None as long as the server knows no such Service: it may not have read the file yet.
    [[nodiscard]] json ingress(const std::string& path = web) const {
        return server_->get(path).value("/status/loadBalancer/ingress"_json_pointer, json::array());
    }
    bool has_address(const std::string& path = web) {
        return soon([&] { return !ingress(path).empty(); });
    }
    [[nodiscard]] std::string holder() const {
        return server_->get(lease).value("spec", json::object()).value("holderIdentity", "");
    }
    [[nodiscard]] int count(const std::string& request) const {
        int count = 0;
        for (const json& one : server_->requests())
            count += one["verb"].get<std::string>() + " " + one["path"].get<std::string>() == request &&
                     one["status"].get<int>() < 300;
        return count;
    }

    TemporaryDirectory directory_;
    std::unique_ptr<ApiServerProcess> server_;
    bool forbidden_ = false;  // on purpose
};

TEST_F(ClusterLinksTest, AServiceGetsItsAddressAndKeepsItOverARestart) {
    std::string address;
    {
        Gateway gateway(config("gw-a"));
        gateway.start();
        ASSERT_TRUE(has_address()) << gateway.findings();
        address = ingress()[0]["ip"];
        EXPECT_EQ(ingress()[0]["ipMode"], "VIP");
        EXPECT_EQ(gateway.serves(), std::set{address});
        EXPECT_TRUE(soon([&] { return gateway.controller.status().sources.at(0).writer == "gw-a"; }));
    }
    EXPECT_EQ(holder(), "") << "who goes lets the next one lead at once";
    // A newcomer that would be given the same place, had the address not been taken.
    write_service("aaa", 11);
    Gateway gateway(config("gw-a"));
    gateway.start();
    ASSERT_TRUE(has_address("/api/v1/namespaces/shop/services/aaa")) << gateway.findings();
    EXPECT_EQ(ingress()[0]["ip"], address);
    EXPECT_EQ(count(std::string("patch ") + web + "/status"), 1) << "said once, not again after the restart";
}

/// In a process of its own, to be killed.
pid_t fork_gateway(const Config& config) {
    const pid_t child = fork();
    if (child != 0) return child;
    Gateway gateway(config);
    gateway.controller.run();
    _exit(0);
}

TEST_F(ClusterLinksTest, OfTwoGatewaysOneWritesAndTheOtherTakesOver) {
    const pid_t first = fork_gateway(config("gw-a"));
    ASSERT_TRUE(has_address());
    write_node("gw-b");
    Gateway second(config("gw-b"));
    second.start();
    ASSERT_TRUE(soon([&] { return second.serves() == std::set{ingress()[0]["ip"].get<std::string>()}; }));
    EXPECT_EQ(holder(), "gw-a");
    EXPECT_TRUE(soon([&] { return second.controller.status().sources.at(0).writer == "gw-a"; }));

    kill(first, SIGKILL);
    EXPECT_EQ(waitpid(first, nullptr, 0), first);
    write_service("late", 12);
    EXPECT_TRUE(soon([&] { return second.serves().size() == 2; })) << "served before anybody may write it";
    EXPECT_TRUE(ingress("/api/v1/namespaces/shop/services/late").empty());
    ASSERT_TRUE(has_address("/api/v1/namespaces/shop/services/late")) << second.findings();
    EXPECT_EQ(holder(), "gw-b");
    EXPECT_EQ(count(std::string("patch ") + web + "/status"), 1) << "the second gateway agrees with the first";
    EXPECT_EQ(count("patch /api/v1/namespaces/shop/services/late/status"), 1);
}

TEST_F(ClusterLinksTest, WhyAServiceHasNoAddressIsAnEvent) {
    write_service("greedy", 13, "loadBalancerIP: 198.51.100.1, ");
    Gateway gateway(config("gw-a"));
    gateway.start();
    const auto events = [&] { return server_->get("/apis/events.k8s.io/v1/namespaces/shop/events")["items"]; };
    ASSERT_TRUE(soon([&] { return !events().empty(); })) << gateway.findings();
    const json event = events()[0];
    EXPECT_EQ(event["regarding"]["name"], "greedy");
    EXPECT_EQ(event["regarding"]["uid"], server_->get("/api/v1/namespaces/shop/services/greedy")["metadata"]["uid"]);
    EXPECT_NE(event["note"].get<std::string>().find("does not get the address 198.51.100.1"), std::string::npos);
    EXPECT_EQ(event["reportingInstance"], "gw-a");
}

TEST_F(ClusterLinksTest, AMalformedObjectIsAnEventOfItsOwn) {
    write_service("odd", 14, "externalIPs: [nonsense], ");
    Gateway gateway(config("gw-a"));
    gateway.start();
    const auto events = [&] { return server_->get("/apis/events.k8s.io/v1/namespaces/shop/events")["items"]; };
    ASSERT_TRUE(soon([&] { return !events().empty(); })) << gateway.findings();
    EXPECT_EQ(events()[0]["regarding"]["name"], "odd");
}

TEST_F(ClusterLinksTest, OfTwoSourcesTheOneThatHasAnObjectIsToldOfIt) {
    directory_.replace("cluster/pool.yaml",
                       "apiVersion: crd.projectcalico.org/v1\nkind: IPPool\nmetadata: {name: tunnelled}\n"
                       "spec: {cidr: 10.244.0.0/16, ipipMode: Always, vxlanMode: Never}\n");
    Config both = config("gw-a");
    both.networks[0].type = NetworkType::calico;
    both.networks.emplace_back(both.networks[0]).name = "other";
    both.networks[1].type = NetworkType::flannel;
    both.networks[1].vtep_v4 = Ipv4(192, 0, 2, 11);
    std::filesystem::create_directories(directory_.path() / "other");
    both.sources.push_back({"files", "directory", directory_.path() / "other", "other"});
    Gateway gateway(both);
    gateway.start();
    const auto told = [&] {
        const json events = server_->get("/apis/events.k8s.io/v1/namespaces/default/events")["items"];
        return std::ranges::any_of(events, [](const json& event) { return event["regarding"]["kind"] == "IPPool"; });
    };
    EXPECT_TRUE(soon(told)) << gateway.findings();
}

TEST_F(ClusterLinksTest, ARefusedWriteNamesTheRuleAndForwardingGoesOn) {
    forbidden_ = true;
    server_->control(R"({"forbid": [["patch", "services/status"], ["create", "leases"]]})");
    Gateway gateway(config("gw-a"));
    gateway.start();
    const auto finds = [&](const std::string& text) {
        return soon([&] { return gateway.findings().find(text) != std::string::npos; });
    };
    EXPECT_TRUE(finds(R"(add {apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"]} to the )"
                      "rules of the gateway's Role in viaduct"))
        << gateway.findings();
    server_->control(R"({"clear": true})");
    server_->control(R"({"forbid": [["patch", "services/status"]]})");
    EXPECT_TRUE(finds("Service shop/web: the gateway cannot patch services/status: 403")) << gateway.findings();
    EXPECT_TRUE(finds(R"(add {apiGroups: [""], resources: ["services/status"], verbs: ["patch"]} to the rules of the )"
                      "gateway's ClusterRole"))
        << gateway.findings();
    write_service("other", 15);
    EXPECT_TRUE(soon([&] { return gateway.serves().size() == 2; }));
    server_->control(R"({"clear": true})");
    EXPECT_TRUE(has_address("/api/v1/namespaces/shop/services/other")) << gateway.findings();
    EXPECT_TRUE(soon([&] { return gateway.findings().find("the gateway cannot") == std::string::npos; }))
        << gateway.findings();
}

TEST_F(ClusterLinksTest, JoinsByAnnotatingItsNode) {
    Config config = this->config("gw-a");
    config.networks[0].join = Join::annotate;
    Gateway gateway(config);
    gateway.start();
    const auto annotations = [&] {
        return server_->get("/api/v1/nodes/gw-a")["metadata"].value("annotations", json::object());
    };
    ASSERT_TRUE(soon([&] { return annotations().contains("flannel.alpha.coreos.com/backend-data"); }));
    EXPECT_EQ(annotations()["flannel.alpha.coreos.com/public-ip"], "192.0.2.10");
    EXPECT_EQ(annotations()["flannel.alpha.coreos.com/backend-type"], "vxlan");
    EXPECT_EQ(gateway.findings().find("announce"), std::string::npos) << gateway.findings();
}

TEST_F(ClusterLinksTest, JoinsByANodeOfItsOwnAndKeepsItAlive) {
    Config config = this->config("edge");
    config.networks[0].join = Join::node;
    Gateway gateway(config);
    gateway.start();
    const auto renewed = [&] {
        return server_->get("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/edge")
            .value("spec", json::object())
            .value("renewTime", "");
    };
    ASSERT_TRUE(soon([&] { return !renewed().empty(); })) << gateway.findings();
    const json node = server_->get("/api/v1/nodes/edge");
    EXPECT_EQ(node["spec"]["podCIDR"], "10.244.9.0/24");
    EXPECT_EQ(node["status"]["conditions"][0]["status"], "True");
    const std::string before = renewed();
    EXPECT_TRUE(soon([&] { return renewed() != before; })) << "as a kubelet would";
    EXPECT_EQ(count("create /api/v1/nodes"), 1);
    // As a node controller does that has missed the heartbeat for a while.
    const json dead = server_->patch("/api/v1/nodes/edge/status",
                                     R"({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})");
    ASSERT_EQ(dead["kind"], "Node") << dead;
    const auto is_ready = [&] {
        const json conditions = server_->get("/api/v1/nodes/edge")["status"]["conditions"];
        return std::ranges::any_of(conditions,
                                   [](const json& one) { return one["type"] == "Ready" && one["status"] == "True"; });
    };
    EXPECT_TRUE(soon(is_ready)) << gateway.findings();
}

}  // namespace
}  // namespace viaduct
