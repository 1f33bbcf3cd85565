// Packets through the whole pipeline: what comes in, what goes out, and which counter it ends in.
#include <gtest/gtest.h>

#include "encap/headers.h"
#include "encap/icmp.h"
#include "tests/unit/dataplane/world.h"

namespace viaduct::test {
namespace {

constexpr std::uint8_t syn = TcpHeader::syn, ack = TcpHeader::ack, rst = TcpHeader::rst, fin = TcpHeader::fin;

/// What a frame carries, tunnel or not.
struct Seen {
    PacketMeta outer, inner;
    Bytes inner_frame;
    bool tunnel = false;
    Vni vni;
};

template <Address A>
class PipelineTest : public testing::Test {
protected:
    using Here = Place<A>;
    World world;

    static PacketBuilder from_client(const A& to) {
        return PacketBuilder().ethernet(outside_mac, outside_client_mac).ip(Here::client, to);
    }
    /// From a pod behind node 1, as the node's kernel wraps it.
    static PacketBuilder tunnel(const A& node, Vni vni = Vni(1), Mac inner = vtep_mac) {
        return PacketBuilder()
            .ethernet(underlay_mac, node1_mac)
            .ip(node, Here::vtep)
            .udp(50'000, 8472)
            .vxlan(vni)
            .ethernet(inner, node1_vtep);
    }
    static PacketBuilder from_pod(const A& to) { return tunnel(Here::node1).ip(Here::pod1, to); }

    static Seen look(const Bytes& frame) {
        EXPECT_EQ(fault_in(frame), "");
        Seen seen;
        EXPECT_EQ(parse(frame.data(), frame.size(), frame.size(), seen.outer).outcome, ParseOutcome::packet);
        if (seen.outer.protocol() == Protocol::udp && seen.outer.template flow<A>().destination_port == Be16(8472)) {
            const std::size_t at = seen.outer.transport_at + 8U;
            seen.tunnel = true;
            seen.vni = read_vxlan(frame.data() + at).vni;
            seen.inner_frame = Bytes(frame.begin() + static_cast<std::ptrdiff_t>(at + 8), frame.end());
            EXPECT_EQ(
                parse(seen.inner_frame.data(), seen.inner_frame.size(), seen.inner_frame.size(), seen.inner).outcome,
                ParseOutcome::packet);
        }
        return seen;
    }
    static FlowKey<A> inner_flow(const Bytes& frame) { return look(frame).inner.template flow<A>(); }
    static FlowKey<A> flow(const Bytes& frame) { return look(frame).outer.template flow<A>(); }

    /// The one frame that was sent.
    static Bytes only(const std::vector<World::Sent>& sent, PortId port) {
        EXPECT_EQ(sent.size(), 1U);
        if (sent.size() != 1) return {};
        EXPECT_EQ(sent[0].port, port);
        return sent[0].frame;
    }
    /// A backend's answer to an inner frame that was sent to it, wrapped by its node.
    static PacketBuilder answer_to(const FlowKey<A>& request) {
        return tunnel(request.destination == Here::pod1 ? Here::node1 : Here::node2)
            .ip(request.destination, request.source);
    }
    void expect_drop(Drop why, const std::vector<World::Sent>& sent) {
        EXPECT_EQ(sent.size(), 0U);
        EXPECT_EQ(world.drops(why), 1U) << name(why);
    }
    void TearDown() override {
        world.tidy();
        EXPECT_TRUE(world.totals().conserved());
    }
};

using Families = testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(PipelineTest, Families);

TYPED_TEST(PipelineTest, ServiceTcpGoesToABackendAndBack) {
    using P = Place<TypeParam>;
    const Bytes out =
        this->only(this->world.receive(outside, this->from_client(P::vip).tcp(40'000, 80, syn).build()), underlay);
    const Seen seen = this->look(out);
    ASSERT_TRUE(seen.tunnel);
    EXPECT_EQ(seen.vni, Vni(1));
    const FlowKey<TypeParam> request = seen.inner.template flow<TypeParam>();
    EXPECT_TRUE(request.destination == P::pod1 || request.destination == P::pod2);
    EXPECT_EQ(request.destination_port, Be16(8080));
    EXPECT_TRUE(
        this->world.snapshot().network(default_network).template family<TypeParam>().snat.contains(request.source));

    const Bytes back = this->only(
        this->world.receive(
            underlay, this->answer_to(request).tcp(8080, request.source_port.value(), syn | ack).payload(10).build()),
        outside);
    const FlowKey<TypeParam> reply = this->flow(back);
    EXPECT_EQ(reply.source, P::vip);
    EXPECT_EQ(reply.source_port, Be16(80));
    EXPECT_EQ(reply.destination, P::client);
    EXPECT_EQ(reply.destination_port, Be16(40'000));
}

TYPED_TEST(PipelineTest, AFlowKeepsItsBackendAndItsSource) {
    using P = Place<TypeParam>;
    const auto first = this->inner_flow(
        this->only(this->world.receive(outside, this->from_client(P::vip).tcp(1234, 80, syn).build()), underlay));
    DesiredState changed = desired_world();
    for (std::size_t n = 0; n < changed.services.size(); ++n)
        if (DesiredService& s = changed.services.edit(n); s.name == "shop/web:http")
            for (std::uint8_t i = 50; i < 90; ++i) {
                DesiredBackend more = s.backends[0];
                more.port = i;
                s.backends.push_back(more);
            }
    this->world.rebuild(changed);
    const auto second = this->inner_flow(
        this->only(this->world.receive(outside, this->from_client(P::vip).tcp(1234, 80, ack).build()), underlay));
    EXPECT_EQ(first, second);
}

TYPED_TEST(PipelineTest, ServiceUdpHitsEveryBackend) {
    using P = Place<TypeParam>;
    std::map<TypeParam, int> hits;
    for (std::uint16_t port = 1000; port < 1060; ++port)
        ++hits[this
                   ->inner_flow(this->only(
                       this->world.receive(outside, this->from_client(P::udp_vip).udp(port, 53).payload(30).build()),
                       underlay))
                   .destination];
    EXPECT_EQ(hits.size(), 2U);
    for (const auto& [pod, count] : hits) EXPECT_GT(count, 10);
}

TYPED_TEST(PipelineTest, NodePortOnTheGatewaysAddress) {
    using P = Place<TypeParam>;
    const auto request = this->inner_flow(this->only(
        this->world.receive(outside, this->from_client(P::gateway_outside).tcp(1, 30080, syn).build()), underlay));
    EXPECT_EQ(request.destination_port, Be16(8080));
    EXPECT_EQ(this->world.receive(outside, this->from_client(P::gateway_outside).tcp(2, 22, syn).build())[0].port,
              host);
    EXPECT_EQ(this->world.totals().punt, 1U);
}

TYPED_TEST(PipelineTest, EmptyServiceIsRefused) {
    using P = Place<TypeParam>;
    const Bytes out = this->only(
        this->world.receive(outside, this->from_client(P::empty_vip).tcp(40'000, 80, syn).sequence(7, 0).build()),
        outside);
    const Seen seen = this->look(out);
    EXPECT_EQ(seen.outer.tcp_flags & rst, rst);
    EXPECT_EQ(seen.outer.template flow<TypeParam>().source, P::empty_vip);
    EXPECT_EQ(this->world.drops(Drop::no_endpoints), 1U);

    const Bytes icmp =
        this->only(this->world.receive(outside, this->from_client(P::empty_vip).udp(40'000, 53).build()), outside);
    EXPECT_EQ(this->look(icmp).outer.transport, Transport::icmp_error);
    EXPECT_EQ(this->world.totals().originated, 2U);
}

TYPED_TEST(PipelineTest, UndefinedPortOfAServiceIsRefused) {
    using P = Place<TypeParam>;
    const Bytes out =
        this->only(this->world.receive(outside, this->from_client(P::vip).tcp(40'000, 81, syn).build()), outside);
    EXPECT_EQ(this->look(out).outer.tcp_flags & rst, rst);
    EXPECT_EQ(this->world.drops(Drop::no_such_service_port), 1U);
}

TYPED_TEST(PipelineTest, SourceRangesAreChecked) {
    using P = Place<TypeParam>;
    this->only(this->world.receive(outside, this->from_client(P::guarded_vip).tcp(1, 80, syn).build()), underlay);
    const Bytes stranger = PacketBuilder()
                               .ethernet(outside_mac, outside_client_mac)
                               .ip(P::stranger, P::guarded_vip)
                               .tcp(1, 80, syn)
                               .build();
    this->expect_drop(Drop::source_range, this->world.receive(outside, stranger));
}

TYPED_TEST(PipelineTest, SessionAffinityTiesAClient) {
    using P = Place<TypeParam>;
    std::map<TypeParam, int> hits;
    for (std::uint16_t port = 1000; port < 1020; ++port)
        ++hits[this->inner_flow(this->only(this->world.receive(
                                               outside, this->from_client(P::sticky_vip).tcp(port, 80, syn).build()),
                                           underlay))
                   .destination];
    EXPECT_EQ(hits.size(), 1U);
}

TYPED_TEST(PipelineTest, AServiceAddressAnswersPing) {
    using P = Place<TypeParam>;
    const Bytes out = this->only(
        this->world.receive(outside, this->from_client(P::vip).echo_request(77).payload(20).build()), outside);
    EXPECT_EQ(this->look(out).outer.transport, Transport::echo_reply);
    EXPECT_EQ(this->world.totals().tx, 1U);
}

TYPED_TEST(PipelineTest, ClientToPodIsMasqueraded) {
    using P = Place<TypeParam>;
    for (const auto& packet : {this->from_client(P::pod1).tcp(40'000, 8080, syn).build(),
                               this->from_client(P::pod1).echo_request(77).build()}) {
        const auto request = this->inner_flow(this->only(this->world.receive(outside, packet), underlay));
        EXPECT_EQ(request.destination, P::pod1);
        EXPECT_NE(request.source, P::client);
    }
}

TYPED_TEST(PipelineTest, PingOfAPodComesBackWithItsIdentifier) {
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

TYPED_TEST(PipelineTest, PodToClientIsFollowedNotTranslated) {
    using P = Place<TypeParam>;
    const Bytes out =
        this->only(this->world.receive(underlay, this->from_pod(P::client).tcp(5000, 443, syn).build()), outside);
    EXPECT_EQ(this->flow(out).source, P::pod1);
    const auto answer = this->inner_flow(this->only(
        this->world.receive(outside, this->from_client(P::pod1).tcp(443, 5000, syn | ack).build()), underlay));
    EXPECT_EQ(answer.source, P::client);
}

TYPED_TEST(PipelineTest, DirectRoutingSendsAndTakesPlainPackets) {
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

TYPED_TEST(PipelineTest, PodToPodOnAnotherNode) {
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

TYPED_TEST(PipelineTest, PodToANodesHostAddress) {
    using P = Place<TypeParam>;
    const Bytes out =
        this->only(this->world.receive(underlay, this->from_pod(P::node2).tcp(1, 22, syn).build()), underlay);
    EXPECT_FALSE(this->look(out).tunnel);
    EXPECT_EQ(header_at<EthernetHeader>(out.data()).destination, node2_mac);
}

TYPED_TEST(PipelineTest, PodToTheGatewayHostAndBack) {
    using P = Place<TypeParam>;
    const Bytes punted =
        this->only(this->world.receive(underlay, this->from_pod(P::overlay).tcp(1, 22, syn).build()), host);
    EXPECT_EQ(header_at<EthernetHeader>(punted.data()).destination, vtep_mac);
    const Bytes packet = PacketBuilder().ethernet(vtep_mac, vtep_mac).ip(P::overlay, P::pod1).tcp(22, 1, ack).build();
    EXPECT_EQ(this->inner_flow(this->only(this->world.receive(host, packet), underlay)).source, P::overlay);
    EXPECT_EQ(this->world.totals().punt, 1U);
}

TYPED_TEST(PipelineTest, ATunnelPacketDoesNotGoBack) {
    using P = Place<TypeParam>;
    this->expect_drop(Drop::split_horizon, this->world.receive(underlay, this->from_pod(P::pod1).udp(1, 2).build()));
}

TYPED_TEST(PipelineTest, TunnelPacketsAreChecked) {
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

TYPED_TEST(PipelineTest, ATenantsServiceIsNotAnothersBusiness) {
    using P = Place<TypeParam>;
    this->expect_drop(Drop::wrong_network,
                      this->world.receive(underlay, this->from_pod(P::tenant_vip).tcp(1, 80, syn).build()));
    const Seen seen = this->look(
        this->only(this->world.receive(outside, this->from_client(P::tenant_vip).tcp(1, 80, syn).build()), underlay));
    EXPECT_EQ(seen.vni, Vni(7));
}

TYPED_TEST(PipelineTest, TruncatedAtEveryByteIsNeverForwarded) {
    using P = Place<TypeParam>;
    const Bytes whole = this->from_pod(P::pod2).udp(1, 2).payload(8).build();
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_EQ(
            this->world.receive(underlay, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)))
                .size(),
            0U)
            << length;
    EXPECT_EQ(this->world.totals().dropped(), whole.size());
}

TYPED_TEST(PipelineTest, NoHeadroomIsADropNeverAPlainPacket) {
    using P = Place<TypeParam>;
    this->world.shape = [](rte_mbuf* mbuf) {
        std::memmove(mbuf->buf_addr, rte_pktmbuf_mtod(mbuf, void*), mbuf->data_len);
        mbuf->data_off = 0;
    };
    this->expect_drop(Drop::no_headroom,
                      this->world.receive(outside, this->from_client(P::vip).tcp(1, 80, syn).build()));
}

TYPED_TEST(PipelineTest, TtlRunsOut) {
    using P = Place<TypeParam>;
    const Bytes out =
        this->only(this->world.receive(outside, this->from_client(P::vip).ttl(1).udp(9, 9).build()), outside);
    EXPECT_EQ(this->look(out).outer.transport, Transport::icmp_error);  // the port is not served
    const Bytes late =
        this->only(this->world.receive(outside, this->from_client(P::pod1).ttl(1).udp(9, 9).build()), outside);
    QuotedPacket<TypeParam> quoted;
    ASSERT_TRUE(quoted_packet(late.data(), late.size(), this->look(late).outer, quoted));
    EXPECT_EQ(quoted.key.source, P::client);  // quoted as the client sent it
    EXPECT_EQ(quoted.key.source_port, Be16(9));
    EXPECT_EQ(this->flow(late).source, P::gateway_outside);
    EXPECT_EQ(this->world.drops(Drop::ttl_exceeded), 1U);
}

TYPED_TEST(PipelineTest, TooBigIsTold) {
    using P = Place<TypeParam>;
    auto packet = this->from_client(P::udp_vip);
    if (std::same_as<TypeParam, Ipv4>) packet.dont_fragment();
    const Bytes big = packet.udp(9, 53).payload(1440).build();
    const Bytes out = this->only(this->world.receive(outside, big), outside);
    const Seen seen = this->look(out);
    EXPECT_EQ(seen.outer.transport, Transport::icmp_error);
    EXPECT_EQ(header_at<IcmpHeader>(out.data() + seen.outer.transport_at).sequence,
              Be16(std::same_as<TypeParam, Ipv4> ? 1450 : 1430));
    QuotedPacket<TypeParam> quoted;
    ASSERT_TRUE(quoted_packet(out.data(), out.size(), seen.outer, quoted));
    EXPECT_EQ(quoted.key.destination, P::udp_vip);
    EXPECT_EQ(this->world.drops(Drop::packet_too_big), 1U);
}

TYPED_TEST(PipelineTest, SynMssFitsTheTunnel) {
    using P = Place<TypeParam>;
    const Bytes out = this->only(
        this->world.receive(outside, this->from_client(P::vip).tcp(1, 80, syn).tcp_options({2, 4, 0x05, 0xb4}).build()),
        underlay);
    const Seen seen = this->look(out);
    const std::uint8_t* option = seen.inner_frame.data() + seen.inner.transport_at + 20;
    EXPECT_EQ(option[2] << 8 | option[3], (std::is_same_v<TypeParam, Ipv4> ? 1450 - 40 : 1430 - 60));
}

TYPED_TEST(PipelineTest, IcmpErrorsFindTheirConnection) {
    using P = Place<TypeParam>;
    const bool v4 = std::same_as<TypeParam, Ipv4>;
    const Bytes request =
        this
            ->look(this->only(
                this->world.receive(outside, this->from_client(P::udp_vip).udp(999, 53).payload(20).build()), underlay))
            .inner_frame;
    PacketMeta meta;
    ASSERT_EQ(parse(request.data(), request.size(), request.size(), meta).outcome, ParseOutcome::packet);
    const auto flow = meta.template flow<TypeParam>();
    // A pod that does not listen says so about the translated packet.
    const Bytes error = this->tunnel(flow.destination == P::pod1 ? P::node1 : P::node2)
                            .ip(flow.destination, flow.source)
                            .icmp(v4 ? 3 : 1, v4 ? 3 : 4)
                            .payload(ip_packet(request))
                            .build();
    const Bytes out = this->only(this->world.receive(underlay, error), outside);
    QuotedPacket<TypeParam> quoted;
    ASSERT_TRUE(quoted_packet(out.data(), out.size(), this->look(out).outer, quoted));
    EXPECT_EQ(quoted.key.source, P::client);
    EXPECT_EQ(quoted.key.destination, P::udp_vip);
    EXPECT_EQ(quoted.key.destination_port, Be16(53));
    EXPECT_EQ(this->flow(out).source, P::udp_vip);
}

TYPED_TEST(PipelineTest, IcmpErrorsToTheGatewayItselfAreTheKernels) {
    using P = Place<TypeParam>;
    const bool v4 = std::same_as<TypeParam, Ipv4>;
    const Bytes quoted =
        ip_packet(PacketBuilder().ethernet().ip(P::gateway_outside, P::client).tcp(22, 5000, ack).build());
    const Bytes error = this->from_client(P::gateway_outside).icmp(v4 ? 3 : 1, v4 ? 1 : 3).payload(quoted).build();
    this->only(this->world.receive(outside, error), host);
}

TYPED_TEST(PipelineTest, APodReachesItselfThroughItsService) {
    using P = Place<TypeParam>;
    // Of 40 flows some are sent back to the pod that opened them: translated, so it does not see its own address.
    std::map<TypeParam, int> sources;
    for (std::uint16_t port = 1; port <= 40; ++port) {
        const auto flow = this->inner_flow(
            this->only(this->world.receive(underlay, this->from_pod(P::vip).tcp(port, 80, syn).build()), underlay));
        if (flow.destination == P::pod1) ++sources[flow.source];
    }
    ASSERT_EQ(sources.size(), 1U);
    EXPECT_NE(sources.begin()->first, P::pod1);
}

TYPED_TEST(PipelineTest, ASynReopensAClosedConnection) {
    using P = Place<TypeParam>;
    const auto first = this->inner_flow(
        this->only(this->world.receive(outside, this->from_client(P::vip).tcp(7, 80, syn).build()), underlay));
    const auto from_backend = [&](std::uint8_t flags) {
        return this->answer_to(first).tcp(8080, first.source_port.value(), flags).build();
    };
    this->world.receive(underlay, from_backend(syn | ack));
    this->world.receive(outside, this->from_client(P::vip).tcp(7, 80, fin | ack).build());
    this->world.receive(underlay, from_backend(fin | ack));
    EXPECT_EQ(this->world.connections().template family<TypeParam>().size(), 1U);
    this->only(this->world.receive(outside, this->from_client(P::vip).tcp(7, 80, syn).build()), underlay);
    EXPECT_EQ(this->world.connections().template family<TypeParam>().size(), 1U);
}

TYPED_TEST(PipelineTest, IdleConnectionsExpire) {
    using P = Place<TypeParam>;
    this->world.receive(outside, this->from_client(P::udp_vip).udp(7, 53).build());
    this->world.clock += 301;
    for (int i = 0; i < 8; ++i) this->world.tidy();  // the sweep takes a few records at a time
    EXPECT_EQ(this->world.connections().template family<TypeParam>().size(), 0U);
}

TYPED_TEST(PipelineTest, FragmentsFollowTheFirstInAndOutOfOrder) {
    using P = Place<TypeParam>;
    const Bytes whole = this->from_client(P::udp_vip).udp(999, 53).payload(1000).build();
    for (const bool in_order : {true, false}) {
        auto pieces = fragmented(whole, 400, in_order ? 1 : 2);
        ASSERT_EQ(pieces.size(), 3U);
        if (!in_order) std::swap(pieces[0], pieces[2]);
        auto sent = this->world.receive(outside, pieces);
        for (auto& late : this->world.tidy()) sent.push_back(late);
        ASSERT_EQ(sent.size(), 3U) << in_order;
        for (const auto& s : sent)
            EXPECT_EQ(this->look(s.frame).outer.template flow<TypeParam>().source_port,
                      this->look(sent[0].frame).outer.template flow<TypeParam>().source_port);
        for (const auto& s : sent) EXPECT_EQ(this->inner_flow(s.frame).source, this->inner_flow(sent[0].frame).source);
    }
}

TYPED_TEST(PipelineTest, LaterFragmentsAloneAreGivenUpInTime) {
    using P = Place<TypeParam>;
    const auto pieces = fragmented(this->from_client(P::udp_vip).udp(999, 53).payload(1000).build(), 400, 1);
    EXPECT_EQ(this->world.receive(outside, pieces[1]).size(), 0U);
    this->world.tidy();
    EXPECT_EQ(this->world.totals().held, 1U);
    this->world.clock += 10;
    this->expect_drop(Drop::fragment_unknown, this->world.tidy());
}

TYPED_TEST(PipelineTest, PacketsWaitForTheirNeighbour) {
    using P = Place<TypeParam>;
    EXPECT_EQ(this->world.receive(outside, this->from_client(P::unreachable_pod).tcp(1, 2, syn).build()).size(), 0U);
    NeighbourRequest request;
    ASSERT_TRUE(this->world.requests.pop(request));
    EXPECT_EQ(request.port, underlay);
    DesiredState learned = desired_world();
    learned.neighbours.push_back({underlay, request.address, node2_mac});
    this->world.rebuild(learned);
    const auto flow = this->inner_flow(this->only(this->world.tidy(), underlay));
    EXPECT_EQ(flow.destination, P::unreachable_pod);
}

TYPED_TEST(PipelineTest, ANeighbourThatNeverAnswersIsCounted) {
    using P = Place<TypeParam>;
    EXPECT_EQ(this->world.receive(outside, this->from_client(P::unreachable_pod).tcp(1, 2, syn).build()).size(), 0U);
    this->world.clock += 4;
    this->expect_drop(Drop::neighbour_unresolved, this->world.tidy());
}

TYPED_TEST(PipelineTest, AFullTableKeepsEstablishedFlows) {
    using P = Place<TypeParam>;
    for (std::uint16_t port = 1; port <= 64; ++port)
        EXPECT_EQ(this->world.receive(outside, this->from_client(P::vip).tcp(port, 80, syn).build()).size(), 1U);
    this->expect_drop(Drop::connection_table_full,
                      this->world.receive(outside, this->from_client(P::vip).tcp(65, 80, syn).build()));
    this->only(this->world.receive(outside, this->from_client(P::vip).tcp(64, 80, ack).build()), underlay);
    // Without a translation it can be forwarded all the same.
    this->only(this->world.receive(underlay, this->from_pod(P::client).udp(1, 2).build()), outside);
}

TYPED_TEST(PipelineTest, UdpLeavesABackendThatIsGone) {
    using P = Place<TypeParam>;
    const auto before = this->inner_flow(
        this->only(this->world.receive(outside, this->from_client(P::udp_vip).udp(7, 53).build()), underlay));
    DesiredState changed = desired_world();
    for (std::size_t n = 0; n < changed.services.size(); ++n)
        std::erase_if(changed.services.edit(n).backends,
                      [&](const DesiredBackend& b) { return b.address == IpAddress(before.destination); });
    this->world.rebuild(changed);
    const auto after = this->inner_flow(
        this->only(this->world.receive(outside, this->from_client(P::udp_vip).udp(7, 53).build()), underlay));
    EXPECT_NE(after.destination, before.destination);
}

TYPED_TEST(PipelineTest, AFullTransmitQueueIsADrop) {
    using P = Place<TypeParam>;
    this->world.refuse_all = true;
    this->expect_drop(Drop::transmit_refused,
                      this->world.receive(outside, this->from_client(P::vip).tcp(1, 80, syn).build()));
}

TYPED_TEST(PipelineTest, OwnAddressesAsSourceAreMartian) {
    using P = Place<TypeParam>;
    const Bytes spoofed =
        PacketBuilder().ethernet(outside_mac, outside_client_mac).ip(P::gateway_outside, P::client).udp(1, 2).build();
    this->expect_drop(Drop::martian_source, this->world.receive(outside, spoofed));
}

TYPED_TEST(PipelineTest, AnUnknownReplyIsCounted) {
    auto snat = this->world.snapshot().network(default_network).template family<TypeParam>().snat.first;
    this->expect_drop(Drop::no_connection,
                      this->world.receive(underlay, this->from_pod(snat).tcp(80, 5000, ack).build()));
}

TYPED_TEST(PipelineTest, ForeignFramesAndTags) {
    using P = Place<TypeParam>;
    this->expect_drop(
        Drop::wrong_mac,
        this->world.receive(
            outside, PacketBuilder().ethernet(node2_mac, outside_client_mac).ip(P::client, P::vip).udp(1, 2).build()));
    this->expect_drop(
        Drop::vlan,
        this->world.receive(
            outside,
            PacketBuilder().ethernet(outside_mac, outside_client_mac).vlan(5).ip(P::client, P::vip).udp(1, 2).build()));
    const Bytes arp = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 1, 1, 0x08, 0x06, 0, 1};
    EXPECT_EQ(this->only(this->world.receive(outside, arp), host), arp);
}

TYPED_TEST(PipelineTest, EthernetPaddingIsNotCarriedOn) {
    using P = Place<TypeParam>;
    Bytes padded = this->from_client(P::udp_vip).udp(7, 53).payload(1).build();
    const std::size_t length = padded.size();
    padded.resize(length + 17);
    const Seen seen = this->look(this->only(this->world.receive(outside, padded), underlay));
    EXPECT_EQ(seen.inner_frame.size(), length);
}

TYPED_TEST(PipelineTest, CongestionMarksSurvive) {
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

TEST(PipelineV4Test, WithoutDontFragmentThePacketIsCut) {
    World world;
    using P = Place<Ipv4>;
    const Bytes big = PacketBuilder()
                          .ethernet(outside_mac, outside_client_mac)
                          .ip(P::client, P::udp_vip)
                          .udp(9, 53)
                          .payload(1460)
                          .build();
    const auto sent = world.receive(outside, big);
    ASSERT_EQ(sent.size(), 2U);
    for (const auto& s : sent) EXPECT_EQ(fault_in(s.frame), "");
    EXPECT_EQ(world.totals().tx, 1U);
    EXPECT_EQ(world.totals().originated, 1U);
}

TEST(PipelineStartTest, BeforeTheFirstSnapshotEverythingIsCounted) {
    World world;
    world.rebuild(DesiredState{});
    EXPECT_EQ(world.receive(outside, PacketBuilder().ethernet().ip("1.2.3.4", "5.6.7.8").udp(1, 2).build()).size(), 0U);
    EXPECT_EQ(world.drops(Drop::no_snapshot), 1U);
}

}  // namespace
}  // namespace viaduct::test
