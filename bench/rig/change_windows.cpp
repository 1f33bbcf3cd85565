// Counting windows by what happened in them.
#include "bench/rig/change_windows.h"

#include <cmath>

namespace viaduct::rig {
namespace {

/// Which windows a worker was held up in.
std::vector<bool> spoiled_windows(std::size_t count, const std::vector<Disturbance>& held_up) {
    std::vector<bool> spoiled(count, false);
    for (std::size_t i = 0; i < std::min(count, held_up.size()); ++i) {
        if (!held_up[i].spoils()) continue;
        const auto back = static_cast<std::size_t>(std::ceil(held_up[i].longest() / held_up[i].lasted));
        for (std::size_t j = i - std::min(i, back); j <= i; ++j) spoiled[j] = true;
    }
    return spoiled;
}

}  // namespace

void ChangeWindows::begin() {
    if (begun_ != 0) note();
    watch_.begin();
    if (begun_++ % 2 == 0) change_();
}

void ChangeWindows::note() {
    held_up_.push_back(watch_.end(seconds_, 0));
    held_up_.back().generator = 0;
}

ReconfigurationWindows ChangeWindows::sort(const std::vector<WindowCount>& windows) const {
    ReconfigurationWindows sorted = sort_windows(windows, held_up_);
    sorted.seconds = seconds_;
    return sorted;
}

ReconfigurationWindows sort_windows(const std::vector<WindowCount>& windows, const std::vector<Disturbance>& held_up) {
    ReconfigurationWindows sorted;
    const std::vector<bool> spoiled = spoiled_windows(windows.size(), held_up);
    for (std::size_t i = 0; i < windows.size(); ++i) {
        const bool change = i % 2 == 0;
        WindowSum& sum = spoiled[i] ? (change ? sorted.held_up_with_change : sorted.held_up_without)
                                    : (change ? sorted.with_change : sorted.without);
        ++sum.windows;
        sum.offered += windows[i].offered;
        sum.lost += windows[i].offered - std::min(windows[i].offered, windows[i].back);
    }
    return sorted;
}

}  // namespace viaduct::rig
