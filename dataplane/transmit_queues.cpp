// Hands packets to a device's queues, directly or by way of the worker that owns a queue.
#include "dataplane/transmit_queues.h"

#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace viaduct {

void RingFree::operator()(rte_ring* ring) const noexcept {
    void* packet = nullptr;
    while (rte_ring_dequeue(ring, &packet) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
    rte_ring_free(ring);
}

Ring make_packet_ring(const std::string& name, unsigned size) {
    Ring ring(rte_ring_create(name.c_str(), size, SOCKET_ID_ANY, RING_F_SC_DEQ));
    if (!ring) throw std::runtime_error("no memory for packet ring " + name + ": " + rte_strerror(rte_errno));
    return ring;
}

TransmitQueueOwner::~TransmitQueueOwner() { rte_pktmbuf_free_bulk(refused_.data(), refused_count_); }

TransmitQueue TransmitQueueOwner::share(const std::string& ring_name, unsigned ring_size) {
    if (!ring_) ring_ = make_packet_ring(ring_name, ring_size);
    return {send_by_ring, this};
}

std::uint16_t TransmitQueueOwner::send_directly(void* self, rte_mbuf** packets, std::uint16_t count) noexcept {
    const DeviceQueue queue = static_cast<TransmitQueueOwner*>(self)->queue_;
    return rte_eth_tx_burst(queue.device, queue.queue, packets, count);
}

std::uint16_t TransmitQueueOwner::send_by_ring(void* self, rte_mbuf** packets, std::uint16_t count) noexcept {
    rte_ring* ring = static_cast<TransmitQueueOwner*>(self)->ring_.get();
    return static_cast<std::uint16_t>(
        rte_ring_mp_enqueue_burst(ring, reinterpret_cast<void* const*>(packets), count, nullptr));
}

unsigned TransmitQueueOwner::drain() noexcept {
    if (refused_count_ == 0)
        refused_count_ = rte_ring_sc_dequeue_burst(ring_.get(), reinterpret_cast<void**>(refused_.data()),
                                                   static_cast<unsigned>(refused_.size()), nullptr);
    if (refused_count_ == 0) return 0;
    const unsigned sent =
        rte_eth_tx_burst(queue_.device, queue_.queue, refused_.data(), static_cast<std::uint16_t>(refused_count_));
    std::copy(refused_.begin() + sent, refused_.begin() + refused_count_, refused_.begin());
    refused_count_ -= sent;
    return sent;
}

TransmitQueues::TransmitQueues(const std::vector<DeviceQueue>& queues, const std::vector<WorkerId>& owners,
                               unsigned workers, const std::string& name) {
    for (std::size_t queue = 0; queue < queues.size(); ++queue) {
        queues_.emplace_back(queues[queue], owners[queue]);
        ways_[owners[queue]] = queues_.back().direct();
    }
    for (unsigned worker = 0; worker < workers; ++worker) {
        if (ways_[worker].send != nullptr) continue;
        const std::size_t lender = worker % queues_.size();
        ways_[worker] = queues_[lender].share("tx-" + name + "-" + std::to_string(lender), ring_size);
        if (std::ranges::find(shared_, &queues_[lender]) == shared_.end()) shared_.push_back(&queues_[lender]);
    }
}

std::vector<TransmitQueueOwner*> TransmitQueues::drained_by(WorkerId worker) {
    std::vector<TransmitQueueOwner*> own;
    std::ranges::copy_if(shared_, std::back_inserter(own), [&](auto* queue) { return queue->owner() == worker; });
    return own;
}

}  // namespace viaduct
