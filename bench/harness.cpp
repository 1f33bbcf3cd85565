// Buffers and the sink.
#include "bench/harness.h"

#include <rte_errno.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace viaduct {
namespace {

void clear_buffer(rte_mempool*, void*, void* object, unsigned) {
    auto& mbuf = *static_cast<rte_mbuf*>(object);
    std::memset(mbuf.buf_addr, 0, mbuf.buf_len);
}

}  // namespace

Buffers::Buffers(Cache cache) : cache_(cache) {
    // Without a cache in front the pool is its ring, which is a FIFO.
    const unsigned kept = cache == Cache::hot ? 4 * Burst::capacity : 0;
    static unsigned pools = 0;
    const std::string name = "bench-" + std::to_string(pools++);
    pool_.reset(rte_pktmbuf_pool_create(name.c_str(), count, kept, mbuf_private_size, RTE_MBUF_DEFAULT_BUF_SIZE,
                                        SOCKET_ID_ANY));
    if (!pool_) throw std::runtime_error(std::string("no memory for packet buffers: ") + rte_strerror(rte_errno));
}

void Buffers::clear() noexcept { rte_mempool_obj_iter(pool_.get(), clear_buffer, nullptr); }

void Buffers::take(std::span<rte_mbuf*> out) {
    if (rte_pktmbuf_alloc_bulk(pool_.get(), out.data(), static_cast<unsigned>(out.size())) != 0)
        throw std::runtime_error("out of packet buffers: the pipeline has kept some");
}

void Sink::put(rte_mbuf** packets, unsigned count) noexcept {
    const auto room = static_cast<unsigned>(packets_.size()) - count_;
    const unsigned taken = std::min(count, room);
    std::copy_n(packets, taken, packets_.begin() + count_);
    count_ += taken;
    if (taken < count) rte_pktmbuf_free_bulk(packets + taken, count - taken);
}

void Sink::release() noexcept {
    if (count_ != 0) rte_pktmbuf_free_bulk(packets_.data(), count_);
    count_ = 0;
}

std::uint16_t Sink::send(void* self, rte_mbuf** packets, std::uint16_t count) noexcept {
    static_cast<Sink*>(self)->put(packets, count);
    return count;
}

void Harness::load(unsigned at, unsigned count, PortId ingress) noexcept {
    std::copy_n(ahead_.begin() + at, count, burst_.mbufs.begin());
    for (unsigned i = 0; i < count; ++i) burst_.mbufs[i]->ol_flags = receive_flags_;
    burst_.count = count;
    burst_.ingress = ingress;
}

}  // namespace viaduct
