// Desired state as a whole: several networks and sources at once, the kernel's routes and neighbours, the demo's
// objects.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "desired_state_fixture.h"

namespace viaduct {
namespace {

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
