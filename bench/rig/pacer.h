// When the next packets are due, by the time-stamp counter: an even pace, without a division or a sleep.
//
// Who comes late by more than `patience` does not catch up in a burst, which no device would have to take at this rate:
// the packets that are overdue are never sent, and the pace goes on from now.
#pragma once

#include <algorithm>
#include <cstdint>

namespace viaduct::rig {

class Pacer {
public:
    static constexpr double unlimited = 0;
    static constexpr double patience = 50e-6;     // seconds
    static constexpr double least_patience = 64;  // packets
    /// `rate` in packets per second. The first packet is due at `start`.
    Pacer(double rate, std::uint64_t tsc_hz, std::uint64_t start) noexcept
        : per_cycle_(rate / static_cast<double>(tsc_hz)),
          patience_(static_cast<std::uint64_t>(std::max(least_patience, rate * patience))),
          start_(start) {}

    /// How many of the next `most` packets are due at `now`. They count as sent.
    [[nodiscard]] unsigned due(std::uint64_t now, unsigned most) noexcept {
        if (per_cycle_ == unlimited) {
            sent_ += most;
            return most;
        }
        const std::uint64_t elapsed = now - std::min(now, start_);
        const auto by_now = static_cast<std::uint64_t>(static_cast<double>(elapsed) * per_cycle_) + 1;
        const std::uint64_t overdue = by_now - std::min(by_now, sent_);
        if (overdue > patience_)
            start_ += static_cast<std::uint64_t>(static_cast<double>(overdue - patience_) / per_cycle_);
        const auto count = static_cast<unsigned>(std::min({overdue, patience_, std::uint64_t{most}}));
        sent_ += count;
        return count;
    }
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

private:
    double per_cycle_;
    std::uint64_t patience_;  // packets
    std::uint64_t start_;
    std::uint64_t sent_ = 0;
};

}  // namespace viaduct::rig
