// A trial: an offered load for a while, and what came of it.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "bench/rig/disturbance.h"
#include "bench/rig/gateway.h"
#include "bench/rig/histogram.h"
#include "bench/rig/lane.h"

namespace viaduct::rig {

struct Load {
    double rate = 0;                       // packets per second, all lanes together; 0: as fast as the generator can
    double seconds = 0;                    // at most
    std::uint64_t frames = 0;              // at most, of each lane; 0: no limit
    double new_flows = 0;                  // per second: so many flows of the first lane begin anew
    double window = 0;                     // seconds: the trial is cut into windows of this length; 0: it is not
    std::function<void()> begin_window{};  // called at the beginning of each, and had better be quick
    double patience = 0.05;  // seconds without a frame that end the wait for the last ones, when one came before
};

/// Frames that were sent in a part of a trial.
struct WindowCount {
    std::uint64_t begin = 0;              // TSC
    std::uint64_t offered = 0, back = 0;  // back: of these, right ones, whenever they came
};

struct Trial {
    double load = 0;         // asked for, packets per second; 0: unlimited
    double seconds = 0;      // of sending
    double lasted = 0;       // seconds, until the last frame was back
    double stood_still = 0;  // seconds of sending in which the generator did not get on
    Disturbance disturbance{};
    GatewayCounts gateway{};      // what it counted meanwhile, if it can be asked
    std::uint64_t offered = 0;    // frames that were sent or refused by a full ring
    std::uint64_t refused = 0;    // of these: no room in the port's ring, as in a full NIC
    Verdicts verdicts{};          // right ones came back
    Histogram latency{};          // nanoseconds, of right ones
    double idle = 0;              // share of its time that the generator had nothing to do
    std::uint64_t new_flows = 0;  // that began anew
    std::vector<WindowCount> windows{};

    [[nodiscard]] double offered_rate() const noexcept {
        return seconds > 0 ? static_cast<double>(offered) / seconds : 0;
    }
    [[nodiscard]] double received_rate() const noexcept {
        return seconds > 0 ? static_cast<double>(verdicts.right) / seconds : 0;
    }
    [[nodiscard]] std::uint64_t lost() const noexcept { return offered - std::min(offered, verdicts.right); }
    [[nodiscard]] double loss_ratio() const noexcept {
        return offered == 0 ? 0 : static_cast<double>(lost()) / static_cast<double>(offered);
    }
    /// The load was more than the generator can send: it says nothing about the device.
    [[nodiscard]] bool short_of_load() const noexcept {
        return load > 0 && static_cast<double>(offered) < 0.98 * load * (seconds - stood_still);
    }
};

}  // namespace viaduct::rig
