// Cilium's networks: CiliumNodes, cilium-config, and what Cilium's VTEP integration has to be told.
#include <gtest/gtest.h>

#include "overlay_fixture.h"

namespace viaduct {
namespace {

class CiliumTest : public OverlayTest {
protected:
    CiliumTest() : OverlayTest(NetworkType::cilium, "cilium-1.17/cluster.yaml") {
        network().vtep_v4 = Ipv4(192, 0, 2, 9);
        network().pod_subnet_v4 = Prefix<Ipv4>(Ipv4(10, 244, 9, 0), 24);
    }
};

TEST_F(CiliumTest, OneTunnelCarriesTheSubnetsOfBothFamilies) {
    make();
    EXPECT_EQ(peers(),
              "node1 192.0.2.11 0a:0a:c0:00:02:0b 1450 10.244.1.0/24 fd00:244:0:1::/64\n"
              "node2 192.0.2.12 0a:0a:c0:00:02:0c 1450 10.244.2.0/25 fd00:244:0:2::/64 10.244.2.128/25\n");
    EXPECT_EQ(findings(), "");
    EXPECT_EQ(text_of(made().cluster_cidrs), "10.244.0.0/16 fd00:244::/48 ");
}

TEST_F(CiliumTest, OverIpv6WhereTheGatewayHasNothingElse) {
    network().vtep_v4.reset();
    network().vtep_v6 = parse_ip("2001:db8::9")->v6();
    make();
    EXPECT_EQ(peers(),
              "node1 2001:db8::11 0a:0a:00:00:00:11 1430 10.244.1.0/24 fd00:244:0:1::/64\n"
              "node2 2001:db8::12 0a:0a:00:00:00:12 1430 10.244.2.0/25 fd00:244:0:2::/64 10.244.2.128/25\n");
}

TEST_F(CiliumTest, SaysItIsTheWorldAndTakesEveryIdentity) {
    make();
    EXPECT_EQ(made().vni, Vni(2));
    EXPECT_TRUE(made().any_vni);
    EXPECT_EQ(made().udp_port, 8472);
    EXPECT_EQ(to_string(made().vtep_mac), "0a:0a:c0:00:02:09");
    make({{"tunnel-port: \"8472\"", "tunnel-port: \"8473\"\n  mtu: \"1400\""}});
    EXPECT_EQ(made().udp_port, 8473);
    EXPECT_EQ(out_.state.peers.at(0).mtu, 1350);
}

TEST_F(CiliumTest, NodesSubnetsCountWhereCiliumHasNone) {
    const std::string nodes =
        "kind: Node\nmetadata: {name: node1, annotations: {network.cilium.io/ipv4-pod-cidr: 10.244.7.0/24}}\n"
        "---\nkind: Node\nmetadata: {name: node3}\nspec: {podCIDRs: [10.244.3.0/24, \"fd00:244:0:3::/64\"]}\n"
        "status: {addresses: [{type: Hostname, address: node3}, {type: InternalIP, address: 192.0.2.13}]}\n"
        "---\nkind: Node\nmetadata: {name: idle}\n";
    make({{"podCIDRs: [10.244.1.0/24, \"fd00:244:0:1::/64\"]", "podCIDRs: []"}}, nodes);
    EXPECT_EQ(peers(),
              "node1 192.0.2.11 0a:0a:c0:00:02:0b 1450 10.244.7.0/24\n"
              "node2 192.0.2.12 0a:0a:c0:00:02:0c 1450 10.244.2.0/25 fd00:244:0:2::/64 10.244.2.128/25\n"
              "node3 192.0.2.13 0a:0a:c0:00:02:0d 1450 10.244.3.0/24 fd00:244:0:3::/64\n");
    EXPECT_EQ(findings(), "");
}

struct CiliumCase {
    const char* name;
    std::vector<Change> changes;
    const char* finding;
};

class CiliumCases : public CiliumTest, public ::testing::WithParamInterface<CiliumCase> {};

TEST_P(CiliumCases, Case) {
    make(GetParam().changes);
    EXPECT_NE(findings().find(GetParam().finding), std::string::npos) << findings();
}

INSTANTIATE_TEST_SUITE_P(
    Cilium, CiliumCases,
    ::testing::Values(
        CiliumCase{"native",
                   {{"routing-mode: tunnel", "routing-mode: native"}},
                   "ConfigMap kube-system/cilium-config: its nodes send by native, not by VXLAN"},
        CiliumCase{"geneve", {{"tunnel-protocol: vxlan", "tunnel-protocol: geneve"}}, "its nodes send by geneve"},
        CiliumCase{"vtepOff",
                   {{"enable-vtep: \"true\"", "enable-vtep: \"false\""}},
                   "network demo: Cilium's nodes do not know the gateway"},
        CiliumCase{"otherMac", {{"0a:0a:c0:00:02:09", "0a:0a:c0:00:02:08"}}, "Cilium's nodes do not know the gateway"},
        CiliumCase{"otherMask", {{"255.255.255.0", "255.255.0.0"}}, "Cilium's nodes do not know the gateway"},
        CiliumCase{"noSubnet",
                   {{"podCIDRs: [10.244.1.0/24, \"fd00:244:0:1::/64\"]", "podCIDRs: []"}},
                   "CiliumNode node1: is no peer: it has no pod CIDR"},
        CiliumCase{"noAddress",
                   {{"{ip: 192.0.2.11, type: InternalIP}", "{ip: 192.0.2.11, type: Hostname}"},
                    {"{ip: 203.0.113.77, type: ExternalIP}", "{type: ExternalIP}"}},
                   "CiliumNode node1: is no peer: it has no InternalIP of the gateway's family"}),
    [](const auto& one) { return one.param.name; });

TEST_F(CiliumTest, TellsWhatToSetInCilium) {
    make({{"enable-vtep: \"true\"", "enable-vtep: \"false\""}});
    EXPECT_NE(remedies().find("--set vtep.enabled=true --set vtep.endpoint=192.0.2.9 --set vtep.cidr=10.244.9.0/24 "
                              "--set vtep.mask=255.255.255.0 --set vtep.mac=0a:0a:c0:00:02:09"),
              std::string::npos)
        << remedies();
    network().pod_subnet_v6 = parse_prefix("fd00:244:0:9::/64")->v6();
    make();
    EXPECT_EQ(findings(), "network demo: Cilium's nodes send nothing to its IPv6 pod subnet\n");
}

TEST_F(CiliumTest, MalformedSettingsAreNamed) {
    const ReadObjects read = read_objects(changed(text_, {{"192.0.2.99 192.0.2.9", "192.0.2.9"}}), "test.yaml");
    ASSERT_EQ(read.errors.size(), 1U);
    EXPECT_NE(read.errors[0].text.find("data.vtep-endpoint has another length than vtep-cidr or vtep-mac"),
              std::string::npos)
        << read.errors[0].text;
}

}  // namespace
}  // namespace viaduct
