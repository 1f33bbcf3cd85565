// What a worker's pipeline may reach outside itself: transmit queues, other workers, the buffer pool, its counters.
#pragma once

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include <array>
#include <cstdint>

#include "lb/snat.h"
#include "tables/counters.h"

namespace viaduct {

/// One worker's way out of one port. `send` takes `count` packets of this port and returns how many it accepted; the
/// caller keeps the rest. A plain function and its context, so that tests and benchmarks bring their own.
struct TransmitQueue {
    using Send = std::uint16_t (*)(void* context, rte_mbuf** packets, std::uint16_t count) noexcept;
    Send send = nullptr;  // nullptr: this port does not exist
    void* context = nullptr;
};

/// A next hop whose MAC address a worker would like to know. The control thread drains these.
struct NeighbourRequest {
    IpAddress address;
    PortId port = PortId::none;
};

/// One producer (a worker), one consumer (the control thread); when full, requests are lost and asked again.
template <class T, std::size_t Size>
class SpscRing {
    static_assert((Size & (Size - 1)) == 0);

public:
    bool push(const T& value) noexcept {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head - tail_.load(std::memory_order_acquire) == Size) return false;
        items_[head % Size] = value;
        head_.store(head + 1, std::memory_order_release);
        return true;
    }
    bool pop(T& value) noexcept {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail == head_.load(std::memory_order_acquire)) return false;
        value = items_[tail % Size];
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

private:
    std::array<T, Size> items_{};
    alignas(64) std::atomic<std::size_t> head_{0};
    alignas(64) std::atomic<std::size_t> tail_{0};
};
using NeighbourRequests = SpscRing<NeighbourRequest, 256>;

struct Surroundings {
    WorkerId self = 0;
    const SlotMap* slots = nullptr;
    WorkerCounters* counters = nullptr;
    rte_mempool* pool = nullptr;  // for packets of our own making
    std::array<TransmitQueue, max_ports> transmit{};
    std::array<rte_ring*, max_workers> workers{};  // hand-over, by owner; the own entry is unused
    NeighbourRequests* neighbour_requests = nullptr;
};

}  // namespace viaduct
