// From options to results: every combination, one after the other.
#pragma once

#include "bench/options.h"
#include "bench/result.h"

namespace viaduct {

/// Progress goes to stderr. Throws WrongOutput. `cpu` is where the calling thread stays.
[[nodiscard]] std::vector<Result> measure(const Options& options, std::uint64_t tsc_hz, unsigned cpu);

}  // namespace viaduct
