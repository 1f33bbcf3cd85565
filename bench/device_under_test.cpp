// Building the pipelines, and passing packets between two of them.
#include "bench/device_under_test.h"

namespace viaduct {
namespace {

constexpr std::size_t small_table = 64;
constexpr WorkerId owner = 0, receiver = 1;

}  // namespace

PipelineSizes sizes_for(Family family, std::size_t connections) {
    PipelineSizes sizes;
    sizes.connections_v4 = family == Family::v4 ? connections : small_table;
    sizes.connections_v6 = family == Family::v6 ? connections : small_table;
    sizes.affinities = small_table;
    return sizes;
}

Surroundings surroundings_in(Harness& harness, WorkerId self, const SlotMap& slots, WorkerCounters& counters,
                             NeighbourRequests& requests) {
    Surroundings around;
    around.self = self;
    around.slots = &slots;
    around.counters = &counters;
    around.pool = harness.buffers().pool();
    around.neighbour_requests = &requests;
    around.transmit[static_cast<std::size_t>(World::outside)] = harness.sink().queue();
    around.transmit[static_cast<std::size_t>(World::underlay)] = harness.sink().queue();
    return around;
}

std::string losses_of(std::span<const WorkerCounters> counters) {
    std::string text;
    for (std::size_t i = 0; i < drop_count; ++i) {
        std::uint64_t count = 0;
        for (const WorkerCounters& worker : counters) count += worker.drops[i].read();
        if (count != 0) text.append(" ").append(drop_texts[i].name).append(" ").append(std::to_string(count));
    }
    return text.empty() ? " no drop was counted" : text;
}

DeviceUnderTest::DeviceUnderTest(const World& world, Harness& harness, Workers workers, std::size_t connections)
    : now_(world.snapshot()), slots_(workers == Workers::one ? 1 : 2) {
    if (workers == Workers::receiver_and_owner) {
        ring_ = make_packet_ring("bench", 4 * Burst::capacity);
        receiver_ = make(receiver, harness, sizes_for(world.inner(), small_table));
    }
    owner_ = make(owner, harness, sizes_for(world.inner(), connections));
}

std::unique_ptr<Pipeline> DeviceUnderTest::make(WorkerId self, Harness& harness, const PipelineSizes& sizes) {
    Surroundings around = surroundings_in(harness, self, slots_, counters_[self], requests_);
    around.workers[owner] = ring_.get();
    return std::make_unique<Pipeline>(around, sizes, Timeouts{});
}

void DeviceUnderTest::run_and_hand_over(Burst& burst) noexcept {
    receiver_->run(burst, now_, clock_);
    auto** packets = reinterpret_cast<void**>(handed_over_.mbufs.data());
    handed_over_.count = rte_ring_dequeue_burst(ring_.get(), packets, Burst::capacity, nullptr);
    owner_->resume(handed_over_, now_, clock_);
}

}  // namespace viaduct
