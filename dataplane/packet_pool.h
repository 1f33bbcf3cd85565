// The pool of packet buffers: one for the whole gateway, so that packets move between ports without being copied.
#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <memory>

namespace viaduct {

/// What decides how many buffers there must be, and how large.
struct PoolNeeds {
    unsigned workers = 1;
    unsigned queues = 1;  // receive queues of all configured ports
    unsigned taps = 0;    // host TAPs and kernel twins
    unsigned mtu = 1500;  // the largest of all ports
    [[nodiscard]] unsigned buffers() const;
    /// Bytes of a frame that a buffer holds, with the room in front of it.
    [[nodiscard]] std::uint16_t room() const;
    /// All the memory that EAL must have, when there are no hugepages.
    [[nodiscard]] unsigned memory_mib() const;
};

/// The largest MTU of an AF_XDP port: a buffer with its bookkeeping must fit into a page of memory.
[[nodiscard]] unsigned largest_af_xdp_mtu();

struct PoolFree {
    void operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }
};
using PacketPool = std::unique_ptr<rte_mempool, PoolFree>;
/// Throws std::runtime_error, naming the remedy.
[[nodiscard]] PacketPool make_packet_pool(const PoolNeeds& needs);

}  // namespace viaduct
