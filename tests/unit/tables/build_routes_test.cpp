// What the builder makes of networks, routes, peers and neighbours.
#include <gtest/gtest.h>

#include "tables/build_routes.h"
#include "tables/builder.h"
#include "tests/unit/tables/world.h"

namespace viaduct {
namespace {

template <class A>
class BuildRoutesTest : public ::testing::Test {
protected:
    DesiredState state_ = small_cluster<A>();
    SnapshotBuilder builder_;

    std::shared_ptr<const Snapshot> build() { return builder_.build(state_, nullptr); }
    RouteTarget lookup(A destination) { return family<A>(*build()).routes->lookup(destination); }
    void add_route(IpPrefix prefix, DesiredRoute::Kind kind, PortId port = PortId::none, IpAddress gateway = {},
                   NetworkId network = NetworkId::none) {
        state_.routes.push_back({prefix, kind, port, gateway, network});
    }
    static A somewhere(std::uint8_t host) {
        A a = address<A>(0, host);
        a.bytes[0] = 0x20;
        return a;
    }
    static IpPrefix everywhere() { return Prefix<A>(A{}, 0); }
};
using Families = ::testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(BuildRoutesTest, Families);

TYPED_TEST(BuildRoutesTest, PodsOfPeersGoThroughTheTunnel) {
    EXPECT_EQ(this->lookup(address<TypeParam>(1, 5)), (RouteTarget{RouteKind::peer, 0}));
    EXPECT_EQ(this->lookup(address<TypeParam>(2, 0)), (RouteTarget{RouteKind::peer, 1}));
    EXPECT_EQ(this->lookup(address<TypeParam>(3, 5)).kind, RouteKind::none);
}

TYPED_TEST(BuildRoutesTest, OurPodSubnetIsTheKernels) {
    this->state_.peers.edit(0).pod_subnets.push_back(subnet<TypeParam>(9));
    EXPECT_EQ(this->lookup(address<TypeParam>(9, 0)).kind, RouteKind::kernel);
    EXPECT_EQ(this->lookup(address<TypeParam>(9, 77)).kind, RouteKind::kernel) << "a peer cannot take it";
}

TYPED_TEST(BuildRoutesTest, TheFirstPeerKeepsAContestedSubnetAndALongerPrefixWins) {
    this->state_.peers.edit(1).pod_subnets.push_back(subnet<TypeParam>(1));
    EXPECT_EQ(this->lookup(address<TypeParam>(1, 5)).index, 0U);
    const Prefix<TypeParam> host(address<TypeParam>(1, 5), TypeParam::bits);
    this->state_.peers.edit(1).pod_subnets.push_back(host);
    EXPECT_EQ(this->lookup(address<TypeParam>(1, 5)).index, 1U);
    EXPECT_EQ(this->lookup(address<TypeParam>(1, 6)).index, 0U);
}

TYPED_TEST(BuildRoutesTest, DirectRoutingReachesNeighboursPlainly) {
    this->state_.networks[0].direct_cidrs = this->state_.networks[0].cluster_cidrs;
    const auto snapshot = this->build();
    const RouteTarget to = family<TypeParam>(*snapshot).routes->lookup(address<TypeParam>(1, 5));
    ASSERT_EQ(to.kind, RouteKind::via);
    const NextHop& hop = snapshot->next_hops[to.index];
    EXPECT_EQ(hop.address, IpAddress(underlay<TypeParam>(1)));
    EXPECT_EQ(hop.port, underlay_port);
    EXPECT_EQ(hop.ethernet.destination, mac(0x21)) << "the node's own MAC, not its VTEP's";
    EXPECT_TRUE(hop.resolved);
    EXPECT_NE(snapshot->peer_of(first_network, underlay<TypeParam>(1)), no_peer) << "it may answer through the tunnel";
}

TYPED_TEST(BuildRoutesTest, DirectRoutingLeavesNodesBehindARouterToTheTunnel) {
    this->state_.networks[0].direct_cidrs = this->state_.networks[0].cluster_cidrs;
    this->state_.peers.edit(1).underlay = this->somewhere(5);
    this->add_route(this->everywhere(), DesiredRoute::Kind::gateway, underlay_port, underlay<TypeParam>(7));
    EXPECT_EQ(this->lookup(address<TypeParam>(1, 5)).kind, RouteKind::via);
    EXPECT_EQ(this->lookup(address<TypeParam>(2, 5)), (RouteTarget{RouteKind::peer, 1}));
}

TYPED_TEST(BuildRoutesTest, OnlyWhatIsInDirectCidrsIsPlain) {
    this->state_.networks[0].direct_cidrs = {subnet<TypeParam>(2)};
    EXPECT_EQ(this->lookup(address<TypeParam>(1, 5)), (RouteTarget{RouteKind::peer, 0}));
    EXPECT_EQ(this->lookup(address<TypeParam>(2, 5)).kind, RouteKind::via);
}

TYPED_TEST(BuildRoutesTest, DirectPathsMeanTheSameInATableThatIsTakenOver) {
    this->state_.networks[0].direct_cidrs = this->state_.networks[0].cluster_cidrs;
    const auto first = this->build();
    this->state_.neighbours[1].mac = mac(0x33);
    const auto next = this->build();
    ASSERT_EQ(family<TypeParam>(*first).routes, family<TypeParam>(*next).routes) << "taken over";
    const RouteTarget to = family<TypeParam>(*next).routes->lookup(address<TypeParam>(2, 5));
    EXPECT_EQ(next->next_hops[to.index].address, IpAddress(underlay<TypeParam>(2)));
    EXPECT_EQ(next->next_hops[to.index].ethernet.destination, mac(0x33));
}

TYPED_TEST(BuildRoutesTest, KernelRoutesOfEveryKind) {
    this->add_route(Prefix<TypeParam>(this->somewhere(0), 16), DesiredRoute::Kind::connected, outside_port);
    this->add_route(Prefix<TypeParam>(this->somewhere(9), TypeParam::bits), DesiredRoute::Kind::kernel);
    this->add_route(Prefix<TypeParam>(this->somewhere(8), TypeParam::bits), DesiredRoute::Kind::unreachable);
    this->add_route(this->everywhere(), DesiredRoute::Kind::gateway, outside_port, this->somewhere(1));
    EXPECT_EQ(this->lookup(this->somewhere(5)), (RouteTarget{RouteKind::connected, 0}));
    EXPECT_EQ(this->lookup(this->somewhere(9)).kind, RouteKind::kernel);
    EXPECT_EQ(this->lookup(this->somewhere(8)).kind, RouteKind::unreachable);
    EXPECT_EQ(this->lookup(address<TypeParam>(77, 1)).kind, RouteKind::via);
}

TYPED_TEST(BuildRoutesTest, ARouteByAPortThatDoesNotExistIsNone) {
    this->add_route(this->everywhere(), DesiredRoute::Kind::gateway, PortId{7}, this->somewhere(1));
    this->add_route(Prefix<TypeParam>(this->somewhere(0), 16), DesiredRoute::Kind::connected, PortId::none);
    EXPECT_EQ(this->lookup(this->somewhere(5)).kind, RouteKind::none);
}

TYPED_TEST(BuildRoutesTest, GatewaysAreOneNextHopEach) {
    this->add_route(this->everywhere(), DesiredRoute::Kind::gateway, outside_port, this->somewhere(1));
    this->add_route(Prefix<TypeParam>(this->somewhere(0), 16), DesiredRoute::Kind::gateway, outside_port,
                    this->somewhere(1));
    this->state_.neighbours.push_back({outside_port, this->somewhere(1), mac(0x31)});
    const auto snapshot = this->build();
    const RouteTarget a = family<TypeParam>(*snapshot).routes->lookup(address<TypeParam>(77, 1));
    const RouteTarget b = family<TypeParam>(*snapshot).routes->lookup(this->somewhere(5));
    EXPECT_EQ(a, b);
    const NextHop& hop = snapshot->next_hops[a.index];
    EXPECT_TRUE(hop.resolved);
    EXPECT_EQ(hop.port, outside_port);
    EXPECT_EQ(hop.ethernet.destination, mac(0x31));
    EXPECT_EQ(hop.ethernet.source, mac(1));
    EXPECT_EQ(hop.address, IpAddress(this->somewhere(1)));
}

TYPED_TEST(BuildRoutesTest, ARouteOfOneNetworkStaysInItsTable) {
    this->state_.networks.push_back(network("other", 2));
    this->add_route(this->everywhere(), DesiredRoute::Kind::kernel, PortId::none, {}, NetworkId{1});
    const auto snapshot = this->build();
    EXPECT_EQ(family<TypeParam>(*snapshot).routes->lookup(this->somewhere(5)).kind, RouteKind::none);
    const auto& other = snapshot->network(NetworkId{1}).template family<TypeParam>();
    EXPECT_EQ(other.routes->lookup(this->somewhere(5)).kind, RouteKind::kernel);
    EXPECT_EQ(other.routes->lookup(underlay<TypeParam>(5)).kind, RouteKind::connected) << "those of none are in all";
    EXPECT_EQ(other.routes->lookup(address<TypeParam>(1, 5)).kind, RouteKind::kernel) << "not the first one's peer";
}

TYPED_TEST(BuildRoutesTest, FamilyFactsOfANetwork) {
    const auto snapshot = this->build();
    const NetworkFamily<TypeParam>& facts = family<TypeParam>(*snapshot);
    EXPECT_TRUE(facts.inside.contains(address<TypeParam>(77, 1)));
    EXPECT_FALSE(facts.inside.contains(this->somewhere(1)));
    EXPECT_EQ(facts.pod_subnet, subnet<TypeParam>(9));
    EXPECT_EQ(facts.gateway, address<TypeParam>(9, 0));
    EXPECT_EQ(facts.snat.first, address<TypeParam>(9, 2));
}

TEST(SnatPoolTest, LeavesOutHostBridgeAndBroadcast) {
    const auto count = [](std::uint8_t length) { return snat_pool(Prefix<Ipv4>(Ipv4(10, 244, 0, 0), length)).count; };
    EXPECT_EQ(count(24), 253U);
    EXPECT_EQ(count(30), 1U);
    EXPECT_EQ(count(31), 0U);
    EXPECT_EQ(count(32), 0U);
    EXPECT_EQ(count(16), 65'533U);
    EXPECT_EQ(count(8), 65'536U);
    EXPECT_EQ(count(0), 65'536U);
    EXPECT_EQ(snat_pool(Prefix<Ipv4>(Ipv4(10, 244, 0, 16), 28)).first, Ipv4(10, 244, 0, 18));
}

TEST(SnatPoolTest, TakesTheFirstAddressesOfAnIpv6Subnet) {
    const auto count = [](std::uint8_t length) { return snat_pool(Prefix<Ipv6>(address<Ipv6>(9, 0), length)).count; };
    EXPECT_EQ(count(64), 254U);
    EXPECT_EQ(count(120), 254U);
    EXPECT_EQ(count(126), 2U);
    EXPECT_EQ(count(127), 0U);
    EXPECT_EQ(count(128), 0U);
    EXPECT_EQ(count(0), 254U);
}

}  // namespace
}  // namespace viaduct
