// `viaduct leave` against an API server in a process of its own: what it takes back, and what it says when it cannot.
#include "control/leave/leave.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <sstream>

#include "api_server_process.h"
#include "control/unique_fd.h"
#include "temporary_directory.h"

namespace viaduct {
namespace {

using nlohmann::json;

constexpr const char* node = "/api/v1/nodes/gw";
constexpr const char* node_lease = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/gw";
constexpr const char* gateway_lease = "/apis/coordination.k8s.io/v1/namespaces/viaduct/leases/gateway";

class LeaveTest : public ::testing::Test {
protected:
    LeaveTest() {
        for (const char* name : {"cluster", "state"}) std::filesystem::create_directories(directory_.path() / name);
        config_.socket = (directory_.path() / "viaduct.sock").string();
        NetworkConfig& network = config_.networks.emplace_back();
        network.name = "demo";
        network.node_name = "gw";
        network.join = Join::annotate;
        config_.sources.push_back({"cluster", "kubernetes", "", ""});
    }
    void start(const std::string& labels, const std::string& annotations, const std::string& options = "") {
        directory_.write("cluster/objects.yaml",
                         "apiVersion: v1\nkind: Node\nmetadata: {name: gw, labels: {" + labels + "}, annotations: {" +
                             annotations +
                             "}}\n---\napiVersion: coordination.k8s.io/v1\nkind: Lease\n"
                             "metadata: {name: gw, namespace: kube-node-lease}\nspec: {holderIdentity: gw}\n---\n"
                             "apiVersion: coordination.k8s.io/v1\nkind: Lease\n"
                             "metadata: {name: gateway, namespace: viaduct}\nspec: {holderIdentity: gw, "
                             "leaseDurationSeconds: 15}\n");
        server_ = std::make_unique<ApiServerProcess>(directory_.path(), options);
        config_.sources[0].kubeconfig = server_->info["kubeconfig"];
    }
    int leave() {
        std::ostringstream out, err;
        const int status = run_leave(config_, out, err);
        out_ = out.str();
        err_ = err.str();
        return status;
    }
    [[nodiscard]] bool exists(const std::string& path) const { return server_->get(path)["kind"] != "Status"; }

    static constexpr const char* joined =
        "mine: kept, flannel.alpha.coreos.com/kube-subnet-manager: 'true', flannel.alpha.coreos.com/backend-type: "
        "vxlan, flannel.alpha.coreos.com/public-ip: 192.0.2.10, flannel.alpha.coreos.com/backend-data: "
        "'{\"VNI\":1,\"VtepMAC\":\"02:00:00:00:00:01\"}'";
    static constexpr const char* ours = "viaduct.dev/gateway: 'true'";

    TemporaryDirectory directory_;
    std::unique_ptr<ApiServerProcess> server_;
    Config config_;
    std::string out_, err_;
};

TEST_F(LeaveTest, TakesItsAnnotationsOffItsNode) {
    start("", joined);
    EXPECT_EQ(leave(), 0) << err_;
    EXPECT_EQ(out_,
              "Node gw: flannel's annotations are removed; a node forgets the gateway when its flanneld is restarted\n"
              "Lease viaduct/gateway: let go\n");
    EXPECT_EQ(server_->get(node)["metadata"]["annotations"], json({{"mine", "kept"}}));
    EXPECT_EQ(server_->get(gateway_lease)["spec"]["holderIdentity"], "");
    EXPECT_TRUE(exists(node_lease)) << "that is the kubelet's";
    EXPECT_EQ(leave(), 0);
    EXPECT_EQ(out_, "nothing of the gateway is left in any cluster\n");
}

TEST_F(LeaveTest, DeletesTheNodeOfItsOwnMaking) {
    config_.networks[0].join = Join::node;
    start(ours, joined);
    EXPECT_EQ(leave(), 0) << err_;
    EXPECT_TRUE(out_.starts_with("Node gw: deleted, with its Lease\n")) << out_;
    EXPECT_FALSE(exists(node));
    EXPECT_FALSE(exists(node_lease));
    EXPECT_EQ(leave(), 0) << "what is gone is gone";
}

TEST_F(LeaveTest, LeavesOthersThingsAlone) {
    config_.networks[0].join = Join::node;
    config_.networks[0].node_name = "worker";
    start("", "");
    directory_.replace("cluster/worker.yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: worker}\n");
    while (!exists("/api/v1/nodes/worker")) usleep(50'000);
    EXPECT_EQ(leave(), 0) << err_;
    EXPECT_EQ(out_, "Node worker: is not of a gateway's making and stays as it is\n");
    EXPECT_TRUE(exists("/api/v1/nodes/worker"));
    EXPECT_EQ(server_->get(gateway_lease)["spec"]["holderIdentity"], "gw") << "another one's Lease";
}

TEST_F(LeaveTest, SaysWhichRightIsMissing) {
    config_.networks[0].join = Join::node;
    start(ours, joined);
    server_->control(R"({"forbid": [["delete", "nodes"]]})");
    EXPECT_EQ(leave(), 1);
    EXPECT_NE(err_.find("viaduct: Node gw: the gateway cannot delete nodes: 403"), std::string::npos) << err_;
    EXPECT_NE(err_.find(R"(add {apiGroups: [""], resources: ["nodes"], verbs: ["delete"]})"), std::string::npos)
        << err_;
    EXPECT_EQ(out_, "Lease viaduct/gateway: let go\n") << "the rest is done all the same";
}

TEST_F(LeaveTest, NeedsNoMoreThanIsGranted) {
    config_.networks[0].join = Join::node;
    const std::string role = " --role " SOURCE_ROOT "/deploy/kubernetes/";
    start(ours, joined, role + "rbac.yaml" + role + "own-node/rbac-own-node.yaml");
    EXPECT_EQ(leave(), 0) << err_;
    EXPECT_FALSE(exists(node));
}

TEST_F(LeaveTest, AsksAgainAServerThatIsOverloaded) {
    start("", joined);
    server_->control(R"({"faults": [{"kind": "status", "verb": "patch", "status": 503, "count": 2}]})");
    EXPECT_EQ(leave(), 0) << err_;
    EXPECT_EQ(server_->get(node)["metadata"]["annotations"].size(), 1U);
}

TEST_F(LeaveTest, DoesNothingWhileAGatewayRuns) {
    start("", joined);
    sockaddr_un address{AF_UNIX, {}};
    std::ranges::copy(config_.socket, address.sun_path);
    const UniqueFd running(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(bind(running.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(running.get(), 1), 0);
    EXPECT_EQ(leave(), 1);
    EXPECT_NE(err_.find("a gateway is running"), std::string::npos) << err_;
    EXPECT_EQ(server_->get(node)["metadata"]["annotations"].size(), 5U);
}

TEST_F(LeaveTest, SaysWhereTheServerShouldBe) {
    config_.sources[0].kubeconfig = "/nonexistent";
    EXPECT_EQ(leave(), 1);
    EXPECT_NE(err_.find("source cluster: /nonexistent cannot be read"), std::string::npos) << err_;
}

}  // namespace
}  // namespace viaduct
