// Sizes and makes the pool of packet buffers.
#include "dataplane/packet_pool.h"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "dataplane/burst.h"

namespace viaduct {
namespace {

constexpr unsigned cache = 256;         // buffers that each worker keeps at hand
constexpr unsigned xdp_headroom = 256;  // the kernel's, in front of a received frame
constexpr unsigned layer2 = 14 + 8;     // Ethernet, two VLAN tags
constexpr unsigned bookkeeping = sizeof(rte_mempool_objhdr) + sizeof(rte_mbuf) + mbuf_private_size;

}  // namespace

/// Every queue and every ring full, and what workers keep. AF_XDP wants most: two rings of the kernel's for each queue,
/// besides the driver's.
unsigned PoolNeeds::buffers() const { return 4096 + workers * 4096 + queues * 8192 + taps * 2048; }

std::uint16_t PoolNeeds::room() const {
    const unsigned room = RTE_PKTMBUF_HEADROOM + xdp_headroom + mtu + layer2;
    return static_cast<std::uint16_t>(std::max<unsigned>(room, RTE_MBUF_DEFAULT_BUF_SIZE));
}

unsigned PoolNeeds::memory_mib() const {
    constexpr unsigned rings_and_drivers = 48;
    const std::uint64_t pool = std::uint64_t{buffers()} * RTE_ALIGN_CEIL(bookkeeping + room(), RTE_CACHE_LINE_SIZE);
    return static_cast<unsigned>(pool >> 20U) + rings_and_drivers;
}

unsigned largest_af_xdp_mtu() {
    const auto page = static_cast<unsigned>(sysconf(_SC_PAGESIZE));
    return page - bookkeeping - RTE_PKTMBUF_HEADROOM - xdp_headroom - layer2;
}

PacketPool make_packet_pool(const PoolNeeds& needs) {
    PacketPool pool(
        rte_pktmbuf_pool_create("packets", needs.buffers(), cache, mbuf_private_size, needs.room(), SOCKET_ID_ANY));
    if (pool) return pool;
    throw std::runtime_error("no memory for " + std::to_string(needs.buffers()) + " packet buffers (" +
                             rte_strerror(rte_errno) + "); needed are about " + std::to_string(needs.memory_mib()) +
                             " MB: raise memory-mb, or free hugepages");
}

}  // namespace viaduct
