// Desired networks and peers, row by row: Nodes, a configuration and a kernel in; networks, peers and findings out.
#include <gtest/gtest.h>

#include "control/sources/flannel_etcd/subnet_record.h"
#include "desired_state_fixture.h"

namespace viaduct {
namespace {

TEST_F(DesiredStateTest, FlannelNetworkComesFromItsObjects) {
    const DesiredNetwork network = make(own_node() + node("node1", 1) + net_conf).networks.at(0);
    EXPECT_EQ(network.vni, Vni(1));
    EXPECT_EQ(network.udp_port, 4789);
    EXPECT_EQ(to_string(*network.vtep_v4), "192.0.2.9");
    EXPECT_EQ(to_string(*network.vtep_v6), "2001:db8::9");
    EXPECT_EQ(to_string(*network.pod_subnet_v4), "10.244.9.0/24");
    EXPECT_EQ(to_string(*network.pod_subnet_v6), "fd00:244:0:9::/64");
    EXPECT_EQ(to_string(network.vtep_mac), "12:00:00:00:04:09");
    EXPECT_EQ(network.former_macs.size(), 1U) << "the one announced for IPv6";
    EXPECT_EQ(network.cluster_cidrs.size(), 2U);
    EXPECT_EQ(network.mtu, 1430);
    EXPECT_EQ(out_.state.peers.at(0).mtu, 1450);
    EXPECT_EQ(out_.state.peers.at(1).mtu, 1430) << "IPv6 tunnels take 70 bytes";
    EXPECT_EQ(network.host_port, PortId{2});
    EXPECT_EQ(peers(),
              "node1 192.0.2.1 12:00:00:00:04:01 10.244.1.0/24\n"
              "node1 2001:db8::1 12:00:00:00:06:01 fd00:244:0:1::/64\n");
    EXPECT_EQ(findings(), "");
}

TEST_F(DesiredStateTest, ConfigurationWinsOverObjects) {
    NetworkConfig& network = config_.networks[0];
    network.vni = Vni(5);
    network.udp_port = 8472;
    network.mtu = 1400;
    network.vtep_mac = parse_mac("02:00:00:00:00:01");
    network.cluster_cidrs = {*parse_prefix("10.0.0.0/8")};
    const DesiredNetwork made = make(own_node() + net_conf).networks.at(0);
    EXPECT_EQ(made.vni, Vni(5));
    EXPECT_EQ(made.udp_port, 8472);
    EXPECT_EQ(made.mtu, 1400);
    EXPECT_EQ(made.cluster_cidrs.size(), 1U);
    EXPECT_EQ(findings(), "Node gw: does not announce the gateway's VTEP MAC address, so nodes cannot reach it\n");
    EXPECT_EQ(made.former_macs.size(), 2U) << "what its Node announces is accepted all the same";
}

TEST_F(DesiredStateTest, DirectRoutingIsForAllPodsOfTheNetwork) {
    EXPECT_TRUE(make(own_node() + net_conf).networks.at(0).direct_cidrs.empty());
    std::string direct = net_conf;
    direct.replace(direct.find(R"("Type")"), 0, R"("DirectRouting":true,)");
    const DesiredNetwork network = make(own_node() + direct).networks.at(0);
    EXPECT_EQ(network.direct_cidrs, network.cluster_cidrs);
    EXPECT_EQ(network.direct_cidrs.size(), 2U);
    EXPECT_EQ(findings(), "");
}

TEST_F(DesiredStateTest, ALeaseOutOfEtcdMayLackIpv6) {
    make(own_node() + net_conf);
    objects_.add(std::make_shared<const NodeObject>(
        node_of_lease("10.244.7.0-24", {*parse_prefix("10.244.7.0/24"), {}},
                      lease_text({Ipv4(192, 0, 2, 7), {}, Vni(1), *parse_mac("12:00:00:00:04:07")}))));
    const SourceObjects source{"demo", &objects_};
    out_ = desired_state({config_, {&source, 1}, kernel_, ports_, nullptr, &assigned_});
    EXPECT_EQ(peers(), "10.244.7.0-24 192.0.2.7 12:00:00:00:04:07 10.244.7.0/24\n");
    EXPECT_EQ(findings(), "");
}

TEST_F(DesiredStateTest, MtuFollowsTheUnderlaysPort) {
    kernel_.interfaces[1].mtu = 1400;
    EXPECT_EQ(make(own_node() + net_conf).networks[0].mtu, 1330);
    std::string v4_only = net_conf;
    v4_only.replace(v4_only.find("\"EnableIPv6\":true"), 17, "\"EnableIPv6\":false");
    EXPECT_EQ(make(own_node() + v4_only).networks[0].mtu, 1350);
    EXPECT_EQ(out_.state.ports[0].mtu, 1500);
}

TEST_F(DesiredStateTest, APeersMtuIsThatOfItsTunnel) {
    for (const DesiredPeer& peer : make(own_node() + node("node1", 1) + net_conf).peers)
        EXPECT_EQ(peer.mtu, peer.underlay.is_v4() ? 1450 : 1430);
    EXPECT_EQ(out_.state.peers.size(), 2U);
}

TEST_F(DesiredStateTest, OuterChecksumFollowsTheUnderlaysDevice) {
    ports_[0].offers_outer_checksum = true;  // not the underlay's
    EXPECT_EQ(make(own_node() + net_conf).networks[0].outer_checksum, OuterChecksum::zero);
    ports_[1].offers_outer_checksum = true;
    EXPECT_EQ(make(own_node() + net_conf).networks[0].outer_checksum, OuterChecksum::valid);
    config_.networks[0].outer_checksum = OuterChecksum::zero;
    EXPECT_EQ(make(own_node() + net_conf).networks[0].outer_checksum, OuterChecksum::zero);
}

TEST_F(DesiredStateTest, MissingOwnNodeIsReported) {
    const DesiredNetwork network = make(node("node1", 1)).networks.at(0);
    EXPECT_NE(findings().find("network demo: there is no Node gw, the gateway's own"), std::string::npos);
    EXPECT_NE(findings().find("network demo: it has no tunnel endpoint"), std::string::npos);
    EXPECT_EQ(network.vtep_mac.bytes[0] & 3, 2) << "made up: locally administered, unicast";
    EXPECT_EQ(network.vtep_mac, make(node("node2", 2)).networks.at(0).vtep_mac) << "and always the same";
}

struct BadNode {
    const char* name;
    const char* from;
    const char* to;
    const char* reason;
};
void PrintTo(const BadNode& row, std::ostream* out) { *out << row.name; }
class MalformedNode : public DesiredStateTest, public ::testing::WithParamInterface<BadNode> {};

TEST_P(MalformedNode, IsNoPeerAndHarmsNobodyElse) {
    std::string bad = node("node1", 1);
    bad.replace(bad.find(GetParam().from), std::string(GetParam().from).size(), GetParam().to);
    make(own_node() + bad + node("node2", 2) + net_conf);
    EXPECT_EQ(out_.state.peers.size(), 2U) << peers();
    EXPECT_EQ(findings(), std::string("Node node1: is no peer: ") + GetParam().reason + "\n");
}
INSTANTIATE_TEST_SUITE_P(
    Rows, MalformedNode,
    ::testing::Values(
        BadNode{"address", "192.0.2.1", "nowhere", "its annotation public-ip is 'nowhere'"},
        BadNode{"missing family", "flannel.alpha.coreos.com/public-ipv6", "other", "its annotation public-ipv6 is ''"},
        BadNode{"no JSON", "{\"VNI\":1,\"VtepMAC\":\"12:00:00:00:04:01\"}", "{VtepMAC:12}",
                "its annotation backend-data is '{VtepMAC:12}'"},
        BadNode{"bad MAC", "12:00:00:00:04:01", "13:00:00:00:04:01",
                "its annotation backend-data is '{\"VNI\":1,\"VtepMAC\":\"13:00:00:00:04:01\"}'"},
        BadNode{"other backend", "type: vxlan", "type: host-gw", "its annotation backend-type is 'host-gw'"},
        BadNode{"no subnet", ", \"fd00:244:0:1::/64\"", "", "it has no IPv6 pod CIDR"}));

TEST_F(DesiredStateTest, NodesThatFlannelDoesNotManageAreNoPeers) {
    std::string other = node("node1", 1);
    other.replace(other.find("'true'"), 6, "'false'");
    make(own_node() + other);
    EXPECT_EQ(peers() + findings(), "");
}

TEST_F(DesiredStateTest, OldBackendDataWithoutVniIsAccepted) {
    std::string old = node("node1", 1);
    old.replace(old.find("\"VNI\":1,"), 8, "");
    make(own_node() + old + net_conf);
    EXPECT_EQ(out_.state.peers.size(), 2U);
}

TEST_F(DesiredStateTest, OverlapNamesBothAndTheFirstKeepsIt) {
    std::string wide = node("node2", 2);
    wide.replace(wide.find("10.244.2.0/24"), 13, "10.244.0.0/22");
    make(own_node() + node("node1", 1) + wide + net_conf);
    EXPECT_EQ(peers(),
              "node1 192.0.2.1 12:00:00:00:04:01 10.244.1.0/24\nnode1 2001:db8::1 12:00:00:00:06:01 fd00:244:0:1::/64\n"
              "node2 192.0.2.2 12:00:00:00:04:02\nnode2 2001:db8::2 12:00:00:00:06:02 fd00:244:0:2::/64\n");
    EXPECT_EQ(findings(), "Node node2: its pod subnet 10.244.0.0/22 overlaps that of node1, which keeps the route\n");

    // A newcomer does not take over by standing first in the file.
    const DesiredState before = out_.state;
    make(own_node() + wide + node("node1", 1) + net_conf, &before);
    EXPECT_EQ(out_.state, before);
    make(own_node() + wide + node("node1", 1) + net_conf);
    EXPECT_EQ(findings(), "Node node1: its pod subnet 10.244.1.0/24 overlaps that of node2, which keeps the route\n");
}

TEST_F(DesiredStateTest, OurOwnSubnetAndAddressAreOurs) {
    make(own_node() + node("node1", 9) + net_conf);
    EXPECT_EQ(peers(), "");
    EXPECT_NE(findings().find("Node node1: is no peer: its address 192.0.2.9 is gw (the gateway)'s"),
              std::string::npos);
}

TEST_F(DesiredStateTest, StaticNetwork) {
    NetworkConfig& network = config_.networks[0];
    network.type = NetworkType::fixed;
    network.node_name.clear();
    network.vtep_v4 = Ipv4(192, 0, 2, 9);
    network.pod_subnet_v4 = Prefix<Ipv4>(Ipv4(10, 42, 9, 0), 24);
    network.peers = {{"a", Ipv4(192, 0, 2, 1), *parse_mac("12:00:00:00:00:01"), {*parse_prefix("10.42.1.0/24")}},
                     {"b", Ipv4(192, 0, 2, 2), *parse_mac("12:00:00:00:00:02"), {*parse_prefix("10.42.1.128/25")}}};
    make("");
    EXPECT_EQ(peers(), "a 192.0.2.1 12:00:00:00:00:01 10.42.1.0/24\nb 192.0.2.2 12:00:00:00:00:02\n");
    EXPECT_EQ(out_.state.networks[0].mtu, 1450);
    EXPECT_EQ(out_.state.networks[0].cluster_cidrs.size(), 2U);
    EXPECT_EQ(findings(), "peer b: its pod subnet 10.42.1.128/25 overlaps that of a, which keeps the route\n");
}

}  // namespace
}  // namespace viaduct
