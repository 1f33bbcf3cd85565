// Several workers over one snapshot: whoever receives a packet, its connection's owner treats it.
#include <gtest/gtest.h>

#include "encap/headers.h"
#include "tests/unit/dataplane/world.h"

namespace viaduct::test {
namespace {

template <Address A>
class WorkersTest : public testing::Test {
protected:
    using Here = Place<A>;

    explicit WorkersTest(bool flow_stable = true) : world(3, desired(flow_stable)) {}
    static DesiredState desired(bool flow_stable) {
        DesiredState d = desired_world();
        for (DesiredPort& port : d.ports) port.flow_stable = flow_stable;
        return d;
    }
    static PacketBuilder from_client(const A& to) {
        return PacketBuilder().ethernet(outside_mac, outside_client_mac).ip(Here::client, to);
    }
    static FlowKey<A> inner_flow(const Bytes& frame) {
        EXPECT_EQ(fault_in(frame), "");
        const std::size_t at = 14 + (std::same_as<A, Ipv4> ? 20 : 40) + 16;
        PacketMeta meta;
        EXPECT_EQ(parse(frame.data() + at, frame.size() - at, frame.size() - at, meta).outcome, ParseOutcome::packet);
        return meta.template flow<A>();
    }
    /// The service's answer to a request that went to a backend, received by `worker`.
    std::vector<World::Sent> answer(const FlowKey<A>& request, WorkerId worker) {
        const A node = request.destination == Here::pod1 ? Here::node1 : Here::node2;
        return world.receive(underlay,
                             PacketBuilder()
                                 .ethernet(underlay_mac, node1_mac)
                                 .ip(node, Here::vtep)
                                 .udp(50'000, 8472)
                                 .vxlan(Vni(1))
                                 .ethernet(vtep_mac, node1_vtep)
                                 .ip(request.destination, request.source)
                                 .udp(8080, request.source_port.value())
                                 .payload(7)
                                 .build(),
                             worker);
    }
    [[nodiscard]] std::size_t connections() {
        std::size_t sum = 0;
        for (WorkerId w = 0; w < 3; ++w) sum += world.connections(w).template family<A>().size();
        return sum;
    }
    void TearDown() override {
        world.tidy();
        EXPECT_TRUE(world.totals().conserved());
    }

    World world;
};

using Families = testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(WorkersTest, Families);

TYPED_TEST(WorkersTest, RepliesReachTheOwnerWhereverTheyArrive) {
    using P = Place<TypeParam>;
    for (std::uint16_t port = 1000; port < 1030; ++port) {
        const auto worker = static_cast<WorkerId>(port % 3);
        const auto sent = this->world.receive(outside, this->from_client(P::udp_vip).udp(port, 53).build(), worker);
        ASSERT_EQ(sent.size(), 1U);
        const auto request = this->inner_flow(sent[0].frame);
        for (WorkerId receiver = 0; receiver < 3; ++receiver) {
            const auto back = this->answer(request, receiver);
            ASSERT_EQ(back.size(), 1U) << port;
            EXPECT_EQ(back[0].port, outside);
        }
    }
    EXPECT_EQ(this->connections(), 30U);
}

TYPED_TEST(WorkersTest, TheOwnerTimesWhatItIsHandedFromTrackOn) {
    using P = Place<TypeParam>;
    const auto sent = this->world.receive(outside, this->from_client(P::udp_vip).udp(1000, 53).build(), 0);
    ASSERT_EQ(sent.size(), 1U);
    const auto request = this->inner_flow(sent[0].frame);
    for (unsigned i = 0; i < StageTimer::interval; ++i) this->answer(request, 2);
    const auto packets = [&](WorkerId worker, Stage stage) {
        return this->world.counters(worker).stages[static_cast<std::size_t>(stage)].packets.read();
    };
    EXPECT_EQ(this->world.counters(0).timed_bursts.read(), 2U);
    EXPECT_EQ(packets(0, Stage::decapsulate), 1U);
    EXPECT_EQ(packets(0, Stage::track), 2U);
    EXPECT_EQ(packets(2, Stage::decapsulate), 1U);
    EXPECT_EQ(packets(2, Stage::translate), 0U);
}

TYPED_TEST(WorkersTest, OneFlowFromQueuesThatMixFlowsIsOneConnection) {
    using P = Place<TypeParam>;
    this->world.rebuild(this->desired(false));
    std::map<std::uint16_t, int> sources;
    for (int i = 0; i < 9; ++i) {
        const auto sent = this->world.receive(outside, this->from_client(P::udp_vip).udp(1000, 53).build(),
                                              static_cast<WorkerId>(i % 3));
        ASSERT_EQ(sent.size(), 1U);
        ++sources[this->inner_flow(sent[0].frame).source_port.value()];
    }
    EXPECT_EQ(sources.size(), 1U);
    EXPECT_EQ(this->connections(), 1U);
}

TYPED_TEST(WorkersTest, AffinityHoldsWhicheverWorkerReceives) {
    using P = Place<TypeParam>;
    std::map<TypeParam, int> backends;
    for (std::uint16_t port = 1000; port < 1030; ++port) {
        const auto sent =
            this->world.receive(outside, this->from_client(P::sticky_vip).tcp(port, 80, TcpHeader::syn).build(),
                                static_cast<WorkerId>(port % 3));
        ASSERT_EQ(sent.size(), 1U);
        ++backends[this->inner_flow(sent[0].frame).destination];
    }
    EXPECT_EQ(backends.size(), 1U);
}

TYPED_TEST(WorkersTest, FragmentsReachTheOwnerOfTheirFlow) {
    using P = Place<TypeParam>;
    for (const bool stable : {true, false}) {
        this->world.rebuild(this->desired(stable));
        const auto port = static_cast<std::uint16_t>(stable ? 1000 : 2000);
        const auto opened = this->world.receive(outside, this->from_client(P::udp_vip).udp(port, 53).build(), 1);
        ASSERT_EQ(opened.size(), 1U);
        const auto flow = this->inner_flow(opened[0].frame);
        const auto pieces = fragmented(this->from_client(P::udp_vip).udp(port, 53).payload(1000).build(), 400, port);
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            auto sent = this->world.receive(outside, pieces[i], static_cast<WorkerId>(i % 3));
            for (auto& late : this->world.tidy()) sent.push_back(late);
            ASSERT_EQ(sent.size(), 1U) << i << stable;
            EXPECT_EQ(this->inner_flow(sent[0].frame).source, flow.source);
        }
    }
    EXPECT_EQ(this->connections(), 2U);
}

TYPED_TEST(WorkersTest, IcmpErrorsGoRoundUntilSomebodyKnows) {
    using P = Place<TypeParam>;
    const bool v4 = std::same_as<TypeParam, Ipv4>;
    const auto opened = this->world.receive(outside, this->from_client(P::udp_vip).udp(1000, 53).payload(9).build(), 1);
    ASSERT_EQ(opened.size(), 1U);
    // The client's side complains about the answer: it quotes VIP → client.
    const Bytes quoted =
        ip_packet(PacketBuilder().ethernet().ip(P::udp_vip, P::client).udp(53, 1000).payload(9).build());
    for (WorkerId receiver = 0; receiver < 3; ++receiver) {
        const auto sent = this->world.receive(
            outside, this->from_client(P::udp_vip).icmp(v4 ? 3 : 1, v4 ? 3 : 4).payload(quoted).build(), receiver);
        ASSERT_EQ(sent.size(), 1U);
        EXPECT_EQ(sent[0].port, underlay);
        EXPECT_EQ(fault_in(sent[0].frame), "");
    }
    const Bytes unknown = ip_packet(PacketBuilder().ethernet().ip(P::udp_vip, P::client).udp(53, 1001).build());
    EXPECT_EQ(
        this->world
            .receive(outside, this->from_client(P::udp_vip).icmp(v4 ? 3 : 1, v4 ? 3 : 4).payload(unknown).build(), 0)
            .size(),
        0U);
    EXPECT_EQ(this->world.drops(Drop::no_connection), 1U);
}

TYPED_TEST(WorkersTest, AFullRingIsADrop) {
    using P = Place<TypeParam>;
    this->world.rebuild(this->desired(false));
    this->world.pause_handed_over = true;
    for (std::uint16_t port = 1; port <= 400; ++port)
        this->world.receive(outside, this->from_client(P::udp_vip).udp(port, 53).build(), 2);
    EXPECT_GT(this->world.drops(Drop::handover_full), 0U);
    this->world.pause_handed_over = false;
    const std::uint64_t before = this->world.totals().dropped();
    EXPECT_GT(this->world.tidy().size(), 60U);  // what fitted goes on as if nothing had been
    EXPECT_EQ(this->world.totals().dropped(), before);
}

}  // namespace
}  // namespace viaduct::test
