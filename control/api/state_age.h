// How old what is known of a cluster is, while its API server cannot be followed.
#pragma once

#include <chrono>

#include "control/status.h"

namespace viaduct {

/// Since the collection that has been silent the longest, of those that cannot be followed now, was last heard of.
/// Zero: all are followed, or they were never read.
[[nodiscard]] std::chrono::seconds state_age(const SourceStatus& source, std::chrono::system_clock::time_point now);

}  // namespace viaduct
