// The pipelines under test, and what a gateway's worker gives them.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>

#include "bench/harness.h"
#include "dataplane/pipeline.h"
#include "dataplane/transmit_queues.h"

namespace viaduct {

/// Room for so many connections of this family, and for next to nothing else.
[[nodiscard]] PipelineSizes sizes_for(Family family, std::size_t connections);
/// What a worker has around it whose ports all end in the harness's sink; it hands nothing over yet.
[[nodiscard]] Surroundings surroundings_in(Harness& harness, WorkerId self, const SlotMap& slots,
                                           WorkerCounters& counters, NeighbourRequests& requests);
/// Why packets did not come out, for people.
[[nodiscard]] std::string losses_of(std::span<const WorkerCounters> counters);

/// One worker that does everything, or a receiver and an owner, both in the calling thread: so the ring costs what its
/// instructions cost, and nothing for cache lines that move between cores.
class DeviceUnderTest {
public:
    enum class Workers : std::uint8_t { one, receiver_and_owner };
    /// Room for `connections` of the world's family.
    DeviceUnderTest(const World& world, Harness& harness, Workers workers, std::size_t connections);

    /// The owner receives these packets.
    void run(Burst& burst) noexcept { run(burst, now_); }
    /// … with another snapshot than the world's.
    void run(Burst& burst, const Snapshot& now) noexcept { owner_->run(burst, now, clock_); }
    /// The receiver does, and hands over what is the owner's.
    void run_and_hand_over(Burst& burst) noexcept;

    /// A second passes: the next packet of each connection writes it down.
    void tick() noexcept { ++clock_; }
    /// Time passes, and all connections expire: how many of them.
    template <Address A>
    std::size_t forget() noexcept {
        clock_ += 100'000;
        auto& connections = owner_->connections().family<A>();
        return connections.sweep(connections.capacity(), clock_);
    }
    [[nodiscard]] std::string losses() const { return losses_of(counters_); }

private:
    [[nodiscard]] std::unique_ptr<Pipeline> make(WorkerId self, Harness& harness, const PipelineSizes& sizes);

    const Snapshot& now_;
    SlotMap slots_;
    std::array<WorkerCounters, 2> counters_;
    NeighbourRequests requests_;
    Ring ring_;  // to the owner
    std::unique_ptr<Pipeline> owner_, receiver_;
    Burst handed_over_;
    Seconds clock_ = 1;
};

}  // namespace viaduct
