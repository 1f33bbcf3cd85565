// When a spoiled trial is made anew.
#pragma once

#include "bench/rig/results.h"
#include "bench/rig/trial.h"

namespace viaduct::rig {

/// The first trial of `make` that is not spoiled, else the least disturbed one of them. At most `repeats` of a trial;
/// and of a case at most 20 and half as many as it has trials, since no machine may take for ever.
template <class Make>
Trial least_disturbed(Make&& make, unsigned repeats, TrialTally& tally) {
    constexpr unsigned free_repeats = 20;
    Trial best = make();
    ++tally.trials;
    for (unsigned again = 0;
         again < repeats && best.disturbance.spoils() && tally.repeated < free_repeats + tally.trials / 2; ++again) {
        tally.note(best.disturbance);
        ++tally.repeated;
        Trial next = make();
        if (next.disturbance.excess() < best.disturbance.excess()) best = std::move(next);
    }
    if (best.disturbance.spoils()) {
        tally.note(best.disturbance);
        ++tally.spoiled;
    }
    return best;
}

}  // namespace viaduct::rig
