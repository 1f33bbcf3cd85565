// One of two workers that pass replies to each other: its buffers, its pipeline, and the connections that it owns.
//
// Theory of operation. Each worker opens the connections of its own flows, one handshake each, and so owns them. What
// is timed are replies: of its own flows only, or of its own and the other's in turn, as a NIC deals them out that
// spreads packets by a hash of their own. Then every second one goes through a ring to its owner. A lap ends for a
// worker when all of its own flows' replies have left it, whoever received them; their bytes must be those of the lap
// that was taken apart. Time is only counted inside the pipeline and the ring: not for writing frames, nor for looking
// at them.
#pragma once

#include <rte_ring.h>

#include <array>
#include <memory>

#include "bench/harness.h"
#include "bench/world.h"
#include "dataplane/pipeline.h"

namespace viaduct {

/// What a worker's laps took.
struct PairedTime {
    std::uint64_t cycles = 0, packets = 0;
};

template <Address A>
class PairedWorker {
public:
    using Rings = std::array<rte_ring*, 2>;  // into which each worker's packets are handed over
    /// Opens `flows`, which are from clients to Services; takes no packet from a ring for it. Throws WrongOutput.
    PairedWorker(const World& world, const SlotMap& slots, WorkerId self, const Rings& rings,
                 std::shared_ptr<Buffers> buffers, std::vector<Flow<A>> flows);

    /// The replies of its own flows, in order.
    [[nodiscard]] const std::vector<Flow<A>>& replies() const noexcept { return replies_; }
    /// A lap of these packets, of which `handed_over` are the other's, while as many of its own come from there. The
    /// calling thread is this worker's. Throws WrongOutput.
    PairedTime lap(std::span<const Flow<A>> packets, std::size_t handed_over);

private:
    void open(std::vector<Flow<A>> flows);
    void receive(Burst& burst);
    void resume();
    void collect() noexcept;

    const World& world_;
    rte_ring* const inbox_;
    rte_ring* const outbox_;
    Harness harness_;
    WorkerCounters counters_;
    NeighbourRequests requests_;
    std::unique_ptr<Pipeline> pipeline_;
    Burst handed_over_;
    std::vector<Flow<A>> replies_;
    std::uint64_t digest_ = 0;  // of all of them as they leave
    // of this lap
    PairedTime time_;
    std::size_t emitted_ = 0;
    std::uint64_t sum_ = 0;
};

extern template class PairedWorker<Ipv4>;
extern template class PairedWorker<Ipv6>;

}  // namespace viaduct
