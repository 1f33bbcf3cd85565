// Packets that belong to a connection, or to none that is known.
#include "encap/icmp.h"
#include "tests/unit/dataplane/pipeline_fixture.h"

namespace viaduct::test {
namespace {

template <Address A>
class PipelineConnections : public PipelineTest<A> {};
TYPED_TEST_SUITE(PipelineConnections, Families);

TYPED_TEST(PipelineConnections, IcmpErrorsFindTheirConnection) {
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

TYPED_TEST(PipelineConnections, IcmpErrorsToTheGatewayItselfAreTheKernels) {
    using P = Place<TypeParam>;
    const bool v4 = std::same_as<TypeParam, Ipv4>;
    const Bytes quoted =
        ip_packet(PacketBuilder().ethernet().ip(P::gateway_outside, P::client).tcp(22, 5000, ack).build());
    const Bytes error = this->from_client(P::gateway_outside).icmp(v4 ? 3 : 1, v4 ? 1 : 3).payload(quoted).build();
    this->only(this->world.receive(outside, error), host);
}

TYPED_TEST(PipelineConnections, ASynReopensAClosedConnection) {
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

TYPED_TEST(PipelineConnections, IdleConnectionsExpire) {
    using P = Place<TypeParam>;
    this->world.receive(outside, this->from_client(P::udp_vip).udp(7, 53).build());
    this->world.clock += 301;
    for (int i = 0; i < 8; ++i) this->world.tidy();  // the sweep takes a few records at a time
    EXPECT_EQ(this->world.connections().template family<TypeParam>().size(), 0U);
}

TYPED_TEST(PipelineConnections, AFullTableKeepsEstablishedFlows) {
    using P = Place<TypeParam>;
    for (std::uint16_t port = 1; port <= 64; ++port)
        EXPECT_EQ(this->world.receive(outside, this->from_client(P::vip).tcp(port, 80, syn).build()).size(), 1U);
    this->expect_drop(Drop::connection_table_full,
                      this->world.receive(outside, this->from_client(P::vip).tcp(65, 80, syn).build()));
    this->only(this->world.receive(outside, this->from_client(P::vip).tcp(64, 80, ack).build()), underlay);
    // Without a translation it can be forwarded all the same.
    this->only(this->world.receive(underlay, this->from_pod(P::client).udp(1, 2).build()), outside);
}

TYPED_TEST(PipelineConnections, AnUnknownReplyIsCounted) {
    auto snat = this->world.snapshot().network(default_network).template family<TypeParam>().snat.first;
    this->expect_drop(Drop::no_connection,
                      this->world.receive(underlay, this->from_pod(snat).tcp(80, 5000, ack).build()));
}

}  // namespace
}  // namespace viaduct::test
