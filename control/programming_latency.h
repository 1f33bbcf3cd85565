// How long it takes from a change of endpoints in the cluster to the snapshot that knows it: kube-proxy's
// network_programming_duration_seconds, by the time that the endpoints controller notes on each EndpointSlice.
#pragma once

#include <chrono>
#include <span>

#include "control/histogram.h"
#include "control/objects/objects.h"

namespace viaduct {

/// Control thread only.
class ProgrammingLatency {
public:
    using Time = std::chrono::system_clock::time_point;
    /// Changes before this are others' history.
    explicit ProgrammingLatency(Time start) : start_(start) {}
    /// These slices' changes have just been published.
    void published(std::span<const Shared<EndpointSlice>> slices, Time now);
    [[nodiscard]] const Histogram& histogram() const { return histogram_; }

private:
    const Time start_;
    Histogram histogram_;
};

}  // namespace viaduct
