// How long to wait before the next try: twice as long each time, and never in step with other clients.
#pragma once

#include <algorithm>
#include <chrono>

namespace viaduct {

class Backoff {
public:
    using Duration = std::chrono::milliseconds;

    /// `random` is from 0 to 1. The wait is one to two times the base, of which the least doubles.
    [[nodiscard]] Duration next(double random) {
        const Duration base = next_;
        next_ = std::min(next_ * 2, most);
        return base + std::chrono::duration_cast<Duration>(base * random);
    }
    void reset() { next_ = least; }

    static constexpr Duration least{800}, most{30'000};

private:
    Duration next_ = least;
};

}  // namespace viaduct
