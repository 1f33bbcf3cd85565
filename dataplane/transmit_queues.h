// A port's transmit queues, shared out among the workers without locks.
//
// Theory of operation. A queue belongs to one worker, which sends on it directly. Workers that own none (AF_XDP has one
// queue per channel) put their packets into a ring, and the ring's owner sends them in its next turn. What the device
// refuses then stays with the owner and is tried again: so the ring fills, and the loss shows where a packet is still
// being accounted for, at the worker that offers it.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/port.h"
#include "dataplane/surroundings.h"

namespace viaduct {

struct RingFree {
    void operator()(rte_ring* ring) const noexcept;
};
using Ring = std::unique_ptr<rte_ring, RingFree>;

/// A ring of packets with many producers and one consumer; packets still in it are freed with it. Throws
/// std::runtime_error when there is no memory.
[[nodiscard]] Ring make_packet_ring(const std::string& name, unsigned size);

/// A queue of a device, with the ring of those who have none.
class TransmitQueueOwner {
public:
    TransmitQueueOwner(DeviceQueue queue, WorkerId owner) : queue_(queue), owner_(owner) {}
    ~TransmitQueueOwner();
    TransmitQueueOwner(const TransmitQueueOwner&) = delete;
    TransmitQueueOwner& operator=(const TransmitQueueOwner&) = delete;

    [[nodiscard]] WorkerId owner() const noexcept { return owner_; }
    /// For the owner, and for everybody else: `share` makes the ring when it is first needed.
    [[nodiscard]] TransmitQueue direct() noexcept { return {send_directly, this}; }
    [[nodiscard]] TransmitQueue share(const std::string& ring_name, unsigned ring_size);
    /// The owner, once a turn: sends what others have put into the ring. Returns how many packets left.
    unsigned drain() noexcept;

private:
    static std::uint16_t send_directly(void* self, rte_mbuf** packets, std::uint16_t count) noexcept;
    static std::uint16_t send_by_ring(void* self, rte_mbuf** packets, std::uint16_t count) noexcept;

    DeviceQueue queue_;
    WorkerId owner_;
    Ring ring_;
    std::array<rte_mbuf*, 64> refused_{};  // taken from the ring, not yet by the device
    unsigned refused_count_ = 0;
};

class TransmitQueues {
public:
    static constexpr unsigned ring_size = 2048;

    /// `owners[q]` is the worker of `queues[q]`. `name`, of a few letters, is part of the rings' names.
    TransmitQueues(const std::vector<DeviceQueue>& queues, const std::vector<WorkerId>& owners, unsigned workers,
                   const std::string& name);

    [[nodiscard]] TransmitQueue of(WorkerId worker) const noexcept { return ways_[worker]; }
    /// The queues that this worker drains: those that others share with it.
    [[nodiscard]] std::vector<TransmitQueueOwner*> drained_by(WorkerId worker);

private:
    std::deque<TransmitQueueOwner> queues_;  // at fixed addresses
    std::array<TransmitQueue, max_workers> ways_{};
    std::vector<TransmitQueueOwner*> shared_;
};

}  // namespace viaduct
