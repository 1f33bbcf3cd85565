// The path to a peer: underlay route, next hop, headers; and the snapshot's own lookups.
#include <gtest/gtest.h>

#include "tables/builder.h"
#include "tests/unit/tables/world.h"

namespace viaduct {
namespace {

constexpr std::uint32_t no_next_hop = 0xffffffff;

template <class A>
class BuildPeersTest : public ::testing::Test {
protected:
    DesiredState state_ = small_cluster<A>();
    SnapshotBuilder builder_;
    std::shared_ptr<const Snapshot> build() { return builder_.build(state_, nullptr); }

    /// The headers that peer 0 should have when its frames leave by the underlay port to `next_hop`.
    VxlanTemplate expected(Mac next_hop) {
        return VxlanTemplate::make({.outer_source = mac(2),
                                    .outer_destination = next_hop,
                                    .source = underlay<A>(9),
                                    .destination = underlay<A>(1),
                                    .udp_port = 8472,
                                    .vni = Vni(1),
                                    .ttl = 64,
                                    .inner_source = mac(9),
                                    .inner_destination = mac(0x11)});
    }
};
using Families = ::testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(BuildPeersTest, Families);

TYPED_TEST(BuildPeersTest, APeerOnAConnectedUnderlayIsItsOwnNextHop) {
    const auto snapshot = this->build();
    ASSERT_EQ(snapshot->peers.size(), 2U);
    const Peer& peer = snapshot->peers[0];
    EXPECT_EQ(peer.name, "a");
    EXPECT_EQ(peer.port, underlay_port);
    EXPECT_EQ(snapshot->next_hops[peer.next_hop].address, IpAddress(underlay<TypeParam>(1)));
    EXPECT_EQ(peer.headers.bytes, this->expected(mac(0x21)).bytes);
    EXPECT_GT(peer.headers.length, 0);
}

TYPED_TEST(BuildPeersTest, APeerBehindARouterUsesTheRouter) {
    this->state_.routes.push_back({Prefix<TypeParam>(underlay<TypeParam>(1), TypeParam::bits),
                                   DesiredRoute::Kind::gateway, underlay_port, underlay<TypeParam>(2),
                                   NetworkId::none});
    const auto snapshot = this->build();
    const Peer& peer = snapshot->peers[0];
    EXPECT_EQ(snapshot->next_hops[peer.next_hop].address, IpAddress(underlay<TypeParam>(2)));
    EXPECT_EQ(peer.headers.bytes, this->expected(mac(0x22)).bytes);
}

TYPED_TEST(BuildPeersTest, AnUnresolvedPeerSaysWhomToAsk) {
    this->state_.neighbours.erase(this->state_.neighbours.begin());
    const auto snapshot = this->build();
    const Peer& peer = snapshot->peers[0];
    EXPECT_EQ(peer.headers.length, 0);
    EXPECT_EQ(peer.port, PortId::none);
    ASSERT_LT(peer.next_hop, snapshot->next_hops.size());
    EXPECT_FALSE(snapshot->next_hops[peer.next_hop].resolved);
    EXPECT_EQ(snapshot->next_hops[peer.next_hop].port, underlay_port);
    EXPECT_EQ(snapshot->next_hops[peer.next_hop].address, IpAddress(underlay<TypeParam>(1)));
    EXPECT_GT(snapshot->peers[1].headers.length, 0) << "the others do not suffer";
}

TYPED_TEST(BuildPeersTest, WithoutAWayThereIsNoNextHop) {
    this->state_.routes.clear();
    EXPECT_EQ(this->build()->peers[0].next_hop, no_next_hop);
    this->state_ = small_cluster<TypeParam>();
    this->state_.networks[0].vtep_v4.reset();
    this->state_.networks[0].vtep_v6.reset();
    EXPECT_EQ(this->build()->peers[0].next_hop, no_next_hop) << "no VTEP address of ours in that family";
    this->state_ = small_cluster<TypeParam>();
    this->state_.peers.edit(0).network = NetworkId{3};
    EXPECT_EQ(this->build()->peers[0].next_hop, no_next_hop) << "no such network";
}

TYPED_TEST(BuildPeersTest, ARouteOfANetworkIsNoWayThroughTheUnderlay) {
    this->state_.routes[0].network = first_network;
    EXPECT_EQ(this->build()->peers[0].next_hop, no_next_hop);
}

TYPED_TEST(BuildPeersTest, PeersAreFoundByNetworkAndUnderlayAddress) {
    this->state_.networks.push_back(network("other", 2));
    DesiredPeer twin = this->state_.peers[0];
    twin.network = NetworkId{1};
    this->state_.peers.push_back(twin);
    const auto snapshot = this->build();
    EXPECT_EQ(snapshot->peer_of(first_network, underlay<TypeParam>(1)), 0U);
    EXPECT_EQ(snapshot->peer_of(first_network, underlay<TypeParam>(2)), 1U);
    EXPECT_EQ(snapshot->peer_of(NetworkId{1}, underlay<TypeParam>(1)), 2U);
    EXPECT_EQ(snapshot->peer_of(NetworkId{1}, underlay<TypeParam>(2)), no_peer);
    EXPECT_EQ(Snapshot().peer_of(first_network, underlay<TypeParam>(1)), no_peer);
}

TYPED_TEST(BuildPeersTest, OurVtepIsAnAddressAndAPort) {
    const auto snapshot = this->build();
    EXPECT_TRUE(snapshot->is_vtep(underlay<TypeParam>(9), Be16(8472)));
    EXPECT_FALSE(snapshot->is_vtep(underlay<TypeParam>(9), Be16(4789)));
    EXPECT_FALSE(snapshot->is_vtep(underlay<TypeParam>(1), Be16(8472)));
}

TEST(NetworkOfTest, TheExactVniGoesBeforeAnyVni) {
    DesiredState state;
    state.networks = {network("cilium", 7), network("flannel", 1), network("calico", 4096, 4789)};
    state.networks[0].any_vni = true;
    for (DesiredNetwork& each : state.networks) each.vtep_v4 = underlay<Ipv4>(9);
    const auto snapshot = SnapshotBuilder().build(state, nullptr);
    const auto name = [&](std::uint16_t port, std::uint32_t vni) -> std::string {
        const Network* network = snapshot->network_of(underlay<Ipv4>(9), port, Vni(vni));
        return network != nullptr ? network->settings.name : "";
    };
    EXPECT_EQ(name(8472, 1), "flannel");
    EXPECT_EQ(name(8472, 4096), "cilium");
    EXPECT_EQ(name(4789, 4096), "calico");
    EXPECT_EQ(name(4789, 1), "");
    EXPECT_EQ(snapshot->id_of(*snapshot->network_of(underlay<Ipv4>(9), 8472, Vni(1))), NetworkId{1});
}

TYPED_TEST(BuildPeersTest, EqualVnisAreToldApartByOurAddress) {
    DesiredState state;
    state.networks = {network("one", 1), network("two", 1), network("any", 2)};
    for (std::uint8_t i = 0; i < 3; ++i) {
        state.networks[i].vtep_v4 = underlay<Ipv4>(static_cast<std::uint8_t>(9 + i));
        state.networks[i].vtep_v6 = underlay<Ipv6>(static_cast<std::uint8_t>(9 + i));
    }
    state.networks[2].any_vni = true;
    const auto snapshot = SnapshotBuilder().build(state, nullptr);
    const auto id = [&](std::uint8_t host, std::uint32_t vni) {
        const Network* network = snapshot->network_of(underlay<TypeParam>(host), 8472, Vni(vni));
        return network == nullptr ? NetworkId::none : snapshot->id_of(*network);
    };
    EXPECT_EQ(id(9, 1), NetworkId{0});
    EXPECT_EQ(id(10, 1), NetworkId{1});
    EXPECT_EQ(id(11, 1), NetworkId{2}) << "any VNI, but at its own address";
    EXPECT_EQ(id(9, 5), NetworkId::none);
    EXPECT_EQ(id(12, 1), NetworkId::none);
}

}  // namespace
}  // namespace viaduct
