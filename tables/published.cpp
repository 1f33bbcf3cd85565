// Publication of snapshots and their reclamation after a grace period.
#include "tables/published.h"

#include <utility>

namespace viaduct {

Published::Published(GracePeriod& grace)
    : grace_(grace), pointer_(nullptr), current_(std::make_shared<const Snapshot>()) {
    pointer_.store(current_.get(), std::memory_order_release);
}

std::shared_ptr<const Snapshot> Published::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

void Published::publish(std::shared_ptr<const Snapshot> next) {
    // First, so that running out of memory here cannot free what workers are reading.
    retired_.push_back({current(), 0});
    pointer_.store(next.get(), std::memory_order_release);
    {
        const std::lock_guard lock(mutex_);
        current_ = std::move(next);
    }
    // The period starts after the exchange: whoever is quiescent from here on reads the new pointer.
    retired_.back().token = grace_.start();
}

std::size_t Published::reclaim() {
    while (!retired_.empty() && grace_.elapsed(retired_.front().token)) retired_.pop_front();
    return retired_.size();
}

}  // namespace viaduct
