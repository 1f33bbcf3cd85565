// Desired state, row by row: YAML objects, a configuration and a kernel in; peers, Services, routes and findings out.
#include "control/desired/desired_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/objects/read_objects.h"
#include "control/sources/flannel_etcd/subnet_record.h"
#include "encap/net_text.h"

namespace viaduct {
namespace {

std::string node(const std::string& name, unsigned number, const std::string& extra = "") {
    const std::string n = std::to_string(number);
    return "---\nkind: Node\nmetadata:\n  name: " + name + "\n  annotations:\n" +
           "    flannel.alpha.coreos.com/kube-subnet-manager: 'true'\n    flannel.alpha.coreos.com/backend-type: "
           "vxlan\n" +
           "    flannel.alpha.coreos.com/public-ip: 192.0.2." + n +
           "\n    flannel.alpha.coreos.com/public-ipv6: 2001:db8::" + n +
           "\n    flannel.alpha.coreos.com/backend-data: '{\"VNI\":1,\"VtepMAC\":\"12:00:00:00:04:0" + n +
           "\"}'\n    flannel.alpha.coreos.com/backend-v6-data: '{\"VNI\":1,\"VtepMAC\":\"12:00:00:00:06:0" + n +
           "\"}'\n" + extra + "spec: {podCIDRs: [10.244." + n + ".0/24, \"fd00:244:0:" + n + "::/64\"]}\n";
}

constexpr const char* net_conf = R"(
---
kind: ConfigMap
metadata: {name: kube-flannel-cfg}
data: {net-conf.json: '{"Network":"10.244.0.0/16","EnableIPv6":true,"IPv6Network":"fd00:244::/56","Backend":{"Type":"vxlan","Port":4789}}'}
)";

const std::string slices = R"(
---
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.244.2.5]}, {addresses: [10.244.3.5]}]
ports: [{name: http, port: 8080}]
---
kind: EndpointSlice
metadata: {name: web-2, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv6
endpoints: [{addresses: ["fd00:244:0:2::5"]}]
ports: [{name: http, port: 8080}]
)";

std::string service(const std::string& spec, const std::string& rest = "") {
    return "---\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {" + spec + "}\n" + rest;
}

/// One sentence for each Service: "shop/web:http TCP v4: cluster 10.96.0.1:80 -> 10.244.2.5:8080".
std::string text_of(const DesiredService& one) {
    static const char* kinds[] = {"cluster", "node", "external", "lb"};
    std::string text = one.name + " " + to_string(one.protocol) + (one.family == Family::v4 ? " v4" : " v6") +
                       (one.group.empty() ? "" : " (" + one.group + ")") + ":";
    for (const DesiredFrontend& front : one.frontends)
        text += " " + std::string(kinds[static_cast<unsigned>(front.kind)]) + " " + to_string(front.address) + " " +
                std::to_string(front.port);
    text += " ->";
    for (const DesiredBackend& back : one.backends)
        text += " " + to_string(back.address) + " " + std::to_string(back.port);
    if (one.backends.empty()) text += one.when_empty == WhenEmpty::reject ? " reject" : " drop";
    return text;
}

class DesiredStateTest : public ::testing::Test {
protected:
    DesiredStateTest() {
        NetworkConfig& network = config_.networks.emplace_back();
        network.name = "demo";
        network.node_name = "gw";
        network.host_interface = "viaduct0";
        add_port("outside", 2, false);
        add_port("underlay", 3, false);
        add_port("viaduct0", 4, true);
        kernel_.interfaces = {{2, "eth0", "", {}, 1500, true, true}, {3, "eth1", "", {}, 1500, true, true}};
        kernel_.addresses = {{2, Ipv4(198, 51, 100, 1), 24, false},
                             {2, *parse_ip("fe80::1"), 64, true},
                             {3, Ipv4(192, 0, 2, 9), 24, false},
                             {3, *parse_ip("2001:db8::9"), 64, false}};
    }
    void add_port(const std::string& name, unsigned interface, bool host) {
        PortFacts& port = ports_.emplace_back();
        port.name = name;
        port.interface_name = name;
        port.interface_index = interface;
        port.host = host;
    }
    static Objects objects_of(const std::string& yaml) {
        Objects objects;
        const ReadObjects read = read_objects(yaml, "test.yaml");
        for (const ObjectError& error : read.errors) ADD_FAILURE() << error.text;
        for (const Object& object : read.objects) objects.add(object);
        return objects;
    }
    const DesiredState& make(const std::string& yaml, const DesiredState* previous = nullptr) {
        objects_ = objects_of(yaml);
        const SourceObjects source{"demo", &objects_};
        out_ = desired_state({config_, {&source, 1}, kernel_, ports_, previous, &assigned_});
        return out_.state;
    }
    std::string services() const {
        std::string text;
        for (const DesiredService& one : out_.state.services) text += text_of(one) + "\n";
        return text;
    }
    std::string peers() const {
        std::string text;
        for (const DesiredPeer& peer : out_.state.peers) {
            text += peer.name + " " + to_string(peer.underlay) + " " + to_string(peer.vtep_mac);
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
    static std::string own_node() { return node("gw", 9); }

    Config config_;
    std::vector<PortFacts> ports_;
    KernelState kernel_;
    Objects objects_;
    Assignments assigned_;
    DesiredOutput out_;
};

/// The second network's key lines against the first's endpoint 192.0.2.9, port 8472, VNI 1.
TEST_F(DesiredStateTest, NetworksThatLookAlikeOnTheWireAreNamed) {
    config_.networks[0].vtep_v4 = Ipv4(192, 0, 2, 9);
    NetworkConfig& second = config_.networks.emplace_back();
    second.name = "second";
    second.type = NetworkType::fixed;
    second.vtep_v4 = Ipv4(192, 0, 2, 9);
    second.masquerade = false;
    const auto told = [&] {
        make(own_node());
        std::string text;
        for (const Finding& one : out_.findings)
            if (one.subject == "network second") text += one.text + "\n";
        return text;
    };
    second.vni = Vni(1);
    EXPECT_EQ(told(), "its tunnel packets look like those of network demo, which gets them\n");
    second.vni = Vni(2);
    EXPECT_EQ(told(), "");
    second.any_vni = true;
    EXPECT_EQ(told(), "with every VNI accepted, some of its packets may look like network demo's\n");
    second.udp_port = 4789;
    EXPECT_EQ(told(), "");
    second.udp_port.reset();
    second.vtep_v4 = Ipv4(192, 0, 2, 8);
    EXPECT_EQ(told(), "no port has its tunnel address 192.0.2.8\n");
}

/// Each from its own source: the same Nodes, the same Services, and VIPs of their own.
TEST_F(DesiredStateTest, TwoClustersWithTheSamePods) {
    config_.networks[0].vtep_v4 = Ipv4(192, 0, 2, 9);
    NetworkConfig& second = config_.networks.emplace_back(config_.networks[0]);
    second.name = "second";
    second.vtep_v4 = Ipv4(192, 0, 2, 8);
    second.host_interface = "viaduct1";
    add_port("viaduct1", 5, true);
    const auto web = [](const std::string& vip) {
        return service("externalIPs: [" + vip + "], ports: [{name: http, port: 80}]") + slices;
    };
    const std::string nodes = own_node() + node("node2", 2) + node("node3", 3);
    const Objects first_objects = objects_of(nodes + web("203.0.113.1")),
                  second_objects = objects_of(nodes + web("203.0.113.2"));
    const std::array sources{SourceObjects{"demo", &first_objects}, SourceObjects{"second", &second_objects}};
    out_ = desired_state({config_, sources, kernel_, ports_, nullptr, &assigned_});
    EXPECT_EQ(findings().find("overlap"), std::string::npos) << findings();
    EXPECT_EQ(std::ranges::count(out_.state.peers, NetworkId{0}, &DesiredPeer::network), 4) << "two, by each family";
    EXPECT_EQ(std::ranges::count(out_.state.peers, NetworkId{1}, &DesiredPeer::network), 4);
    std::map<std::string, NetworkId> vips;
    for (const DesiredService& one : out_.state.services)
        for (const DesiredFrontend& front : one.frontends) vips[to_string(front.address)] = one.network;
    EXPECT_NE(findings().find("network second: its pods have addresses of network demo's, to which this host's own"),
              std::string::npos)
        << findings();
    config_.networks[1].host_interface.clear();
    out_ = desired_state({config_, sources, kernel_, ports_, nullptr, &assigned_});
    EXPECT_EQ(findings().find("this host's own packets"), std::string::npos) << findings();
    EXPECT_EQ(vips, (std::map<std::string, NetworkId>{{"203.0.113.1", NetworkId{0}}, {"203.0.113.2", NetworkId{1}}}));
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

struct Row {
    const char* name;
    std::string yaml;
    const char* services;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class ServiceRow : public DesiredStateTest, public ::testing::WithParamInterface<Row> {};

TEST_P(ServiceRow, IsServed) {
    make(own_node() + net_conf + GetParam().yaml);
    EXPECT_EQ(services(), GetParam().services);
}

const std::string http = "ports: [{name: http, port: 80, targetPort: 8080}]";
#define V4 " -> 10.244.2.5 8080 10.244.3.5 8080\n"
INSTANTIATE_TEST_SUITE_P(
    Frontends, ServiceRow,
    ::testing::Values(
        Row{"ClusterIP", service("clusterIP: 10.96.0.1, " + http) + slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80" V4},
        Row{"dual stack", service("clusterIPs: [10.96.0.1, \"fd00:96::1\"], " + http) + slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80" V4
            "shop/web:http TCP v6: cluster fd00:96::1 80 -> fd00:244:0:2::5 8080\n"},
        Row{"external IPs",
            service("clusterIP: 10.96.0.1, externalIPs: [203.0.113.5, \"2001:db8:f::5\"], " + http) + slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80 external 203.0.113.5 80" V4},
        Row{"load balancer of either ipMode",
            service("clusterIP: 10.96.0.1, " + http,
                    "status: {loadBalancer: {ingress: [{ip: 203.0.113.6, ipMode: VIP}, {ip: 203.0.113.7, ipMode: "
                    "Proxy}, {hostname: x}]}}\n") +
                slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80 lb 203.0.113.6 80 lb 203.0.113.7 80" V4},
        Row{"NodePort on own addresses",
            service("clusterIP: 10.96.0.1, ports: [{name: http, port: 80, nodePort: 30080}]") + slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80 node 198.51.100.1 30080 node 192.0.2.9 30080" V4},
        Row{"healthCheckNodePort is no frontend",
            service("clusterIP: 10.96.0.1, externalTrafficPolicy: Local, healthCheckNodePort: 30521, " + http,
                    "status: {loadBalancer: {ingress: [{ip: 203.0.113.6}]}}\n") +
                slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80 lb 203.0.113.6 80" V4},
        Row{"external IP of our own", service("clusterIP: 10.96.0.1, externalIPs: [198.51.100.1], " + http) + slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80 node 198.51.100.1 80" V4},
        Row{"no ClusterIP, as in hand-written files",
            service("externalIPs: [203.0.113.5, \"2001:db8:f::5\"], " + http) + slices,
            "shop/web:http TCP v4: external 203.0.113.5 80" V4
            "shop/web:http TCP v6: external 2001:db8:f::5 80 -> fd00:244:0:2::5 8080\n"},
        Row{"foreign class",
            service("clusterIP: 10.96.0.1, loadBalancerClass: x/y, " + http,
                    "status: {loadBalancer: {ingress: [{ip: 203.0.113.6}]}}\n") +
                slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80" V4}));
INSTANTIATE_TEST_SUITE_P(
    Backends, ServiceRow,
    ::testing::Values(Row{"targetPort by name",
                          service("clusterIP: 10.96.0.1, ports: [{name: http, port: 80, targetPort: web}]") + slices,
                          "shop/web:http TCP v4: cluster 10.96.0.1 80" V4},
                      Row{"targetPort left out",
                          service("clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]") + slices,
                          "shop/web:http TCP v4: cluster 10.96.0.1 80" V4},
                      Row{"no endpoints", service("clusterIP: 10.96.0.1, " + http),
                          "shop/web:http TCP v4: cluster 10.96.0.1 80 -> reject\n"},
                      Row{"nameless port", service("clusterIP: 10.96.0.1, ports: [{port: 80}]"),
                          "shop/web:80 TCP v4: cluster 10.96.0.1 80 -> reject\n"},
                      Row{"hand-made Endpoints",
                          service("clusterIP: 10.96.0.1, " + http) +
                              "---\nkind: Endpoints\nmetadata: {name: web, namespace: shop}\nsubsets: [{addresses: "
                              "[{ip: 10.1.1.1}], ports: [{name: http, port: 81}]}]\n",
                          "shop/web:http TCP v4: cluster 10.96.0.1 80 -> 10.1.1.1 81\n"},
                      Row{"slices before Endpoints",
                          service("clusterIP: 10.96.0.1, " + http) + slices +
                              "---\nkind: Endpoints\nmetadata: {name: web, namespace: shop}\nsubsets: [{addresses: "
                              "[{ip: 10.1.1.1}], ports: [{name: http, port: 81}]}]\n",
                          "shop/web:http TCP v4: cluster 10.96.0.1 80" V4},
                      Row{"another namespace's slices",
                          "---\nkind: Service\nmetadata: {name: web, namespace: other}\nspec: {clusterIP: 10.96.0.1, " +
                              http + "}\n" + slices,
                          "other/web:http TCP v4: cluster 10.96.0.1 80 -> reject\n"}));
INSTANTIATE_TEST_SUITE_P(Ignored, ServiceRow,
                         ::testing::Values(Row{"headless", service("clusterIP: None, " + http) + slices, ""},
                                           Row{"ExternalName",
                                               service("type: ExternalName, externalName: example.com") + slices, ""},
                                           Row{"another proxy's",
                                               "---\nkind: Service\nmetadata: {name: web, namespace: shop, labels: "
                                               "{service.kubernetes.io/service-proxy-name: x}}\n"
                                               "spec: {clusterIP: 10.96.0.1, " +
                                                   http + "}\n",
                                               ""}));
#undef V4

TEST_F(DesiredStateTest, LocalPolicyIsAGroupOfItsOwnOnANode) {
    config_.networks[0].local_policy = LocalPolicy::node;
    make(own_node() +
         service("clusterIP: 10.96.0.1, externalIPs: [203.0.113.5], externalTrafficPolicy: Local, " + http) + slices);
    EXPECT_EQ(services(),
              "shop/web:http TCP v4: cluster 10.96.0.1 80 -> 10.244.2.5 8080 10.244.3.5 8080\n"
              "shop/web:http TCP v4 (local): external 203.0.113.5 80 -> drop\n");
}

TEST_F(DesiredStateTest, SourceRangesAndAffinity) {
    make(own_node() + service("clusterIPs: [10.96.0.1, \"fd00:96::1\"], loadBalancerSourceRanges: [198.51.100.0/24], "
                              "sessionAffinity: ClientIP, " +
                                  http,
                              "status: {loadBalancer: {ingress: [{ip: 203.0.113.6}, {ip: \"2001:db8:f::6\"}]}}\n"));
    ASSERT_EQ(out_.state.services.size(), 2U);
    EXPECT_EQ(out_.state.services[0].source_ranges.size(), 1U);
    EXPECT_EQ(out_.state.services[1].source_ranges.size(), 0U);
    EXPECT_EQ(out_.state.services[0].affinity_seconds, 10'800U);
    EXPECT_NE(findings().find("Service shop/web: loadBalancerSourceRanges has no IPv6 range"), std::string::npos)
        << findings();
}

TEST_F(DesiredStateTest, LoadBalancerClassOfOurs) {
    config_.load_balancer_class = "x/y";
    make(own_node() +
         service("loadBalancerClass: x/y, " + http, "status: {loadBalancer: {ingress: [{ip: 203.0.113.6}]}}\n"));
    EXPECT_EQ(services(), "shop/web:http TCP v4: lb 203.0.113.6 80 -> reject\n");
}

TEST_F(DesiredStateTest, WhatThePoolsGaveIsServedInsteadOfTheStatus) {
    const std::string stale = "status: {loadBalancer: {ingress: [{ip: 203.0.113.6}]}}\n";
    assigned_[{"demo", {ObjectKind::service, "shop", "web"}}] = {Ipv4(203, 0, 113, 9)};
    make(own_node() + service("type: LoadBalancer, " + http, stale));
    EXPECT_EQ(services(), "shop/web:http TCP v4: lb 203.0.113.9 80 -> reject\n");
    assigned_ = {{{"other", {ObjectKind::service, "shop", "web"}}, {}}};
    make(own_node() + service("type: LoadBalancer, " + http, stale));
    EXPECT_EQ(services(), "shop/web:http TCP v4: lb 203.0.113.6 80 -> reject\n");
}

TEST_F(DesiredStateTest, TakenFrontendAndMisnamedPortAreReported) {
    make(own_node() + service("clusterIP: 10.96.0.1, ports: [{name: web, port: 80}]") + slices +
         "---\nkind: Service\nmetadata: {name: zoo, namespace: shop}\nspec: {clusterIP: 10.96.0.1, ports: [{port: 80}, "
         "{port: 80, protocol: UDP, name: u}]}\n");
    EXPECT_EQ(
        services(),
        "shop/web:web TCP v4: cluster 10.96.0.1 80 -> reject\nshop/zoo:u UDP v4: cluster 10.96.0.1 80 -> reject\n");
    EXPECT_EQ(findings(),
              "Service shop/web: its port 'web'/TCP has no counterpart of that name and protocol among its endpoints' "
              "ports: http/TCP\n"
              "Service shop/zoo:80: 10.96.0.1 port 80/TCP is already shop/web:web's\n");
}

TEST_F(DesiredStateTest, WhyAnEndpointIsIgnoredIsTold) {
    make(own_node() + service("clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]") + R"(
---
kind: EndpointSlice
metadata: {name: web-names, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: FQDN
endpoints: [{addresses: [pod.example.com]}]
ports: [{name: http, port: 8080}]
---
kind: EndpointSlice
metadata: {name: web-portless, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.244.2.5]}]
ports: [{name: http}]
)");
    EXPECT_EQ(services(), "shop/web:http TCP v4: cluster 10.96.0.1 80 -> reject\n");
    EXPECT_EQ(findings(),
              "Service shop/web: its port 'http'/TCP has no counterpart of that name and protocol among its endpoints' "
              "ports: http/TCP without a number\n"
              "EndpointSlice shop/web-names: its addresses are host names, which are not looked up: none of them is "
              "used\n");
}

/// The same slice, for one Service by the first source and for another by the second.
TEST_F(DesiredStateTest, ASliceOfTwoServicesIsTheFirstSources) {
    const std::string both = service("clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]") +
                             "---\nkind: Service\nmetadata: {name: zoo, namespace: shop}\nspec: {clusterIP: 10.96.0.2, "
                             "ports: [{name: http, port: 80}]}\n";
    std::string others = slices;
    for (std::size_t at; (at = others.find("service-name: web")) != std::string::npos;)
        others.replace(at, 17, "service-name: zoo");
    const Objects first = objects_of(own_node() + both + slices), second = objects_of(others), none;
    DesiredStateKeeper keeper;
    const auto update = [&](const Objects& one, const Objects& another) {
        const std::array sources{SourceObjects{"demo", &one}, SourceObjects{"demo", &another}};
        out_.state = keeper.update({config_, sources, kernel_, ports_, nullptr, &assigned_});
        out_.findings = keeper.findings();
        return services();
    };
    const std::string pods = "10.244.2.5 8080 10.244.3.5 8080", web = "shop/web:http TCP v4: cluster 10.96.0.1 80 -> ",
                      zoo = "shop/zoo:http TCP v4: cluster 10.96.0.2 80 -> ";
    EXPECT_EQ(update(first, none), web + pods + "\n" + zoo + "reject\n");
    EXPECT_EQ(findings(), "");
    EXPECT_EQ(update(first, second), web + pods + "\n" + zoo + "reject\n");
    EXPECT_EQ(
        findings(),
        "EndpointSlice shop/web-1: two sources carry it, for the Services web and zoo; the first one's is used\n"
        "EndpointSlice shop/web-2: two sources carry it, for the Services web and zoo; the first one's is used\n");
    EXPECT_EQ(update(objects_of(own_node() + both), second), web + "reject\n" + zoo + pods + "\n");
    EXPECT_EQ(findings(), "");
}

TEST_F(DesiredStateTest, RoutesThatLeaveByOurPorts) {
    using Type = KernelRoute::Type;
    const IpAddress router = Ipv4(192, 0, 2, 254), none = Ipv4();
    const auto route = [](const char* prefix, Type type, unsigned interface, IpAddress gateway,
                          std::uint8_t table = 254) {
        return KernelRoute{*parse_prefix(prefix), type, interface, gateway, 0, table};
    };
    kernel_.routes = {
        route("127.0.0.0/8", Type::local, 1, none, 255),   route("192.0.2.9/32", Type::local, 3, none, 255),
        route("10.244.9.0/32", Type::local, 4, none, 255), route("0.0.0.0/0", Type::unicast, 3, router),
        route("10.9.0.0/16", Type::unicast, 7, router),    route("10.244.0.0/16", Type::unicast, 4, none),
        route("10.244.7.0/24", Type::unicast, 3, router),  route("192.0.2.0/24", Type::unicast, 3, none),
        route("203.0.113.0/24", Type::blackhole, 0, none), route("fe80::/64", Type::unicast, 3, none)};
    static const char* kinds[] = {"connected", "gateway", "kernel", "unreachable"};
    std::string text;
    for (const DesiredRoute& one : make(own_node() + net_conf).routes)
        text += to_string(one.prefix) + " " + kinds[static_cast<unsigned>(one.kind)] + "\n";
    EXPECT_EQ(text,
              "0.0.0.0/0 gateway\n10.9.0.0/16 kernel\n10.244.7.0/24 gateway\n192.0.2.0/24 connected\n"
              "192.0.2.9/32 kernel\n203.0.113.0/24 unreachable\n");
    EXPECT_EQ(out_.state.routes[3].port, PortId{1});
}

TEST_F(DesiredStateTest, NeighboursOnOurPorts) {
    const Mac mac = *parse_mac("12:00:00:00:00:01");
    kernel_.neighbours = {{2, Ipv4(198, 51, 100, 2), mac, true},
                          {3, Ipv4(192, 0, 2, 1), {}, false},
                          {3, *parse_ip("ff02::1"), *parse_mac("33:33:00:00:00:01"), true},
                          {7, Ipv4(10, 9, 0, 1), mac, true}};
    EXPECT_EQ(make(own_node()).neighbours, (std::vector<DesiredNeighbour>{{PortId{0}, Ipv4(198, 51, 100, 2), mac}}));
}

TEST_F(DesiredStateTest, DemoObjectsHaveNothingWrong) {
    config_.networks[0].node_name = "gw";
    std::string yaml;
    for (const auto& entry : std::filesystem::directory_iterator(SOURCE_ROOT "/deploy/demo.d/cluster.d")) {
        std::ostringstream text;
        text << std::ifstream(entry.path()).rdbuf();
        yaml += "---\n" + text.str();
    }
    make(yaml);
    EXPECT_EQ(out_.state.peers.size(), 6U);
    EXPECT_FALSE(out_.state.services.empty());
    for (const Finding& one : out_.findings)
        EXPECT_NE(one.text.find("no port has its tunnel address"), std::string::npos)
            << one.subject << ": " << one.text;
}

}  // namespace
}  // namespace viaduct
