// Sizes and makes the pool of packet buffers.
#include "dataplane/packet_pool.h"

#include <rte_eal.h>
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
constexpr unsigned bookkeeping =
    RTE_ALIGN_CEIL(sizeof(rte_mempool_objhdr), RTE_MEMPOOL_ALIGN) + sizeof(rte_mbuf) + mbuf_private_size;

unsigned page_size() { return static_cast<unsigned>(sysconf(_SC_PAGESIZE)); }

/// Without hugepages, where DPDK puts no two buffers of less than a page into the same one.
std::uint16_t room_of_whole_pages(const PoolNeeds& needs) {
    return std::max(needs.room(), static_cast<std::uint16_t>(page_size() - bookkeeping));
}

std::runtime_error no_memory(const PoolNeeds& needs) {
    return std::runtime_error("no memory for " + std::to_string(needs.buffers()) + " packet buffers (" +
                              rte_strerror(rte_errno) + "); needed are about " + std::to_string(needs.memory_mib()) +
                              " MB: raise memory-mb, or free hugepages");
}

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
    const std::uint64_t pool = std::uint64_t{buffers()} * (bookkeeping + room_of_whole_pages(*this));
    return static_cast<unsigned>(pool >> 20U) + rings_and_drivers;
}

unsigned largest_af_xdp_mtu() { return page_size() - bookkeeping - RTE_PKTMBUF_HEADROOM - xdp_headroom - layer2; }

/// Buffers must lie without gaps: net_af_xdp tells the kernel of as many bytes as their number times their size, and
/// the kernel throws away, uncounted, what it is given beyond that. DPDK leaves gaps in front of pages, and spreads
/// buffers over memory channels; with hugepages it is told that pages do not matter, without them a buffer fills one.
PacketPool make_packet_pool(const PoolNeeds& needs) {
    const bool hugepages = rte_eal_has_hugepages() != 0;
    const std::uint16_t room = hugepages ? needs.room() : room_of_whole_pages(needs);
    PacketPool pool(rte_mempool_create_empty("packets", needs.buffers(),
                                             static_cast<unsigned>(sizeof(rte_mbuf)) + mbuf_private_size + room, cache,
                                             sizeof(rte_pktmbuf_pool_private), SOCKET_ID_ANY,
                                             hugepages ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : RTE_MEMPOOL_F_NO_SPREAD));
    if (!pool) throw no_memory(needs);
    rte_pktmbuf_pool_private sizes{room, mbuf_private_size, 0};
    rte_pktmbuf_pool_init(pool.get(), &sizes);
    if (rte_mempool_populate_default(pool.get()) < 0) throw no_memory(needs);
    rte_mempool_obj_iter(pool.get(), rte_pktmbuf_init, nullptr);
    return pool;
}

}  // namespace viaduct
