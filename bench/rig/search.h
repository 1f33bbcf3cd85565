// Which load to try next, and what is known about the throughput: a multiple loss ratio search.
//
// Theory of operation. The rules are MLRsearch's (draft-ietf-bmwg-mlrsearch). A trial is good when it lost no more than
// the goal allows. A load is an upper bound when its bad trials make up more than the exceed ratio of the goal's
// duration sum, whatever the missing ones would say; it is a lower bound when they cannot come to that any more. The
// relevant upper bound is the smallest, the relevant lower bound the largest below it; the goal is reached when they
// are closer than its width. Each goal is approached in phases, with short trials and a wide goal first.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace viaduct::rig {

struct Goal {
    std::string name;         // "NDR"
    double loss_ratio = 0;    // that a good trial may have
    double width = 0.005;     // of the interval between the bounds, relative to the upper one
    double exceed = 0.5;      // share of bad trials, by duration, that a lower bound may have
    double duration = 1;      // seconds of a full trial
    double duration_sum = 1;  // seconds that decide about a load
};

struct SearchLimits {
    double min_load = 0, max_load = 0;  // packets per second
    unsigned most_trials = 200;
};

/// A trial to be made.
struct NextTrial {
    double load = 0, duration = 0;
};

struct Bounds {
    std::optional<double> lower, upper;  // loads
    bool complete = false;               // as close as wanted, or at a limit
};

class Search {
public:
    Search(std::vector<Goal> goals, const SearchLimits& limits);

    /// What a trial lost, of its load. Any trial may be told, also one that was not asked for.
    void add(double load, double duration, double loss_ratio);
    /// nullopt: all goals are reached, or the trials are used up.
    [[nodiscard]] std::optional<NextTrial> next() const;
    [[nodiscard]] Bounds bounds(std::size_t goal) const;
    [[nodiscard]] unsigned trials() const noexcept { return trials_; }
    [[nodiscard]] const std::vector<Goal>& goals() const noexcept { return goals_; }

private:
    struct Trial {
        double duration, loss_ratio;
    };
    enum class Class : std::uint8_t { undecided, lower, upper };
    static Class classify(const std::vector<Trial>& trials, const Goal& goal);
    [[nodiscard]] Bounds bounds_of(const Goal& goal) const;
    [[nodiscard]] std::optional<double> candidate(const Goal& goal, const Bounds& coarse) const;
    [[nodiscard]] double first_candidate(const Goal& goal) const;
    [[nodiscard]] double beyond(const Goal& goal, const Bounds& bounds) const;
    [[nodiscard]] double between(const Goal& goal, double lower, double upper) const;

    std::vector<Goal> goals_;
    std::vector<std::vector<Goal>> phases_;  // of each goal; the last one is the goal itself
    SearchLimits limits_;
    std::map<double, std::vector<Trial>> loads_;
    unsigned trials_ = 0;
};

}  // namespace viaduct::rig
