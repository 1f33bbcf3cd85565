// What a change of desired state is called.
#include "control/reconcile.h"

#include <gtest/gtest.h>

#include "control/host_interface.h"
#include "encap/net_text.h"

namespace viaduct {
namespace {

DesiredService desired_service(const std::string& name, std::uint16_t port) {
    DesiredService one;
    one.name = name;
    one.protocol = Protocol::tcp;
    one.frontends = {{Ipv4(10, 96, 0, 1), port, FrontendKind::cluster_ip}};
    return one;
}

TEST(Reconcile, EqualStatesHaveNoChanges) {
    DesiredState state;
    state.services = {desired_service("a", 80)};
    EXPECT_TRUE(reconcile(state, state).empty());
    EXPECT_EQ(reconcile(state, state).summary(), "");
}

TEST(Reconcile, NamesWhatWasAddedChangedAndRemoved) {
    DesiredState before, after;
    before.services = {desired_service("a", 80), desired_service("b", 80), desired_service("c", 80)};
    after.services = {desired_service("b", 81), desired_service("c", 80), desired_service("d", 80),
                      desired_service("e", 80)};
    before.peers = {{"node1", NetworkId{0}, Ipv4(192, 0, 2, 1), {}, {}}};
    const Changes changes = reconcile(before, after);
    EXPECT_EQ(changes.summary(),
              "peers -1 (node1 (192.0.2.1)), services +2 ~1 -1 (d/TCP IPv4, e/TCP IPv4, b/TCP IPv4, …)");
    EXPECT_FALSE(changes.only_neighbours());
}

TEST(Reconcile, NeighboursAloneAreRoutine) {
    DesiredState before, after;
    after.neighbours = {{PortId{1}, Ipv4(192, 0, 2, 1), {}}};
    const Changes changes = reconcile(before, after);
    EXPECT_TRUE(changes.only_neighbours());
    EXPECT_EQ(changes.summary(), "neighbours +1 (192.0.2.1 on port 1)");
}

TEST(HostInterface, GetsTheFirstAddressAndTheClusterByIt) {
    DesiredState state;
    DesiredNetwork& network = state.networks.emplace_back();
    network.host_port = PortId{1};
    network.mtu = 1430;
    network.pod_subnet_v4 = Prefix<Ipv4>(Ipv4(10, 244, 9, 0), 24);
    network.cluster_cidrs = {*parse_prefix("10.244.0.0/16"), *parse_prefix("fd00:244::/56")};
    std::vector<PortFacts> ports(2);
    ports[1].interface_index = 7;
    const HostInterface expected{7, 1430, {Ipv4(10, 244, 9, 0)}, {*parse_prefix("10.244.0.0/16")}};
    EXPECT_EQ(host_interfaces(state, ports), std::vector{expected});
    state.networks[0].host_port = PortId::none;
    EXPECT_TRUE(host_interfaces(state, ports).empty());
}

/// Two interfaces that took a route from each other would do so at every publication.
TEST(HostInterface, WhatTwoNetworksShareIsTheFirstOnes) {
    DesiredState state;
    std::vector<PortFacts> ports(2);
    for (unsigned i = 0; i < 2; ++i) {
        ports[i].interface_index = 7 + i;
        DesiredNetwork& network = state.networks.emplace_back();
        network.host_port = static_cast<PortId>(i);
        network.pod_subnet_v4 = Prefix<Ipv4>({10, 244, 9, 0}, 24);
        network.pod_subnet_v6 = parse_prefix(i == 0 ? "fd00:1::/64" : "fd00:2::/64")->v6();
        network.cluster_cidrs = {*parse_prefix("10.244.0.0/16"), *parse_prefix(i == 0 ? "fd00:1::/48" : "fd00:2::/48")};
    }
    const std::vector<HostInterface> made = host_interfaces(state, ports);
    ASSERT_EQ(made.size(), 2U);
    EXPECT_EQ(made[0].addresses.size(), 2U);
    EXPECT_EQ(made[0].routes.size(), 2U);
    EXPECT_EQ(made[1].addresses, std::vector<IpAddress>{*parse_ip("fd00:2::")});
    EXPECT_EQ(made[1].routes, std::vector{*parse_prefix("fd00:2::/48")});
}

}  // namespace
}  // namespace viaduct
