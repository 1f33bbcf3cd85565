// Joining a flannel network, row by row: what the Node says in, what is written out; then what other nodes make of it.
#include "control/writers/flannel_join.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "control/desired/flannel.h"
#include "encap/net_text.h"

namespace viaduct {
namespace {

using nlohmann::json;

const std::string data_a = R"({"VNI":1,"VtepMAC":"12:00:00:00:00:0a"})";

/// flanneld's comparison on every other node of a dual-stack network: whether it takes notice of an update.
bool is_noticed(const NodeObject::Flannel& before, const NodeObject::Flannel& after) {
    const bool same_type = before.backend_type == after.backend_type;
    const bool same_v4 = same_type && before.backend_data == after.backend_data && before.public_ip == after.public_ip;
    const bool same_v6 =
        same_type && before.backend_v6_data == after.backend_v6_data && before.public_ipv6 == after.public_ipv6;
    return !same_v4 && !same_v6;
}

class FlannelJoin : public ::testing::Test {
protected:
    FlannelJoin() {
        config_.name = "demo";
        config_.node_name = "gw";
        config_.join = Join::annotate;
        network_.vni = Vni(1);
        network_.vtep_mac = *parse_mac("12:00:00:00:00:0a");
        network_.vtep_v4 = Ipv4(192, 0, 2, 10);
        network_.vtep_v6 = parse_ip("2001:db8::10")->v6();
        node_.key = {ObjectKind::node, "", "gw"};
        node_.pod_cidrs = {"10.244.9.0/24", "fd00:244:0:9::/64"};
    }
    /// What is written, applied to the Node as the API server would.
    bool join() {
        findings_.clear();
        const auto request = join_request(config_, network_, &node_, findings_);
        if (!request) return false;
        EXPECT_EQ(request->path, "/api/v1/nodes/gw/status");
        written_ = json::parse(request->body);
        if (written_.contains("status")) node_.is_ready = written_["status"]["conditions"][0]["status"] == "True";
        if (!written_.contains("metadata")) return true;
        const json annotations = written_["metadata"]["annotations"];
        const auto get = [&](const char* name) {
            const json& value = annotations.at(std::string("flannel.alpha.coreos.com/") + name);
            return value.is_null() ? "" : value.get<std::string>();
        };
        node_.flannel = {get("kube-subnet-manager") == "true",
                         get("backend-type"),
                         get("backend-data"),
                         get("backend-v6-data"),
                         get("public-ip"),
                         get("public-ipv6"),
                         false,
                         node_.flannel.public_ip_overwrite,
                         node_.flannel.public_ipv6_overwrite};
        return true;
    }
    NetworkConfig config_;
    DesiredNetwork network_;
    NodeObject node_;
    json written_;
    std::vector<Finding> findings_;
};

TEST_F(FlannelJoin, AnnotatesAsFlanneldWould) {
    ASSERT_TRUE(join());
    EXPECT_EQ(node_.flannel, (NodeObject::Flannel{true, "vxlan", data_a, data_a, "192.0.2.10", "2001:db8::10"}));
    EXPECT_NO_THROW((void)lease_of(node_, true, true));
    EXPECT_FALSE(join());
}

TEST_F(FlannelJoin, LeavesAnUnusedFamilyOut) {
    network_.vtep_v6.reset();
    ASSERT_TRUE(join());
    EXPECT_EQ(node_.flannel, (NodeObject::Flannel{true, "vxlan", data_a, "", "192.0.2.10", ""}));
}

TEST_F(FlannelJoin, EveryChangeIsNoticedByTheOtherNodes) {
    ASSERT_TRUE(join());
    const auto changed = [&](auto change) {
        change();
        const NodeObject::Flannel before = node_.flannel;
        EXPECT_TRUE(join());
        EXPECT_TRUE(is_noticed(before, node_.flannel));
        const Lease lease = lease_of(node_, true, true);
        EXPECT_EQ(lease.v4->public_ip, IpAddress(*network_.vtep_v4));
        EXPECT_EQ(lease.v6->public_ip, IpAddress(*network_.vtep_v6));
        EXPECT_EQ(lease.v4->vtep_mac, network_.vtep_mac);
        EXPECT_FALSE(join());
    };
    for (std::uint8_t n = 11; n < 14; ++n) changed([&] { network_.vtep_v4 = Ipv4(192, 0, 2, n); });
    changed([&] { network_.vtep_v6 = parse_ip("2001:db8::11")->v6(); });
    changed([&] { network_.vtep_mac = *parse_mac("12:00:00:00:00:0b"); });
    changed([&] { node_.flannel.public_ipv6 = "2001:db8::bad"; });  // by somebody else
}

TEST_F(FlannelJoin, AnnouncesTheAddressThatItsOperatorWrote) {
    node_.flannel.public_ip_overwrite = "203.0.113.5";
    node_.flannel.public_ipv6_overwrite = "203.0.113.6";  // not of the family
    EXPECT_TRUE(leave_requests(config_, &node_).empty()) << "an operator's word is nothing of ours";
    ASSERT_TRUE(join());
    EXPECT_EQ(node_.flannel.public_ip, "203.0.113.5");
    EXPECT_EQ(node_.flannel.public_ipv6, "2001:db8::10");
    EXPECT_FALSE(join());
}

TEST_F(FlannelJoin, ANodeOfItsOwnThatWasTakenForDeadIsReadyAgain) {
    config_.join = Join::node;
    node_.is_gateway = node_.is_ready = true;
    ASSERT_TRUE(join());
    ASSERT_FALSE(written_.contains("status"));
    node_.is_ready = false;  // the node controller's doing, and it will not undo it
    ASSERT_TRUE(join());
    EXPECT_FALSE(written_.contains("metadata")) << "nothing for other nodes to notice";
    EXPECT_EQ(written_["status"]["conditions"][0]["type"], "Ready");
    EXPECT_FALSE(join());
    config_.join = Join::annotate;
    node_.is_ready = false;
    EXPECT_FALSE(join()) << "a kubelet's Node is the kubelet's";
}

TEST_F(FlannelJoin, MakesANodeOfItsOwn) {
    config_.join = Join::node;
    config_.pod_subnet_v4 = Prefix<Ipv4>(Ipv4(10, 244, 9, 0), 24);
    config_.pod_subnet_v6 = parse_prefix("fd00:244:0:9::/64")->v6();
    const auto request = join_request(config_, network_, nullptr, findings_);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->method + " " + request->path, "POST /api/v1/nodes");
    const json node = json::parse(request->body);
    EXPECT_EQ(node["spec"]["podCIDR"], "10.244.9.0/24");
    EXPECT_EQ(node["spec"]["podCIDRs"], json::parse(R"(["10.244.9.0/24", "fd00:244:0:9::/64"])"));
    EXPECT_EQ(node["spec"]["taints"],
              json::parse(R"([{"key":"viaduct.dev/gateway","value":"true","effect":"NoSchedule"}])"));
    EXPECT_TRUE(node["metadata"]["labels"].contains("node.kubernetes.io/exclude-from-external-load-balancers"));
    EXPECT_EQ(node["metadata"]["annotations"]["flannel.alpha.coreos.com/backend-data"], data_a);
    EXPECT_EQ(node["status"]["conditions"][0]["type"], "Ready");
    EXPECT_EQ(node["status"]["conditions"][1]["status"], "False");
}

TEST_F(FlannelJoin, TouchesNoNodeThatIsNotItsOwn) {
    config_.join = Join::node;
    EXPECT_FALSE(join());
    ASSERT_EQ(findings_.size(), 1U);
    EXPECT_EQ(findings_[0].text, "exists, but not as a gateway's: it is left as it is");
    EXPECT_TRUE(leave_requests(config_, &node_).empty());
    node_.is_gateway = true;
    EXPECT_TRUE(join());
}

TEST_F(FlannelJoin, TellsOfAPodSubnetThatCannotBeChanged) {
    config_.pod_subnet_v4 = Prefix<Ipv4>(Ipv4(10, 244, 77, 0), 24);
    (void)join();
    ASSERT_EQ(findings_.size(), 1U);
    EXPECT_EQ(findings_[0].text,
              "has the pod subnet 10.244.9.0/24, but 10.244.77.0/24 is configured: nodes send replies to the former");
}

TEST_F(FlannelJoin, OffWritesNothing) {
    config_.join = Join::off;
    EXPECT_FALSE(join());
    EXPECT_FALSE(join_request(config_, network_, nullptr, findings_));
    EXPECT_TRUE(leave_requests(config_, &node_).empty());
    config_.join = Join::annotate;
    EXPECT_FALSE(join_request(config_, network_, nullptr, findings_));
}

TEST_F(FlannelJoin, LeavesTidily) {
    EXPECT_TRUE(leave_requests(config_, &node_).empty()) << "it has never joined";
    node_.flannel.managed = true;
    const auto requests = leave_requests(config_, &node_);
    ASSERT_EQ(requests.size(), 1U);
    const json annotations = json::parse(requests[0].body)["metadata"]["annotations"];
    EXPECT_EQ(annotations.size(), 6U);
    for (const json& value : annotations) EXPECT_TRUE(value.is_null());
    config_.join = Join::node;
    node_.is_gateway = true;
    const auto deletions = leave_requests(config_, &node_);
    ASSERT_EQ(deletions.size(), 2U);
    EXPECT_EQ(deletions[0].path, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/gw");
    EXPECT_EQ(deletions[1].method + deletions[1].path, "DELETE/api/v1/nodes/gw");
    node_.uid = "u";
    EXPECT_EQ(json::parse(leave_requests(config_, &node_)[1].body)["preconditions"]["uid"], "u");
}

}  // namespace
}  // namespace viaduct
