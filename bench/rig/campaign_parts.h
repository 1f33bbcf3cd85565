// What several tests of a campaign say the same way.
#pragma once

#include "bench/rig/results.h"
#include "bench/rig/trial.h"

namespace viaduct::rig {

inline constexpr double long_patience = 0.5;  // seconds: where each frame that comes late matters

/// Where a share of the load lies that the device carries; NDR when the PDR was not found.
inline double reference(const Case& one) {
    for (const char* goal : {"PDR", "NDR"})
        if (const Throughput* found = one.find(goal); found != nullptr && found->lower) return *found->lower;
    return one.overload.received / 2;
}

/// Of an odd number the median.
inline const Trial& middle(const std::vector<Trial>& sorted) { return sorted[(sorted.size() - 1) / 2]; }

inline Losses losses_of(const Trial& trial) { return {trial.lost(), trial.refused, trial.gateway.drops}; }

}  // namespace viaduct::rig
