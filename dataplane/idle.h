// What a worker does when there is nothing to do: spin, or sleep a little longer each time.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace viaduct {

struct IdleOptions {
    bool spin = false;                         // never sleep: the lowest latency, a whole CPU
    std::chrono::microseconds max_sleep{200};  // the most that an idle worker's first packet waits
};

class IdleBackoff {
public:
    static constexpr unsigned patience = 512;  // empty turns, some tens of microseconds, before the first sleep

    explicit IdleBackoff(const IdleOptions& options) noexcept : options_(options) {}

    /// After a turn: how long to sleep now; zero after a busy turn and while it is too early.
    [[nodiscard]] std::chrono::microseconds after(bool busy) noexcept {
        if (busy || options_.spin) {
            empty_turns_ = 0;
            sleep_ = std::chrono::microseconds(1);
            return {};
        }
        if (++empty_turns_ < patience) return {};
        return std::exchange(sleep_, std::min(sleep_ * 2, options_.max_sleep));
    }

private:
    IdleOptions options_;
    unsigned empty_turns_ = 0;
    std::chrono::microseconds sleep_{1};
};

}  // namespace viaduct
