// A worker's coarse clock: whole seconds, counted from the TSC without a system call or a division.
#pragma once

#include <rte_cycles.h>

#include "lb/connection.h"

namespace viaduct {

class CoarseClock {
public:
    /// All workers of a gateway begin at the same `start` (rte_get_tsc_cycles), so that their seconds agree.
    explicit CoarseClock(std::uint64_t start) noexcept : hz_(rte_get_tsc_hz()), next_(start + hz_) {}

    [[nodiscard]] Seconds now() noexcept {
        const std::uint64_t cycles = rte_get_tsc_cycles();
        // More than once only when the thread did not run for seconds. The difference is signed: cores' TSCs may
        // disagree a little.
        while (static_cast<std::int64_t>(cycles - next_) >= 0) {
            next_ += hz_;
            ++seconds_;
        }
        return seconds_;
    }

private:
    std::uint64_t hz_, next_;
    Seconds seconds_ = 1;  // 0 means "never" in a record
};

}  // namespace viaduct
