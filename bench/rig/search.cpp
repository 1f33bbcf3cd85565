// Bounds, and where to look between or beyond them.
#include "bench/rig/search.h"

#include <algorithm>
#include <cmath>

namespace viaduct::rig {
namespace {

constexpr unsigned phase_count = 3;
constexpr double phase_factor = 2;  // from one phase to the next: half the width, twice the duration

/// From coarse to fine; the last one is the goal. The first ones are content with one trial for a load.
std::vector<Goal> phases_of(const Goal& goal) {
    std::vector<Goal> phases;
    for (unsigned left = phase_count; left-- > 0;) {
        const double factor = std::pow(phase_factor, left);
        Goal phase = goal;
        phase.width *= factor;
        phase.duration /= factor;
        if (left != 0) phase.duration_sum = phase.duration;
        phases.push_back(phase);
    }
    return phases;
}

}  // namespace

Search::Search(std::vector<Goal> goals, const SearchLimits& limits) : goals_(std::move(goals)), limits_(limits) {
    for (const Goal& goal : goals_) phases_.push_back(phases_of(goal));
}

void Search::add(double load, double duration, double loss_ratio) {
    loads_[load].push_back({duration, loss_ratio});
    ++trials_;
}

Search::Class Search::classify(const std::vector<Trial>& trials, const Goal& goal) {
    double good = 0, bad = 0, short_good = 0, short_bad = 0;
    for (const Trial& trial : trials) {
        const bool full = trial.duration > 0.999 * goal.duration, lossy = trial.loss_ratio > goal.loss_ratio;
        (full ? lossy ? bad : good : lossy ? short_bad : short_good) += trial.duration;
    }
    // Short trials speak only against a load, as far as the good ones among them do not make up for it.
    bad += std::max(0.0, short_bad - short_good * goal.exceed / (1 - goal.exceed));
    const double whole = std::max(good + bad, goal.duration_sum);
    if (bad > goal.exceed * whole) return Class::upper;
    if (whole - good <= goal.exceed * whole) return Class::lower;
    return Class::undecided;
}

Bounds Search::bounds_of(const Goal& goal) const {
    Bounds bounds;
    for (const auto& [load, trials] : loads_) {
        const Class found = classify(trials, goal);
        if (found == Class::upper) {
            bounds.upper = load;
            break;
        }
        if (found == Class::lower) bounds.lower = load;
    }
    if (bounds.lower && bounds.upper) bounds.complete = *bounds.upper - *bounds.lower <= goal.width * *bounds.upper;
    if (!bounds.upper) bounds.complete = bounds.lower && *bounds.lower >= limits_.max_load;
    if (!bounds.lower) bounds.complete = bounds.upper && *bounds.upper <= limits_.min_load;
    return bounds;
}

/// What came through of the heaviest load that was tried.
double Search::first_candidate(const Goal& goal) const {
    if (loads_.empty()) return limits_.max_load;
    const auto& [load, trials] = *loads_.rbegin();
    const double through = load * (1 - trials.back().loss_ratio) / (1 - goal.loss_ratio);
    return std::clamp(through, limits_.min_load, limits_.max_load);
}

/// Steps away from the only bound there is, each twice as long as the one before.
double Search::beyond(const Goal& goal, const Bounds& bounds) const {
    const Class known = bounds.lower ? Class::lower : Class::upper;
    const auto alike = std::count_if(loads_.begin(), loads_.end(), [&](const auto& entry) {
        return classify(entry.second, goal) == known && entry.second.back().duration > 0.999 * goal.duration;
    });
    const double step = std::min(0.5, goal.width * std::pow(2.0, std::min<double>(static_cast<double>(alike), 30)));
    return bounds.lower ? std::min(limits_.max_load, *bounds.lower / (1 - step))
                        : std::max(limits_.min_load, *bounds.upper * (1 - step));
}

/// A load that was tried and is not decided, else the middle.
double Search::between(const Goal& goal, double lower, double upper) const {
    for (auto at = loads_.upper_bound(lower); at != loads_.end() && at->first < upper; ++at)
        if (classify(at->second, goal) == Class::undecided) return at->first;
    return std::sqrt(lower * upper);
}

/// `coarse` is what the phase before has found.
std::optional<double> Search::candidate(const Goal& goal, const Bounds& coarse) const {
    const Bounds bounds = bounds_of(goal);
    if (bounds.complete) return std::nullopt;
    if (bounds.lower && bounds.upper) return between(goal, *bounds.lower, *bounds.upper);
    if (bounds.lower) return coarse.upper > bounds.lower ? coarse.upper : beyond(goal, bounds);
    if (bounds.upper) return coarse.lower && coarse.lower < bounds.upper ? coarse.lower : beyond(goal, bounds);
    return coarse.lower ? coarse.lower : first_candidate(goal);
}

std::optional<NextTrial> Search::next() const {
    if (trials_ >= limits_.most_trials) return std::nullopt;
    for (unsigned phase = 0; phase < phase_count; ++phase)
        for (const auto& phases : phases_)
            if (const auto load = candidate(phases[phase], phase == 0 ? Bounds() : bounds_of(phases[phase - 1])))
                return NextTrial{*load, phases[phase].duration};
    return std::nullopt;
}

Bounds Search::bounds(std::size_t goal) const { return bounds_of(goals_[goal]); }

}  // namespace viaduct::rig
