// Packets to Services: which backend, which refusal, and the way back.
#include "tests/unit/dataplane/pipeline_fixture.h"

namespace viaduct::test {
namespace {

template <Address A>
class PipelineServices : public PipelineTest<A> {};
TYPED_TEST_SUITE(PipelineServices, Families);

TYPED_TEST(PipelineServices, ServiceTcpGoesToABackendAndBack) {
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

TYPED_TEST(PipelineServices, AFlowKeepsItsBackendAndItsSource) {
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

TYPED_TEST(PipelineServices, ServiceUdpHitsEveryBackend) {
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

TYPED_TEST(PipelineServices, NodePortOnTheGatewaysAddress) {
    using P = Place<TypeParam>;
    const auto request = this->inner_flow(this->only(
        this->world.receive(outside, this->from_client(P::gateway_outside).tcp(1, 30080, syn).build()), underlay));
    EXPECT_EQ(request.destination_port, Be16(8080));
    EXPECT_EQ(this->world.receive(outside, this->from_client(P::gateway_outside).tcp(2, 22, syn).build())[0].port,
              host);
    EXPECT_EQ(this->world.totals().punt, 1U);
}

TYPED_TEST(PipelineServices, EmptyServiceIsRefused) {
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

TYPED_TEST(PipelineServices, UndefinedPortOfAServiceIsRefused) {
    using P = Place<TypeParam>;
    const Bytes out =
        this->only(this->world.receive(outside, this->from_client(P::vip).tcp(40'000, 81, syn).build()), outside);
    EXPECT_EQ(this->look(out).outer.tcp_flags & rst, rst);
    EXPECT_EQ(this->world.drops(Drop::no_such_service_port), 1U);
}

TYPED_TEST(PipelineServices, SourceRangesAreChecked) {
    using P = Place<TypeParam>;
    this->only(this->world.receive(outside, this->from_client(P::guarded_vip).tcp(1, 80, syn).build()), underlay);
    const Bytes stranger = PacketBuilder()
                               .ethernet(outside_mac, outside_client_mac)
                               .ip(P::stranger, P::guarded_vip)
                               .tcp(1, 80, syn)
                               .build();
    this->expect_drop(Drop::source_range, this->world.receive(outside, stranger));
}

TYPED_TEST(PipelineServices, SessionAffinityTiesAClient) {
    using P = Place<TypeParam>;
    std::map<TypeParam, int> hits;
    for (std::uint16_t port = 1000; port < 1020; ++port)
        ++hits[this->inner_flow(this->only(this->world.receive(
                                               outside, this->from_client(P::sticky_vip).tcp(port, 80, syn).build()),
                                           underlay))
                   .destination];
    EXPECT_EQ(hits.size(), 1U);
}

TYPED_TEST(PipelineServices, AServiceAddressAnswersPing) {
    using P = Place<TypeParam>;
    const Bytes out = this->only(
        this->world.receive(outside, this->from_client(P::vip).echo_request(77).payload(20).build()), outside);
    EXPECT_EQ(this->look(out).outer.transport, Transport::echo_reply);
    EXPECT_EQ(this->world.totals().tx, 1U);
}

TYPED_TEST(PipelineServices, APodReachesItselfThroughItsService) {
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

TYPED_TEST(PipelineServices, UdpLeavesABackendThatIsGone) {
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

TYPED_TEST(PipelineServices, ATenantsServiceIsNotAnothersBusiness) {
    using P = Place<TypeParam>;
    this->expect_drop(Drop::wrong_network,
                      this->world.receive(underlay, this->from_pod(P::tenant_vip).tcp(1, 80, syn).build()));
    const Seen seen = this->look(
        this->only(this->world.receive(outside, this->from_client(P::tenant_vip).tcp(1, 80, syn).build()), underlay));
    EXPECT_EQ(seen.vni, Vni(7));
}

}  // namespace
}  // namespace viaduct::test
