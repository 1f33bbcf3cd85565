// The control thread's part of `viaduct-bench churn`: one endpoint after the other goes and comes back, each published.
#pragma once

#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "bench/world.h"
#include "tables/builder.h"
#include "tables/published.h"

namespace viaduct {

class TableChanges {
public:
    /// Publishes the world's state as it is.
    TableChanges(const World& world, Published& published);

    /// From now on, in a thread of its own on this CPU, so many a second. What it throws ends the process.
    void start(unsigned cpu, double rate);
    /// Returns how long each change took until it was published.
    std::vector<std::chrono::nanoseconds> stop();

private:
    void run(const std::stop_token& stop, unsigned cpu, std::chrono::nanoseconds interval);
    void change();

    Published& published_;
    SnapshotBuilder builder_;
    DesiredState state_;
    std::size_t service_ = 0;
    std::optional<DesiredBackend> gone_;  // of `service_`
    std::vector<std::chrono::nanoseconds> took_;
    std::jthread thread_;
};

}  // namespace viaduct
