// Calico's networks: blocks, borrowed addresses, FelixConfiguration, and what a gateway needs that is no Calico node.
#include <gtest/gtest.h>

#include "overlay_fixture.h"

namespace viaduct {
namespace {

class CalicoTest : public OverlayTest {
protected:
    CalicoTest() : OverlayTest(NetworkType::calico, "calico-3.29/cluster.yaml") { network().node_name = "gw"; }
};

// The values are those of `printf node2 | sha1sum` and `printf node2-v6 | sha1sum`.
TEST(CalicoMac, IsFAndTheNamesSha1) {
    EXPECT_EQ(to_string(calico_mac("node2", Family::v4)), "66:2d:bf:44:a6:8b");
    EXPECT_EQ(to_string(calico_mac("node2", Family::v6)), "66:32:42:ed:de:d5");
}

TEST_F(CalicoTest, BlocksAndBorrowedAddressesGoToTheirNodes) {
    make();
    EXPECT_EQ(peers(),
              "node1 192.0.2.11 66:00:00:00:04:01 1450 10.244.1.0/26\n"
              "node1 2001:db8::11 66:00:00:00:06:01 1430 fd00:244:0:1::40/122\n"
              "node2 192.0.2.12 66:2d:bf:44:a6:8b 1450 10.244.2.0/26 10.244.1.3/32\n"
              "node2 2001:db8::12 66:32:42:ed:de:d5 1430 fd00:244:0:2::40/122 fd00:244:0:1::43/128\n");
    EXPECT_EQ(findings(), "");
}

TEST_F(CalicoTest, TheGatewayIsTheCalicoNodeOfItsName) {
    make();
    EXPECT_EQ(made().vni, Vni(4096));
    EXPECT_EQ(made().udp_port, 4789);
    EXPECT_FALSE(made().any_vni);
    EXPECT_EQ(made().vtep_v4, Ipv4(192, 0, 2, 9));
    EXPECT_EQ(made().vtep_v6, parse_ip("2001:db8::9")->v6());
    EXPECT_EQ(to_string(*made().pod_subnet_v4), "10.244.9.0/26");
    EXPECT_EQ(to_string(*made().pod_subnet_v6), "fd00:244:0:9::40/122");
    EXPECT_EQ(made().vtep_mac, calico_mac("gw", Family::v4));
    EXPECT_EQ(made().former_macs, std::vector<Mac>{calico_mac("gw", Family::v6)}) << "IPv6 packets come to that one";
    EXPECT_EQ(text_of(made().cluster_cidrs), "10.244.0.0/16 fd00:244::/48 ");
    EXPECT_EQ(text_of(made().direct_cidrs), "");
}

TEST_F(CalicoTest, FelixConfigurationSetsTheWire) {
    make({{"vxlanEnabled: true", "vxlanVNI: 77, vxlanPort: 8472, vxlanMTU: 1400, vxlanMTUV6: 1380"}});
    EXPECT_EQ(made().vni, Vni(77));
    EXPECT_EQ(made().udp_port, 8472);
    EXPECT_EQ(out_.state.peers.at(0).mtu, 1400);
    EXPECT_EQ(out_.state.peers.at(1).mtu, 1380);
    network().vni = Vni(5);
    network().udp_port = 6000;
    make({{"vxlanEnabled: true", "vxlanVNI: 77, vxlanPort: 8472"}});
    EXPECT_EQ(made().vni, Vni(5)) << "the configuration has the last word";
    EXPECT_EQ(made().udp_port, 6000);
}

struct CalicoCase {
    const char* name;
    std::vector<Change> changes;
    const char* present;  // in the text of all peers, or ""
    const char* absent;   // from it, or ""
    const char* finding;  // in the findings' text; "": none at all
};

class CalicoCases : public CalicoTest, public ::testing::WithParamInterface<CalicoCase> {};

TEST_P(CalicoCases, Case) {
    make(GetParam().changes);
    EXPECT_NE(peers().find(GetParam().present), std::string::npos) << peers();
    const std::string absent = GetParam().absent, finding = GetParam().finding;
    EXPECT_TRUE(absent.empty() || peers().find(absent) == std::string::npos) << peers();
    EXPECT_NE(findings().find(finding), std::string::npos) << findings();
    EXPECT_TRUE(!finding.empty() || findings().empty()) << findings();
}

INSTANTIATE_TEST_SUITE_P(
    Calico, CalicoCases,
    ::testing::Values(
        CalicoCase{"pending",
                   {{"node: node1, state: confirmed", "node: node1, state: pending"}},
                   "fd00:244:0:1::40/122",
                   "10.244.1.0/26",
                   ""},
        CalicoCase{"pendingV6",
                   {{"fd00:244:0:1::40/122\", deleted: \"false\", node: node1, state: confirmed",
                     "fd00:244:0:1::40/122\", deleted: \"false\", node: node1, state: pendingDeletion"}},
                   "10.244.1.0/26",
                   "fd00:244:0:1::40/122",
                   ""},
        CalicoCase{"deleted",
                   {{"deleted: \"false\", node: node1", "deleted: \"true\", node: node1"}},
                   "fd00:244:0:1::40/122",
                   "10.244.1.0/26",
                   ""},
        CalicoCase{"virtualBlock", {{"type: host", "type: virtual"}}, "", "10.244.1.0/26", ""},
        CalicoCase{
            "blockWithoutAffinity", {{"affinity: host:node1", "affinity: null"}}, "10.244.1.0/26", "10.244.1.1/32", ""},
        CalicoCase{"disabledPoolsPodsStay",
                   {{"vxlanMode: Always", "vxlanMode: Always\n  disabled: true"}},
                   "10.244.1.0/26",
                   "",
                   ""},
        CalicoCase{
            "neverIsTheKernels", {{"vxlanMode: Always", "vxlanMode: Never"}}, "fd00:244:0:1::40/122", "10.244.1.", ""},
        CalicoCase{
            "noModeIsNever", {{"vxlanMode: Always", "disabled: false"}}, "fd00:244:0:1::40/122", "10.244.1.", ""},
        CalicoCase{"ipInIp",
                   {{"ipipMode: Never", "ipipMode: Always"}, {"vxlanMode: Always", "vxlanMode: Never"}},
                   "",
                   "10.244.1.",
                   "IPPool default-ipv4-ippool: its packets travel in IP-in-IP"},
        CalicoCase{"noTunnelAddress",
                   {{"    projectcalico.org/IPv4VXLANTunnelAddr: 10.244.1.0\n", ""}},
                   "node1 2001:db8::11",
                   "node1 192.0.2.11",
                   "Node node1: is no peer: its annotation projectcalico.org/IPv4VXLANTunnelAddr is ''"},
        CalicoCase{"noTunnelAddressV6",
                   {{"    projectcalico.org/IPv6VXLANTunnelAddr: fd00:244:0:1::40\n", ""}},
                   "node1 192.0.2.11",
                   "node1 2001:db8::11",
                   "projectcalico.org/IPv6VXLANTunnelAddr is ''"},
        CalicoCase{"badHostAddress",
                   {{"192.0.2.11/24", "none"}},
                   "node2 192.0.2.12",
                   "192.0.2.11",
                   "projectcalico.org/IPv4Address is 'none'"},
        CalicoCase{"badMac",
                   {{"66:00:00:00:04:01", "here"}},
                   "node1 192.0.2.11 66:f9:37:c3:7e:94",
                   "",
                   "Node node1: its tunnel's MAC address is 'here'"},
        CalicoCase{"noPool",
                   {{"cidr: 10.244.0.0/16", "cidr: 10.99.0.0/16"}},
                   "node1 192.0.2.11",
                   "10.244.1.",
                   "BlockAffinity node1-10-244-1-0-26: its block 10.244.1.0/26 is in no IPPool"},
        CalicoCase{"borrowedFromTheGateway",
                   {{"cidr: 10.244.1.0/26\n  deleted: false", "cidr: 10.244.9.0/26\n  deleted: false"}},
                   "10.244.2.0/26",
                   "10.244.9.3/32",
                   "Node node2: its address 10.244.9.3 is gw (the gateway)'s too"},
        CalicoCase{"blockNotReserved",
                   {{"cidr: 10.244.1.0/26\n  deleted: false", "cidr: 10.244.9.0/26\n  deleted: false"}},
                   "10.244.2.0/26",
                   "",
                   "network demo: pods may get addresses of its block 10.244.9.0/26"}),
    [](const auto& one) { return one.param.name; });

/// A server that does not let the gateway read pools, or does not know them yet, is told of; their absence is not.
TEST_F(CalicoTest, WhatCouldNotBeReadIsNotMissing) {
    const std::vector<Change> no_pools{{"kind: IPPool", "kind: Unknown"}, {"kind: IPPool", "kind: Unknown"}};
    make(no_pools);
    EXPECT_NE(findings().find("there is no IPPool"), std::string::npos) << findings();
    EXPECT_NE(findings().find("is in no IPPool"), std::string::npos) << findings();
    unread_ = {ObjectKind::ip_pool};
    make(no_pools);
    EXPECT_EQ(findings().find("no IPPool"), std::string::npos) << findings();
}

TEST_F(CalicoTest, CrossSubnetIsForPoolsThatSayIt) {
    make({{"vxlanMode: Always", "vxlanMode: CrossSubnet"}});
    EXPECT_EQ(text_of(made().direct_cidrs), "10.244.0.0/16 ");
    EXPECT_NE(peers().find("10.244.1.0/26"), std::string::npos);
    EXPECT_EQ(findings(), "");
}

/// A gateway that is no node of Calico's.
class CalicoStrangerTest : public CalicoTest {
protected:
    CalicoStrangerTest() {
        network().node_name.clear();
        network().vtep_v4 = Ipv4(192, 0, 2, 7);
        network().pod_subnet_v4 = Prefix<Ipv4>(Ipv4(10, 99, 0, 0), 24);
        kernel_.addresses = {{3, Ipv4(192, 0, 2, 7), 24, false}};
    }
    static Change admit(const std::string& whom) { return {"vxlanEnabled: true", "externalNodesList: [" + whom + "]"}; }
    std::string disabled_pool_ =
        "apiVersion: crd.projectcalico.org/v1\nkind: IPPool\nmetadata: {name: gateways}\n"
        "spec: {cidr: 10.99.0.0/16, disabled: true, vxlanMode: Never}\n";
};

TEST_F(CalicoStrangerTest, HasToBeAdmitted) {
    make({}, disabled_pool_);
    EXPECT_NE(findings().find("network demo: Calico's nodes drop its packets: 192.0.2.7 is neither"), std::string::npos)
        << findings();
    EXPECT_NE(remedies().find(R"({"spec":{"externalNodesList":["192.0.2.7"]}})"), std::string::npos) << remedies();
    for (const char* whom : {"192.0.2.7", "192.0.2.0/24", "203.0.113.1, 192.0.2.7/32"}) {
        make({admit(whom)}, disabled_pool_);
        EXPECT_EQ(findings(), "") << whom;
    }
    make({admit("192.0.3.0/24")}, disabled_pool_);
    EXPECT_NE(findings(), "");
    unread_ = {ObjectKind::felix_config};
    make({}, disabled_pool_);
    EXPECT_EQ(findings().find("drop its packets"), std::string::npos) << "nobody knows";
}

TEST_F(CalicoStrangerTest, IsAdmittedByIpv6Too) {
    network().vtep_v4.reset();
    network().pod_subnet_v4.reset();
    network().vtep_v6 = parse_ip("2001:db8::7")->v6();
    network().pod_subnet_v6 = parse_prefix("fd00:99::/64")->v6();
    kernel_.addresses = {{3, *parse_ip("2001:db8::7"), 64, false}};
    make();
    EXPECT_NE(findings().find("2001:db8::7 is neither"), std::string::npos) << findings();
    make({admit("'2001:db8::/64'")});
    EXPECT_EQ(findings(), "");
    EXPECT_EQ(peers().find("192.0.2."), std::string::npos) << "no tunnel of a family that the gateway lacks";
}

TEST_F(CalicoStrangerTest, ItsPodSubnetMustBeItsOwn) {
    make({admit("192.0.2.7")});
    EXPECT_NE(findings().find("nodes masquerade what pods send to its pod subnet 10.99.0.0/24"), std::string::npos)
        << findings();
    make({admit("192.0.2.7"), {"natOutgoing: true", "natOutgoing: false"}});
    EXPECT_EQ(findings(), "");
    network().pod_subnet_v4 = Prefix<Ipv4>(Ipv4(10, 244, 77, 0), 24);
    make({admit("192.0.2.7")});
    EXPECT_NE(
        findings().find("pods may get addresses of its pod subnet 10.244.77.0/24, which is in IPPool default-ipv4"),
        std::string::npos)
        << findings();
    network().pod_subnet_v4 = Prefix<Ipv4>(Ipv4(10, 244, 2, 0), 24);
    make({admit("192.0.2.7")});
    EXPECT_NE(findings().find("Node node2: its pod subnet 10.244.2.0/26 overlaps that of the gateway"),
              std::string::npos)
        << findings();
}

TEST_F(CalicoTest, MalformedObjectsAreNamed) {
    const ReadObjects read =
        read_objects(changed(text_, {{"cidr: 10.244.0.0/16", "cidr: all"},
                                     {"state: confirmed, type: host", "state: confirmed, deleted2: 0, cidr: x"},
                                     {"allocations: [0, 1, null, 2", "allocations: [0, 1, null, 9"}}),
                     "test.yaml");
    std::string errors;
    for (const ObjectError& error : read.errors) errors += error.text + "\n";
    EXPECT_NE(errors.find("IPPool default-ipv4-ippool: spec.cidr is 'all': write a prefix"), std::string::npos)
        << errors;
    EXPECT_NE(errors.find("IPAMBlock 10-244-1-0-26: spec.allocations[3] has no entry in spec.attributes"),
              std::string::npos)
        << errors;
}

}  // namespace
}  // namespace viaduct
