// Random histories of Nodes: what is followed from Node to Node equals what is computed from the beginning.
#include "control/desired/peer_changes.h"

#include <gtest/gtest.h>

#include <random>

#include "control/desired/desired_state.h"
#include "encap/net_text.h"
#include "tests/unit/control/cluster_text.h"

namespace viaduct {
namespace {

class PeerChangesTest : public ::testing::TestWithParam<unsigned> {
protected:
    PeerChangesTest() : random_(GetParam()) {
        NetworkConfig& network = config_.networks.emplace_back();
        network.name = "demo";
        network.node_name = "gw";
        network.cluster_cidrs = {*parse_prefix("10.244.0.0/16"), *parse_prefix("fd00:244::/48")};
        network.vtep_v4 = Ipv4(192, 0, 2, 1);
        network.pod_subnet_v4 = Prefix<Ipv4>(Ipv4(10, 244, 1, 0), 24);
        network.vtep_v6 = parse_ip("2001:db8::1")->v6();
        ports_.resize(1);
        ports_[0].name = "underlay";
    }
    unsigned chance(unsigned n) { return static_cast<unsigned>(random_() % n); }

    /// Of 40 names with 200 numbers: most find one that is free.
    Shared<NodeObject> node() {
        auto one = std::make_shared<NodeObject>();
        const unsigned name = chance(200) == 0 ? 0 : 1 + chance(40);
        one->key = {ObjectKind::node, "", name == 0 ? "gw" : "node" + std::to_string(name)};
        one->zone = chance(2) == 0 ? "x" : "y";
        const std::string number = std::to_string(chance(25) == 0 ? 2 + chance(200) : 2 + name);
        one->pod_cidrs = {"10.244." + number + ".0/24", "fd00:244:0:" + number + "::/64"};
        if (chance(60) == 0) one->pod_cidrs[0] = "172.31.0.0/24";  // outside
        const std::string data = R"({"VNI":1,"VtepMAC":"12:00:00:00:00:)" + std::to_string(10 + chance(80)) + "\"}";
        one->flannel = {chance(20) != 0, "vxlan", data, data, "192.0.2." + number, "2001:db8::" + number, false};
        if (chance(60) == 0) one->flannel.public_ipv6 = "nonsense";
        return one;
    }
    void change() {
        switch (chance(12)) {
            case 0:
                return void(objects_.erase({ObjectKind::node, "", "node" + std::to_string(1 + chance(40))}));
            case 1: {  // all of them again
                Objects fresh;
                for (const auto& one : objects_.nodes) fresh.put(std::make_shared<const NodeObject>(*one));
                objects_ = std::move(fresh);
                return;
            }
            default:
                return void(objects_.put(node()));
        }
    }

    std::mt19937 random_;
    Config config_;
    Objects objects_;
    KernelState kernel_;
    std::vector<PortFacts> ports_;
};

TEST_P(PeerChangesTest, EqualsAComputationFromTheBeginning) {
    const std::vector<SourceObjects> sources{{"demo", &objects_}};
    DesiredStateKeeper keeper;
    DesiredState former;
    std::size_t kept = 0, calm = 0, told = 0;
    for (int step = 0; step < 300; ++step) {
        for (unsigned i = chance(3); i != 0; --i) change();
        const DesiredInput input{config_, sources, kernel_, ports_, &former};
        const DesiredOutput whole = desired_state(input);
        const DesiredState& state = keeper.update(input);
        ASSERT_EQ(state, whole.state) << "step " << step;
        ASSERT_EQ(text_of(keeper.findings()), text_of(whole.findings)) << "step " << step;
        kept += former.peers.size() - difference(former.peers, state.peers).before.size();
        calm +=
            std::ranges::find(whole.findings, Severity::error, &Finding::severity) == whole.findings.end() ? 1U : 0U;
        told += whole.findings.size();
        former = state;
    }
    EXPECT_GT(calm, 10U) << "there are times without contention";
    EXPECT_GT(told, 20U) << "and others";
    EXPECT_GT(kept, 1000U);
}
INSTANTIATE_TEST_SUITE_P(Seeds, PeerChangesTest, ::testing::Range(1U, 22U, unsigned{EVERY}));

Shared<NodeObject> plain_node(unsigned number, const std::string& mac = "12:00:00:00:00:01") {
    auto one = std::make_shared<NodeObject>();
    const std::string text = std::to_string(number);
    one->key = {ObjectKind::node, "", "node" + text};
    one->pod_cidrs = {"10.244." + text + ".0/24"};
    one->flannel = {true, "vxlan", R"({"VNI":1,"VtepMAC":")" + mac + "\"}", "", "192.0.2." + text, "", false};
    return one;
}

class FollowTest : public ::testing::Test {
protected:
    FollowTest() { EXPECT_TRUE(follow(nullptr, plain_node(1)) && follow(nullptr, plain_node(2))); }
    bool follow(const Shared<NodeObject>& before, const Shared<NodeObject>& after) {
        const std::vector<NodeChange> changes{{before, after}};
        return changes_.follow(changes, made_);
    }
    static NetworkOutput empty_network() {
        NetworkOutput made;
        made.network.cluster_cidrs = {*parse_prefix("10.244.0.0/16")};
        made.network.vtep_v4 = Ipv4(192, 0, 2, 99);
        made.rules = PeerRules{true, false, 1450, 1430};
        return made;
    }
    NetworkOutput made_ = empty_network();
    PeerChanges changes_{made_};
};

TEST_F(FollowTest, ExchangesAPeerInItsPlace) {
    ASSERT_TRUE(follow(plain_node(1), plain_node(1, "12:00:00:00:00:07")));
    ASSERT_EQ(made_.peers.size(), 2U);
    EXPECT_EQ(made_.peers[0].name, "node1");
    EXPECT_EQ(to_string(made_.peers[0].vtep_mac), "12:00:00:00:00:07");
    EXPECT_EQ(made_.peers[0].mtu, 1450);
    ASSERT_TRUE(follow(plain_node(1), nullptr));
    EXPECT_EQ(made_.peers.size(), 1U);
    EXPECT_TRUE(follow(nullptr, plain_node(1))) << "what it held is free again";
}

TEST_F(FollowTest, GivesUpWhereThereIsSomethingToTell) {
    auto wrong = *plain_node(3);
    wrong.flannel.backend_data = "{}";
    EXPECT_FALSE(follow(nullptr, std::make_shared<const NodeObject>(wrong))) << "malformed";
    wrong = *plain_node(3);
    wrong.flannel.public_ip = "192.0.2.1";
    EXPECT_FALSE(follow(nullptr, std::make_shared<const NodeObject>(wrong))) << "another's address";
    wrong.flannel.public_ip = "192.0.2.99";
    EXPECT_FALSE(follow(nullptr, std::make_shared<const NodeObject>(wrong))) << "the gateway's";
    wrong = *plain_node(4);
    wrong.pod_cidrs = {"10.244.2.128/25"};
    EXPECT_FALSE(follow(nullptr, std::make_shared<const NodeObject>(wrong))) << "another's subnet";
    wrong = *plain_node(5);
    wrong.pod_cidrs = {"172.31.0.0/24"};
    EXPECT_FALSE(follow(nullptr, std::make_shared<const NodeObject>(wrong))) << "outside";
}

}  // namespace
}  // namespace viaduct
