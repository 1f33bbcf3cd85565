// How long it takes from a change of endpoints in the cluster to the snapshot that knows it.
#include "control/programming_latency.h"

#include <algorithm>

namespace viaduct {

void ProgrammingLatency::published(std::span<const Shared<EndpointSlice>> slices, Time now) {
    for (const auto& slice : slices) {
        if (slice->changed_at <= start_) continue;
        // Clocks of two machines may differ by a little: no duration is negative.
        histogram_.add(std::max(0.0, std::chrono::duration<double>(now - slice->changed_at).count()));
    }
}

}  // namespace viaduct
