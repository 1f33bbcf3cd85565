// Packets that are held: later fragments for their first, all for their neighbour.
#include "tests/unit/dataplane/pipeline_fixture.h"

namespace viaduct::test {
namespace {

template <Address A>
class PipelineWaiting : public PipelineTest<A> {};
TYPED_TEST_SUITE(PipelineWaiting, Families);

TYPED_TEST(PipelineWaiting, FragmentsFollowTheFirstInAndOutOfOrder) {
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

TYPED_TEST(PipelineWaiting, LaterFragmentsAloneAreGivenUpInTime) {
    using P = Place<TypeParam>;
    const auto pieces = fragmented(this->from_client(P::udp_vip).udp(999, 53).payload(1000).build(), 400, 1);
    EXPECT_EQ(this->world.receive(outside, pieces[1]).size(), 0U);
    this->world.tidy();
    EXPECT_EQ(this->world.totals().held, 1U);
    this->world.clock += 10;
    this->expect_drop(Drop::fragment_unknown, this->world.tidy());
}

TYPED_TEST(PipelineWaiting, PacketsWaitForTheirNeighbour) {
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

TYPED_TEST(PipelineWaiting, ANeighbourThatNeverAnswersIsCounted) {
    using P = Place<TypeParam>;
    EXPECT_EQ(this->world.receive(outside, this->from_client(P::unreachable_pod).tcp(1, 2, syn).build()).size(), 0U);
    this->world.clock += 4;
    this->expect_drop(Drop::neighbour_unresolved, this->world.tidy());
}

}  // namespace
}  // namespace viaduct::test
