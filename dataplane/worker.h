// A worker: one thread that polls its receive queues and takes what arrives through its pipeline.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "dataplane/clock.h"
#include "dataplane/idle.h"
#include "dataplane/mailbox.h"
#include "dataplane/pipeline.h"
#include "dataplane/qsbr.h"
#include "dataplane/transmit_queues.h"
#include "tables/published.h"

namespace viaduct {

/// A receive queue and where its packets go.
struct ReceiveQueue {
    DeviceQueue from{};
    PortId port{};
    PortId partner = PortId::none;  // a kernel twin's port: frames go there as they are, past the pipeline
};

struct WorkerSetup {
    unsigned cpu = 0;
    std::vector<ReceiveQueue> receive{};
    std::vector<TransmitQueueOwner*> drain{};  // queues that others share with this worker
    rte_ring* handed_over = nullptr;           // to this worker; nullptr when it is the only one
    IdleOptions idle{};
    std::uint64_t clock_start = 0;  // TSC
};

/// Takes what other workers have handed over, to be resumed later: it comes from another processor's cache, which takes
/// its time.
void fetch_handed_over(rte_ring& ring, Burst& burst) noexcept;

class Worker {
public:
    /// Takes all its memory. `published` and `grace` outlive it.
    Worker(WorkerSetup setup, const Surroundings& around, const PipelineSizes& sizes, const Timeouts& timeouts,
           const Published& published, QsbrGrace& grace);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Runs the thread; returns when it polls. Throws std::runtime_error when it cannot run.
    void start();
    /// Ends the thread and waits for it.
    void stop() noexcept;

    /// One turn; true when there was anything to do. Its thread's, or a test's that has not started it.
    bool turn() noexcept;

    [[nodiscard]] Mailbox& mailbox() noexcept { return mailbox_; }
    [[nodiscard]] bool running() const noexcept { return thread_.joinable(); }

private:
    void run(const std::stop_token& stop, QsbrGrace::Reader& reader) noexcept;
    unsigned receive(const ReceiveQueue& queue, const Snapshot& now, Seconds clock) noexcept;
    void pass_on(const ReceiveQueue& queue) noexcept;

    WorkerSetup setup_;
    Surroundings around_;
    Pipeline pipeline_;
    const Published& published_;
    QsbrGrace& grace_;
    CoarseClock clock_;
    Mailbox mailbox_;
    Burst burst_, handed_over_;
    std::jthread thread_;
};

}  // namespace viaduct
