// The windows of the reconfiguration test: in every other one something changes, the rest are the control.
//
// Theory of operation. One trial is cut into windows of one length. A frame belongs to the window that it was sent in,
// wherever it was lost. At a window's end the scheduler's account tells whether a worker was kept from its CPU in it:
// what such a window lost says nothing of a change, so it is counted apart. Waits are accounted for when they end, so
// one also spoils the windows before in which it had begun. A generator that is held up sends less, and loses nothing.
#pragma once

#include <functional>

#include "bench/rig/disturbance.h"
#include "bench/rig/results.h"
#include "bench/rig/trial.h"

namespace viaduct::rig {

/// Belongs to the generator's thread.
class ChangeWindows {
public:
    ChangeWindows(double seconds, const Watch& watch, std::function<void()> change)
        : seconds_(seconds), watch_(watch), change_(std::move(change)) {}
    /// The next window begins. The first has a change.
    void begin();
    void end() { note(); }
    [[nodiscard]] double seconds() const noexcept { return seconds_; }
    [[nodiscard]] ReconfigurationWindows sort(const std::vector<WindowCount>& windows) const;

private:
    void note();
    double seconds_;
    Watch watch_;
    std::function<void()> change_;
    std::size_t begun_ = 0;
    std::vector<Disturbance> held_up_{};  // by window
};

/// `held_up` by window; the last ones may be missing.
[[nodiscard]] ReconfigurationWindows sort_windows(const std::vector<WindowCount>& windows,
                                                  const std::vector<Disturbance>& held_up);

}  // namespace viaduct::rig
