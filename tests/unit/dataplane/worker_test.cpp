// Workers at work: real devices in memory (net_ring loops back what is sent), real threads.
#include "dataplane/worker.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <algorithm>

#include "dataplane/connection_rows.h"
#include "dataplane/eal.h"
#include "dataplane/port.h"
#include "encap/headers.h"
#include "tests/support/eal_environment.h"
#include "tests/unit/dataplane/world.h"

namespace viaduct {
namespace {

std::vector<rte_mbuf*> packets(unsigned count) {
    std::vector<rte_mbuf*> made(count);
    EXPECT_EQ(rte_pktmbuf_alloc_bulk(test_pool(), made.data(), count), 0);
    for (rte_mbuf* packet : made) memset(rte_pktmbuf_append(packet, 60), 0, 60);
    return made;
}

std::uint16_t loop_of(const Port& port) { return port.receive_queues().front().device; }

/// Takes what a looped-back device holds, and gives it back to the pool.
unsigned drained(const Port& port) {
    std::array<rte_mbuf*, 64> taken;
    unsigned sum = 0;
    while (const unsigned count = rte_eth_rx_burst(loop_of(port), 0, taken.data(), taken.size())) {
        rte_pktmbuf_free_bulk(taken.data(), count);
        sum += count;
    }
    return sum;
}

class WorkerTest : public testing::Test {
protected:
    ~WorkerTest() override {
        drained(wire);
        drained(tap);
    }
    void arrive(Port& port, unsigned count) {
        auto made = packets(count);
        ASSERT_EQ(rte_eth_tx_burst(loop_of(port), 0, made.data(), static_cast<std::uint16_t>(count)), count);
    }
    Worker& make_worker(WorkerSetup setup) {
        around.slots = &slots;
        around.counters = &counters;
        around.pool = test_pool();
        around.neighbour_requests = &requests;
        around.transmit[0] = wire_queues.of(0);
        around.transmit[1] = tap_queues.of(0);
        setup.cpu = allowed_cpus().back();
        setup.clock_start = rte_get_tsc_cycles();
        return *(worker = std::make_unique<Worker>(std::move(setup), around, PipelineSizes{64, 64, 64, 64, 8},
                                                   Timeouts{}, published, grace));
    }

    Port wire{{.name = "wire", .device = "net_ring_wire"}, 1, test_pool()};
    Port tap{{.name = "tap", .device = "net_ring_tap"}, 1, test_pool()};
    TransmitQueues wire_queues{wire.transmit_queues(), {0}, 1, "w"}, tap_queues{tap.transmit_queues(), {0}, 1, "t"};
    SlotMap slots{2};
    WorkerCounters counters;
    NeighbourRequests requests;
    Surroundings around;
    QsbrGrace grace;
    Published published{grace};
    Ring handover = make_packet_ring("handover", 64);
    std::unique_ptr<Worker> worker;
};

TEST_F(WorkerTest, CountsWhatArrivesAndWhatBecomesOfIt) {
    Worker& one = make_worker({.receive = {{wire.receive_queues()[0], PortId{0}}}});
    EXPECT_FALSE(one.turn());
    arrive(wire, 5);
    EXPECT_TRUE(one.turn());
    EXPECT_EQ(counters.rx.read(), 5U);
    EXPECT_EQ(counters.ports[0].rx_packets.read(), 5U);
    EXPECT_EQ(counters.ports[0].rx_bytes.read(), 300U);
    std::uint64_t dropped = 0;
    for (const Counter& drop : counters.drops) dropped += drop.read();
    EXPECT_EQ(dropped, 5U);  // there is no snapshot yet
    EXPECT_EQ(counters.turns.read(), 2U);
    EXPECT_EQ(counters.busy_turns.read(), 1U);
}

TEST_F(WorkerTest, PassesATwinsFramesToItsPortAsTheyAre) {
    Worker& one = make_worker({.receive = {{tap.receive_queues()[0], PortId{1}, PortId{0}}}});
    arrive(tap, 70);
    EXPECT_TRUE(one.turn());
    EXPECT_TRUE(one.turn());
    EXPECT_EQ(drained(wire), 70U);
    EXPECT_EQ(counters.rx.read(), 70U);
    EXPECT_EQ(counters.tx.read(), 70U);
    EXPECT_EQ(counters.ports[0].tx_packets.read(), 70U);
}

TEST_F(WorkerTest, RunsWhatOthersHandOver) {
    published.publish(SnapshotBuilder().build(test::desired_world(), nullptr));
    Worker& one = make_worker({.handed_over = handover.get()});
    using P = test::Place<Ipv4>;
    const test::Bytes frame = test::PacketBuilder().ethernet().ip(P::client, P::empty_vip).udp(4000, 53).build();
    rte_mbuf* packet = rte_pktmbuf_alloc(test_pool());
    std::ranges::copy(
        frame, reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size()))));
    PacketMeta& meta = carried_meta(packet);
    ASSERT_EQ(viaduct::parse(frame.data(), frame.size(), frame.size(), meta).outcome, ParseOutcome::packet);
    meta.set_network(test::default_network);
    meta.ingress = test::outside;
    meta.from_overlay = meta.originated = false;
    meta.handed_over = true;
    ASSERT_EQ(rte_ring_enqueue(handover.get(), packet), 0);
    EXPECT_TRUE(one.turn());
    EXPECT_EQ(rte_ring_count(handover.get()), 0U);
    EXPECT_EQ(counters.rx.read(), 0U);  // counted where it was received
    EXPECT_EQ(counters.drops[static_cast<std::size_t>(Drop::no_endpoints)].read(), 1U);
}

TEST_F(WorkerTest, SleepsWhenIdleAndDoesNotHoldUpTheGracePeriod) {
    Worker& one = make_worker({.idle = {.spin = false, .max_sleep = std::chrono::microseconds(100)}});
    one.start();
    const std::uint64_t token = grace.start();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while ((counters.sleeps.read() < 10 || !grace.elapsed(token)) && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    EXPECT_GE(counters.sleeps.read(), 10U);
    EXPECT_TRUE(grace.elapsed(token));
    one.stop();
    EXPECT_FALSE(one.running());
}

TEST_F(WorkerTest, AnswersWhileItRuns) {
    Worker& one = make_worker({});
    one.start();
    std::vector<ConnectionRow> rows;
    collect_connections(one, 0, Timeouts{}, 10, rows);
    EXPECT_TRUE(rows.empty());
    one.stop();
    collect_connections(one, 0, Timeouts{}, 10, rows);  // nobody answers any more, and nobody waits
    EXPECT_TRUE(rows.empty());
}

TEST_F(WorkerTest, ACpuThatIsNotOursIsAnError) {
    WorkerSetup setup;
    Worker& one = make_worker(setup);
    one.stop();
    setup.cpu = 1023;
    Worker elsewhere(setup, around, PipelineSizes{64, 64, 64, 64, 8}, Timeouts{}, published, grace);
    EXPECT_THROW(elsewhere.start(), std::runtime_error);
}

TEST(Mailbox, CopiesConnectionsSliceBySlice) {
    Connections connections{{64, Timeouts{}}, {64, Timeouts{}}};
    for (std::uint8_t i = 0; i < 5; ++i) {
        const FlowKey<Ipv4> key{{10, 0, 0, i}, {10, 0, 1, 1}, Be16(1000), Be16(80), Protocol::tcp, NetworkId{0}, 0};
        ASSERT_NE(connections.v4.insert(key, key.mirrored(), 7), nullptr);
    }
    std::array<Connection<Ipv4>, 3> slice;
    ConnectionRequest request{.family = Family::v4, .v4 = slice};
    Mailbox mailbox;
    std::size_t copied = 0, slices = 0;
    do {
        mailbox.post(request);
        EXPECT_FALSE(mailbox.answered());
        mailbox.serve(connections, 9);
        EXPECT_TRUE(mailbox.answered());
        copied += request.copied;
        ++slices;
    } while (request.cursor != 0);
    EXPECT_EQ(copied, 5U);
    EXPECT_GE(slices, 2U);
    EXPECT_EQ(request.clock, 9U);
}

TEST(CoarseClock, CountsSecondsFromACommonStart) {
    const std::uint64_t now = rte_get_tsc_cycles(), hz = rte_get_tsc_hz();
    EXPECT_EQ(CoarseClock(now).now(), 1U);
    CoarseClock late(now - 3 * hz - hz / 2);
    EXPECT_EQ(late.now(), 4U);
    EXPECT_EQ(late.now(), 4U);
}

}  // namespace
}  // namespace viaduct
