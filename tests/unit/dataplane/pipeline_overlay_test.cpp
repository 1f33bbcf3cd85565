// Packets between clients, pods, nodes and the gateway's host, in tunnels and out of them.
#include "tests/unit/dataplane/pipeline_fixture.h"

namespace viaduct::test {
namespace {

template <Address A>
class PipelineOverlay : public PipelineTest<A> {};
TYPED_TEST_SUITE(PipelineOverlay, Families);

TYPED_TEST(PipelineOverlay, ClientToPodIsMasqueraded) {
    using P = Place<TypeParam>;
    for (const auto& packet : {this->from_client(P::pod1).tcp(40'000, 8080, syn).build(),
                               this->from_client(P::pod1).echo_request(77).build()}) {
        const auto request = this->inner_flow(this->only(this->world.receive(outside, packet), underlay));
        EXPECT_EQ(request.destination, P::pod1);
        EXPECT_NE(request.source, P::client);
    }
}

TYPED_TEST(PipelineOverlay, PingOfAPodComesBackWithItsIdentifier) {
    using P = Place<TypeParam>;
    const auto request = this->inner_flow(this->only(
        this->world.receive(outside, this->from_client(P::pod1).echo_request(77).payload(9).build()), underlay));
    const Bytes back =
        this->only(this->world.receive(
                       underlay, this->answer_to(request).echo_reply(request.source_port.value()).payload(9).build()),
                   outside);
    EXPECT_EQ(this->flow(back).destination_port, Be16(77));
    EXPECT_EQ(this->flow(back).source, P::pod1);
}

TYPED_TEST(PipelineOverlay, PodToClientIsFollowedNotTranslated) {
    using P = Place<TypeParam>;
    const Bytes out =
        this->only(this->world.receive(underlay, this->from_pod(P::client).tcp(5000, 443, syn).build()), outside);
    EXPECT_EQ(this->flow(out).source, P::pod1);
    const auto answer = this->inner_flow(this->only(
        this->world.receive(outside, this->from_client(P::pod1).tcp(443, 5000, syn | ack).build()), underlay));
    EXPECT_EQ(answer.source, P::client);
}

TYPED_TEST(PipelineOverlay, DirectRoutingSendsAndTakesPlainPackets) {
    using P = Place<TypeParam>;
    DesiredState direct = desired_world();
    direct.networks[0].direct_cidrs = direct.networks[0].cluster_cidrs;
    this->world.rebuild(direct);
    const Bytes out =
        this->only(this->world.receive(outside, this->from_client(P::pod1).tcp(40'000, 8080, syn).build()), underlay);
    EXPECT_FALSE(this->look(out).tunnel);
    EXPECT_EQ(header_at<EthernetHeader>(out.data()).destination, node1_mac);
    const auto request = this->flow(out);
    EXPECT_EQ(request.destination, P::pod1);
    const auto answer = [&](PacketBuilder from) {
        return from.ip(P::pod1, request.source).tcp(8080, request.source_port.value(), syn | ack).build();
    };
    for (const Bytes& packet :
         {answer(PacketBuilder().ethernet(underlay_mac, node1_mac)), answer(this->tunnel(P::node1))}) {
        const auto back = this->flow(this->only(this->world.receive(underlay, packet), outside));
        EXPECT_EQ(back.source, P::pod1);
        EXPECT_EQ(back.destination, P::client);
    }
}

TYPED_TEST(PipelineOverlay, PodToPodOnAnotherNode) {
    using P = Place<TypeParam>;
    const Bytes out = this->only(
        this->world.receive(underlay, this->from_pod(P::pod2).ttl(9).tcp(1, 2, ack).payload(100).build()), underlay);
    const Seen seen = this->look(out);
    EXPECT_EQ(seen.inner.template flow<TypeParam>().source, P::pod1);
    EXPECT_EQ(seen.inner.template flow<TypeParam>().destination, P::pod2);
    EXPECT_EQ(header_at<EthernetHeader>(seen.inner_frame.data()).destination, node2_vtep);
    EXPECT_EQ(header_at<EthernetHeader>(seen.inner_frame.data()).source, vtep_mac);
    const std::uint8_t* ip = seen.inner_frame.data() + 14;
    EXPECT_EQ(seen.inner.family == Family::v4 ? header_at<Ipv4Header>(ip).ttl : header_at<Ipv6Header>(ip).hop_limit, 8);
    EXPECT_GE(seen.outer.template flow<TypeParam>().source_port.value(), 49152);
}

TYPED_TEST(PipelineOverlay, PodToANodesHostAddress) {
    using P = Place<TypeParam>;
    const Bytes out =
        this->only(this->world.receive(underlay, this->from_pod(P::node2).tcp(1, 22, syn).build()), underlay);
    EXPECT_FALSE(this->look(out).tunnel);
    EXPECT_EQ(header_at<EthernetHeader>(out.data()).destination, node2_mac);
}

TYPED_TEST(PipelineOverlay, PodToTheGatewayHostAndBack) {
    using P = Place<TypeParam>;
    const Bytes punted =
        this->only(this->world.receive(underlay, this->from_pod(P::overlay).tcp(1, 22, syn).build()), host);
    EXPECT_EQ(header_at<EthernetHeader>(punted.data()).destination, vtep_mac);
    const Bytes packet = PacketBuilder().ethernet(vtep_mac, vtep_mac).ip(P::overlay, P::pod1).tcp(22, 1, ack).build();
    EXPECT_EQ(this->inner_flow(this->only(this->world.receive(host, packet), underlay)).source, P::overlay);
    EXPECT_EQ(this->world.totals().punt, 1U);
}

TYPED_TEST(PipelineOverlay, ATunnelPacketDoesNotGoBack) {
    using P = Place<TypeParam>;
    this->expect_drop(Drop::split_horizon, this->world.receive(underlay, this->from_pod(P::pod1).udp(1, 2).build()));
}

TYPED_TEST(PipelineOverlay, TunnelPacketsAreChecked) {
    using P = Place<TypeParam>;
    auto& gateway = this->world;
    this->expect_drop(
        Drop::unknown_vni,
        gateway.receive(underlay, this->tunnel(P::node1, Vni(99)).ip(P::pod1, P::pod2).udp(1, 2).build()));
    this->expect_drop(Drop::unknown_vtep,
                      gateway.receive(underlay, this->tunnel(P::stranger).ip(P::pod1, P::pod2).udp(1, 2).build()));
    this->expect_drop(
        Drop::wrong_inner_mac,
        gateway.receive(underlay, this->tunnel(P::node1, Vni(1), node2_vtep).ip(P::pod1, P::pod2).udp(1, 2).build()));
    this->expect_drop(
        Drop::outer_fragment,
        gateway.receive(underlay, fragmented(this->from_pod(P::pod2).udp(1, 2).payload(900).build(), 400, 5)[0]));
    Bytes no_flag = this->from_pod(P::pod2).udp(1, 2).build();
    const std::size_t vxlan = 14 + (std::same_as<TypeParam, Ipv4> ? 20 : 40) + 8;
    no_flag[vxlan] = 0;
    no_flag[vxlan - 2] = no_flag[vxlan - 1] = 0;  // its UDP checksum: none
    this->expect_drop(std::same_as<TypeParam, Ipv4> ? Drop::vxlan_no_vni_flag : Drop::bad_udp_checksum,
                      gateway.receive(underlay, no_flag));
}

/// What a NIC says of checksums: one that knows VXLAN means the inner packet's unless it says otherwise.
TYPED_TEST(PipelineOverlay, ANicMayHaveVerifiedTheTunnelsChecksum) {
    using P = Place<TypeParam>;
    Bytes wrong = this->from_pod(P::pod2).udp(1, 2).build();
    wrong[14 + (std::same_as<TypeParam, Ipv4> ? 20 : 40) + 7] ^= 1U;  // the outer UDP checksum
    const auto received = [&](std::uint32_t packet_type, std::uint64_t flags) {
        this->world.shape = [=](rte_mbuf* mbuf) {
            mbuf->packet_type = packet_type;
            mbuf->ol_flags |= flags;
        };
        return this->world.receive(underlay, wrong);
    };
    EXPECT_EQ(received(0, RTE_MBUF_F_RX_L4_CKSUM_GOOD).size(), 1U);
    EXPECT_EQ(received(RTE_PTYPE_TUNNEL_VXLAN, RTE_MBUF_F_RX_OUTER_L4_CKSUM_GOOD).size(), 1U);
    this->expect_drop(Drop::bad_udp_checksum, received(RTE_PTYPE_TUNNEL_VXLAN, RTE_MBUF_F_RX_L4_CKSUM_GOOD));
}

TYPED_TEST(PipelineOverlay, CongestionMarksSurvive) {
    using P = Place<TypeParam>;
    const auto congested = [](std::uint8_t inner_tos) {
        return PacketBuilder()
            .ethernet(underlay_mac, node1_mac)
            .ip(P::node1, P::vtep)
            .tos(3)
            .udp(50'000, 8472)
            .vxlan(Vni(1))
            .ethernet(vtep_mac, node1_vtep)
            .ip(P::pod1, P::pod2)
            .tos(inner_tos)
            .udp(1, 2)
            .build();
    };
    const Seen seen = this->look(this->only(this->world.receive(underlay, congested(2)), underlay));
    const auto tos = [](const Bytes& frame, std::size_t at) {
        return frame[at] >> 4 == 4 ? frame[at + 1] : static_cast<std::uint8_t>(frame[at] << 4 | frame[at + 1] >> 4);
    };
    EXPECT_EQ(tos(seen.inner_frame, 14) & 3, 3);
    this->expect_drop(Drop::ecn_congested, this->world.receive(underlay, congested(0)));
}

}  // namespace
}  // namespace viaduct::test
