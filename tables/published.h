// How a snapshot reaches the workers and is freed after them: one atomic pointer and a grace period.
//
// Theory of operation. The control thread publishes by exchanging the pointer; the old snapshot waits in a list with
// the grace period's token and is let go by `reclaim`, which never blocks. Workers read the raw pointer once a turn and
// report quiescence after their last use. Everybody else (metrics, CLI) takes `current()`, a shared_ptr, under a mutex.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "tables/snapshot.h"

namespace viaduct {

/// Tells when every worker has passed a quiescent state. The data path's is QSBR; tests bring their own.
class GracePeriod {
public:
    virtual ~GracePeriod() = default;
    /// A token for "everything that was readable before now". Control thread.
    [[nodiscard]] virtual std::uint64_t start() = 0;
    /// Whether that period is over. Never blocks. Control thread.
    [[nodiscard]] virtual bool elapsed(std::uint64_t token) = 0;
};

class Published {
public:
    /// Starts with an empty snapshot (version 0): workers always have one to read.
    explicit Published(GracePeriod& grace);

    /// Worker threads, once a turn: valid until the reader's next quiescent report.
    [[nodiscard]] const Snapshot& read() const noexcept { return *pointer_.load(std::memory_order_acquire); }
    /// Any thread: keeps the snapshot alive by itself.
    [[nodiscard]] std::shared_ptr<const Snapshot> current() const;
    /// Control thread.
    void publish(std::shared_ptr<const Snapshot> next);
    /// Control thread, now and then: frees what no worker can still see. Returns how many snapshots still wait.
    std::size_t reclaim();

private:
    struct Retired {
        std::shared_ptr<const Snapshot> snapshot;
        std::uint64_t token;
    };
    GracePeriod& grace_;
    std::atomic<const Snapshot*> pointer_;
    mutable std::mutex mutex_;  // guards current_; never taken by a worker
    std::shared_ptr<const Snapshot> current_;
    std::deque<Retired> retired_;
};

}  // namespace viaduct
