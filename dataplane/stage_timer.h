// Who looks on while a burst passes through the stages; and the timer, which does so for a sample of the bursts.
#pragma once

#include <rte_cycles.h>

#include "dataplane/burst.h"
#include "tables/counters.h"

namespace viaduct {

class StageObserver {
public:
    virtual ~StageObserver() = default;
    /// transmit has let go of the packets when this is called after it.
    virtual void after(Stage stage, const Burst& burst) noexcept = 0;
};

/// Adds up what each stage takes of every 256th burst, beginning with the first: few enough that the gateway is not
/// slower for it. The TSC is read without a fence, so a neighbouring stage may be charged some cycles at the seams.
class StageTimer final : public StageObserver {
public:
    static constexpr unsigned interval = 256;  // bursts

    explicit StageTimer(WorkerCounters& counters) noexcept : counters_(counters) {}

    /// Whether this burst is to be timed; if so, from now on.
    [[nodiscard]] bool begins(const Burst& burst) noexcept {
        if (--until_next_ != 0) return false;
        until_next_ = interval;
        counters_.timed_bursts.add(1);
        counters_.timed_packets.add(burst.count);
        travelling_ = burst.count;
        last_ = rte_rdtsc();
        return true;
    }
    void after(Stage stage, const Burst& burst) noexcept override {
        StageCounters& counters = counters_.stages[static_cast<std::size_t>(stage)];
        counters.cycles.add(rte_rdtsc() - last_);
        counters.packets.add(travelling_);
        travelling_ = burst.travelling();
        last_ = rte_rdtsc();  // its own work is nobody's
    }

private:
    WorkerCounters& counters_;
    unsigned until_next_ = 1;
    unsigned travelling_ = 0;  // packets, when the stage began
    std::uint64_t last_ = 0;
};

}  // namespace viaduct
