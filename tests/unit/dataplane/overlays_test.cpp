// What other overlays than flannel's do differently on the wire, through the whole pipeline: Cilium's VNIs, Calico's
// borrowed addresses and plain neighbours, and two clusters that are alike in everything but the address that they know
// the gateway by.
#include <gtest/gtest.h>

#include "encap/headers.h"
#include "tests/unit/dataplane/world.h"

namespace viaduct::test {
namespace {

constexpr std::uint8_t syn = TcpHeader::syn, ack = TcpHeader::ack;
constexpr std::size_t peer_node2 = 2;  // and the next one for IPv6, in desired_world

/// Our second endpoint, for another cluster.
template <Address A>
A second_vtep() {
    if constexpr (std::same_as<A, Ipv4>)
        return {192, 0, 2, 2};
    else
        return v6_at(0x77, 0, 2);
}
template <Address A>
Prefix<A> whole(const A& address) {
    return {address, A::bits};
}

template <Address A>
class OverlaysTest : public testing::Test {
protected:
    using Here = Place<A>;

    struct Seen {
        PacketMeta outer, inner;
        Mac destination;
        bool tunnel = false;
        Vni vni;
        Mac inner_destination;
    };
    static Seen look(const Bytes& frame) {
        EXPECT_EQ(fault_in(frame), "");
        Seen seen;
        seen.destination = header_at<EthernetHeader>(frame.data()).destination;
        EXPECT_EQ(parse(frame.data(), frame.size(), frame.size(), seen.outer).outcome, ParseOutcome::packet);
        if (seen.outer.protocol() != Protocol::udp) return seen;
        const std::size_t at = seen.outer.transport_at + sizeof(UdpHeader);
        const std::uint8_t* inner = frame.data() + at + sizeof(VxlanHeader);
        const std::size_t length = frame.size() - at - sizeof(VxlanHeader);
        seen.tunnel = true;
        seen.vni = header_at<VxlanHeader>(frame.data() + at).vni();
        seen.inner_destination = header_at<EthernetHeader>(inner).destination;
        EXPECT_EQ(parse(inner, length, length, seen.inner).outcome, ParseOutcome::packet);
        return seen;
    }
    static Bytes only(const std::vector<World::Sent>& sent, PortId port) {
        EXPECT_EQ(sent.size(), 1U);
        if (sent.size() != 1) return {};
        EXPECT_EQ(sent[0].port, port);
        return sent[0].frame;
    }
    static PacketBuilder from_client(const A& to) {
        return PacketBuilder().ethernet(outside_mac, outside_client_mac).ip(Here::client, to);
    }
    static PacketBuilder tunnel(const A& node, const A& vtep, Vni vni) {
        return PacketBuilder()
            .ethernet(underlay_mac, node1_mac)
            .ip(node, vtep)
            .udp(50'000, 8472)
            .vxlan(vni)
            .ethernet(vtep_mac, node1_vtep);
    }
    /// A pod's answer to a request that was sent to it.
    static Bytes answer(const FlowKey<A>& request, const A& node, const A& vtep, Vni vni) {
        return tunnel(node, vtep, vni)
            .ip(request.destination, request.source)
            .tcp(8080, request.source_port.value(), syn | ack)
            .build();
    }
    void expect_conserved(World& world) {
        world.tidy();
        EXPECT_TRUE(world.totals().conserved());
    }
};
using Families = testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(OverlaysTest, Families);

DesiredState cilium_world() {
    DesiredState state = desired_world();
    state.networks[0].vni = Vni(2);
    state.networks[0].any_vni = true;
    return state;
}

TYPED_TEST(OverlaysTest, CiliumGetsTheWorldsIdentityAndMaySendAny) {
    using P = Place<TypeParam>;
    World world(1, cilium_world());
    std::uint16_t port = 40'000;
    for (const std::uint32_t identity : {0U, 2U, 6U, 40'321U, 0xffffffU}) {
        const auto out = this->look(this->only(
            world.receive(outside, this->from_client(P::guarded_vip).tcp(++port, 80, syn).build()), underlay));
        ASSERT_TRUE(out.tunnel);
        EXPECT_EQ(out.vni, Vni(2));
        const auto request = out.inner.template flow<TypeParam>();
        const auto back = this->look(
            this->only(world.receive(underlay, this->answer(request, P::node1, P::vtep, Vni(identity))), outside));
        EXPECT_EQ(back.outer.template flow<TypeParam>().source, P::guarded_vip) << identity;
        EXPECT_EQ(back.outer.template flow<TypeParam>().destination_port, Be16(port)) << identity;
    }
    this->expect_conserved(world);
}

/// Changes an inner EtherType, and with it the outer UDP checksum (RFC 1624 §3).
template <Address A>
void make_arp(Bytes& frame, std::size_t type_at) {
    constexpr std::size_t ip = std::same_as<A, Ipv4> ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
    Be16& type = header_at<Be16>(&frame[type_at]);
    Be16& checksum = header_at<Be16>(&frame[sizeof(EthernetHeader) + ip + 6]);
    std::uint32_t sum = (~checksum.value() & 0xffffU) + (~type.value() & 0xffffU) + ether_type::arp;
    while (sum > 0xffffU) sum = (sum & 0xffffU) + (sum >> 16U);
    checksum = Be16(static_cast<std::uint16_t>(~sum));
    type = Be16(ether_type::arp);
}

/// Cilium's nodes write the configured MAC and ask for none: ARP in the tunnel is somebody's mistake, and counted.
TYPED_TEST(OverlaysTest, ArpInATunnelIsCounted) {
    using P = Place<TypeParam>;
    World world(1, cilium_world());
    Bytes frame = this->tunnel(P::node1, P::vtep, Vni(6)).payload(28).build();
    make_arp<TypeParam>(frame, frame.size() - 28 - 2);
    EXPECT_TRUE(world.receive(underlay, frame).empty());
    EXPECT_EQ(world.drops(Drop::inner_not_ip), 1U);
    this->expect_conserved(world);
}

TYPED_TEST(OverlaysTest, ABorrowedAddressIsWhereItsHolderIs) {
    using P = Place<TypeParam>;
    DesiredState state = desired_world();
    const std::size_t family = std::same_as<TypeParam, Ipv4> ? 0 : 1;
    state.peers.edit(peer_node2 + family).pod_subnets.push_back(whole(P::pod1));
    World world(1, state);
    const auto out = this->look(
        this->only(world.receive(outside, this->from_client(P::guarded_vip).tcp(1, 80, syn).build()), underlay));
    EXPECT_EQ(out.outer.template flow<TypeParam>().destination, P::node2) << "not node1, whose block it is of";
    EXPECT_EQ(out.inner_destination, node2_vtep);
    const auto request = out.inner.template flow<TypeParam>();
    EXPECT_EQ(request.destination, P::pod1);
    this->only(world.receive(underlay, this->answer(request, P::node2, P::vtep, Vni(1))), outside);
    this->expect_conserved(world);
}

TYPED_TEST(OverlaysTest, CrossSubnetIsPlainToNeighboursAndATunnelBeyond) {
    using P = Place<TypeParam>;
    DesiredState state = desired_world();
    state.networks[0].direct_cidrs = state.networks[0].cluster_cidrs;
    const std::size_t family = std::same_as<TypeParam, Ipv4> ? 0 : 1;
    DesiredPeer& far = state.peers.edit(peer_node2 + family);  // behind node 1, which is its router
    far.underlay = std::same_as<TypeParam, Ipv4> ? IpAddress(Ipv4(203, 0, 114, 12)) : IpAddress(v6_at(0x78, 0, 12));
    state.routes.push_back({IpPrefix(far.underlay, far.underlay.bits()), DesiredRoute::Kind::gateway, underlay,
                            P::node1, NetworkId::none});
    World world(1, state);
    const auto near =
        this->look(this->only(world.receive(outside, this->from_client(P::pod1).tcp(1, 80, syn).build()), underlay));
    EXPECT_FALSE(near.tunnel);
    EXPECT_EQ(near.destination, node1_mac);
    EXPECT_EQ(near.outer.template flow<TypeParam>().destination, P::pod1);
    const auto beyond =
        this->look(this->only(world.receive(outside, this->from_client(P::pod2).tcp(1, 80, syn).build()), underlay));
    EXPECT_TRUE(beyond.tunnel);
    EXPECT_EQ(IpAddress(beyond.outer.template flow<TypeParam>().destination), far.underlay);
    this->expect_conserved(world);
}

DesiredState twin_clusters() {
    DesiredState state = desired_world();
    state.networks[1].vni = state.networks[0].vni;
    state.networks[1].vtep_v4 = second_vtep<Ipv4>();
    state.networks[1].vtep_v6 = second_vtep<Ipv6>();
    return state;
}

/// Both have VNI 1, port 8472, the same pods, nodes of the same addresses and the same pod subnet of ours.
TYPED_TEST(OverlaysTest, ClustersThatAreAlikeAreToldApartByOurAddress) {
    using P = Place<TypeParam>;
    World world(1, twin_clusters());
    const TypeParam second = second_vtep<TypeParam>();
    const auto sent = world.receive(outside, {this->from_client(P::guarded_vip).tcp(7001, 80, syn).build(),
                                              this->from_client(P::tenant_vip).tcp(7002, 80, syn).build()});
    ASSERT_EQ(sent.size(), 2U);
    const auto first_out = this->look(sent[0].frame), second_out = this->look(sent[1].frame);
    EXPECT_EQ(first_out.outer.template flow<TypeParam>().source, P::vtep);
    EXPECT_EQ(second_out.outer.template flow<TypeParam>().source, second);
    const auto first_request = first_out.inner.template flow<TypeParam>(),
               second_request = second_out.inner.template flow<TypeParam>();
    EXPECT_EQ(first_request.destination, second_request.destination) << "pods of one address";

    const auto back = world.receive(underlay, {this->answer(second_request, P::node1, second, Vni(1)),
                                               this->answer(first_request, P::node1, P::vtep, Vni(1))});
    ASSERT_EQ(back.size(), 2U);
    EXPECT_EQ(this->look(back[0].frame).outer.template flow<TypeParam>().source, P::tenant_vip);
    EXPECT_EQ(this->look(back[0].frame).outer.template flow<TypeParam>().destination_port, Be16(7002));
    EXPECT_EQ(this->look(back[1].frame).outer.template flow<TypeParam>().source, P::guarded_vip);
    EXPECT_EQ(this->look(back[1].frame).outer.template flow<TypeParam>().destination_port, Be16(7001));
    this->expect_conserved(world);
}

TYPED_TEST(OverlaysTest, AVipIsServedToPodsOfItsOwnClusterOnly) {
    using P = Place<TypeParam>;
    World world(1, twin_clusters());
    const auto to_tenant_vip = [&](const TypeParam& vtep) {
        return this->tunnel(P::node1, vtep, Vni(1)).ip(P::pod2, P::tenant_vip).tcp(9, 80, syn).build();
    };
    EXPECT_TRUE(world.receive(underlay, to_tenant_vip(P::vtep)).empty());
    EXPECT_EQ(world.drops(Drop::wrong_network), 1U);
    this->only(world.receive(underlay, to_tenant_vip(second_vtep<TypeParam>())), underlay);
    this->expect_conserved(world);
}

}  // namespace
}  // namespace viaduct::test
