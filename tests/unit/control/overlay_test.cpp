// Calico's and Cilium's networks, case by case: a cluster's objects with something changed; peers, settings and
// findings out.
#include "control/desired/overlay.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "control/objects/read_objects.h"
#include "encap/net_text.h"

namespace viaduct {
namespace {

std::string text_of_file(const std::string& name) {
    std::ifstream file(SOURCE_ROOT "/tests/data/" + name);
    EXPECT_TRUE(file) << name;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The text with what is to be changed in it.
struct Change {
    std::string from, to;
};
std::string changed(std::string text, const std::vector<Change>& changes) {
    for (const auto& [from, to] : changes) {
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        if (at != std::string::npos) text.replace(at, from.size(), to);
    }
    return text;
}

class OverlayTest : public ::testing::Test {
protected:
    OverlayTest(NetworkType type, const char* file) : text_(text_of_file(file)) {
        NetworkConfig& network = config_.networks.emplace_back();
        network.name = "demo";
        network.type = type;
        PortFacts& port = ports_.emplace_back();
        port.name = port.interface_name = "underlay";
        port.interface_index = 3;
        kernel_.interfaces = {{3, "eth1", "", {}, 1500, true, true}};
        kernel_.addresses = {{3, Ipv4(192, 0, 2, 9), 24, false}, {3, *parse_ip("2001:db8::9"), 64, false}};
    }
    NetworkConfig& network() { return config_.networks[0]; }
    void make(const std::vector<Change>& changes = {}, const std::string& more = "") {
        objects_ = {};
        const ReadObjects read = read_objects(changed(text_, changes) + "---\n" + more, "test.yaml");
        for (const ObjectError& error : read.errors) ADD_FAILURE() << error.text;
        for (const Object& object : read.objects) objects_.add(object);
        objects_.unread = unread_;
        const SourceObjects source{"demo", &objects_};
        out_ = desired_state({config_, {&source, 1}, kernel_, ports_, nullptr, nullptr});
    }
    const DesiredNetwork& made() const { return out_.state.networks.at(0); }
    std::string peers() const {
        std::string text;
        for (const DesiredPeer& peer : out_.state.peers) {
            text += peer.name + " " + to_string(peer.underlay) + " " + to_string(peer.vtep_mac) + " " +
                    std::to_string(peer.mtu);
            for (const IpPrefix& subnet : peer.pod_subnets) text += " " + to_string(subnet);
            text += "\n";
        }
        return text;
    }
    std::string findings() const {
        std::string text;
        for (const Finding& one : out_.findings) text += one.subject + ": " + one.text + "\n";
        return text;
    }
    std::string remedies() const {
        std::string text;
        for (const Finding& one : out_.findings) text += one.remedy + "\n";
        return text;
    }

    std::string text_;
    Config config_;
    std::vector<PortFacts> ports_;
    KernelState kernel_;
    Objects objects_;
    std::set<ObjectKind> unread_;
    DesiredOutput out_;
};

std::string text_of(const std::vector<IpPrefix>& prefixes) {
    std::string text;
    for (const IpPrefix& one : prefixes) text += to_string(one) + " ";
    return text;
}

// Calico
// ---------------------------------------------------------------------------------------------------------------
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

// Cilium
// ---------------------------------------------------------------------------------------------------------------
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
