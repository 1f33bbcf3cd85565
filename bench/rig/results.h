// What a run of the rig found: plain numbers for the reports.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/machine.h"
#include "bench/rig/disturbance.h"

namespace viaduct::rig {

struct Throughput {
    std::string goal;
    double loss_ratio = 0;               // allowed
    std::optional<double> lower, upper;  // frames per second, all lanes
    bool complete = false;               // the bounds are as close as asked
    unsigned trials = 0;
};

/// Frames that did not come back, and where they went.
struct Losses {
    std::uint64_t lost = 0, refused = 0;           // refused: by a full ring towards the gateway
    std::map<std::string, std::uint64_t> drops{};  // the gateway's, by counter
};

struct LatencyPoint {
    double percentile = 0, microseconds = 0;
};
struct LatencyRun {
    unsigned percent_of_pdr = 0;
    double load = 0, loss_ratio = 0;
    std::vector<LatencyPoint> points;
};
/// The median of three trials, and the best and the worst of them. A spoiled one is replaced, if the machine lets one.
struct LossPoint {
    double load = 0, loss_ratio = 0;  // load: as offered
    double least = 0, most = 0;
    unsigned trials = 0;
    bool spoiled = false;  // all of them
};
struct BackToBack {
    std::uint64_t frames = 0;  // in the longest burst without loss
    double rate = 0;           // at which it was sent
    bool at_limit = false;     // no longer burst was tried
};
/// Windows of the reconfiguration test, and the frames that were sent in them.
struct WindowSum {
    std::uint64_t windows = 0, offered = 0, lost = 0;
    [[nodiscard]] double loss_ratio() const {
        return offered == 0 ? 0 : static_cast<double>(lost) / static_cast<double>(offered);
    }
};
struct ReconfigurationWindows {
    double seconds = 0;                                  // of each
    WindowSum with_change{}, without{};                  // in which no worker was held up
    WindowSum held_up_with_change{}, held_up_without{};  // in which one was kept from its CPU
};
struct Reconfiguration {
    std::uint64_t changes = 0, offered = 0;
    Losses losses{};
    double load = 0, seconds = 0;
    std::uint64_t flows = 0, moved = 0, broken = 0;
    Disturbance disturbance{};
    ReconfigurationWindows windows{};
    [[nodiscard]] double blocked_seconds() const { return load > 0 ? static_cast<double>(losses.lost) / load : 0; }
    [[nodiscard]] double broken_share() const {
        return flows == 0 ? 0 : static_cast<double>(broken) / static_cast<double>(flows);
    }
};
struct Soak {
    double load = 0, seconds = 0;
    std::uint64_t offered = 0;
    Losses losses{};
    double worst_microseconds = 0;
    std::uint64_t new_flows = 0;  // that began meanwhile
    Disturbance disturbance{};
};
struct StageCost {
    std::string stage;
    double cycles = 0;  // of the TSC, per packet
};
struct FlowsCost {
    std::uint32_t flows = 0;
    double rate = 0;    // received, at overload
    double cycles = 0;  // of all stages, per packet; 0: the gateway was not asked
    double loss_ratio = 0;
};

/// The gateway offered more than it can take.
struct Overload {
    double offered = 0, received = 0;  // frames per second
    Losses losses{};
    double generator_busy = 0;             // share of its time
    std::optional<double> gateway_busy{};  // of its workers' time, with their ports' drivers
    double pipeline_share = 0;             // of its workers' time, by the stages' cycles
    Disturbance disturbance{};
};

/// Trials, and what the machine did to them.
struct TrialTally {
    unsigned trials = 0;    // that count
    unsigned repeated = 0;  // spoiled, and made anew
    unsigned spoiled = 0;   // that count all the same
    Disturbance worst{};    // of all spoiled ones, by time

    void note(const Disturbance& one) {
        if (one.longest() > worst.longest()) worst = one;
    }
};

struct Case {
    std::string workload, direction, size;
    double mean_size = 0;
    std::uint32_t flows = 0;
    double skew = 0, new_flows = 0;
    std::uint64_t checked = 0;  // frames that came back and were found right
    std::vector<Throughput> throughputs;
    double idle_at_pdr = 0;  // the generator's share
    std::uint64_t reordered = 0, duplicated = 0;
    TrialTally tally;
    Overload overload;
    std::vector<StageCost> stages;
    std::vector<LatencyRun> latency;
    std::vector<LossPoint> loss;
    std::vector<FlowsCost> by_flows;
    std::optional<BackToBack> burst;
    std::optional<Reconfiguration> reconfiguration;
    std::optional<Soak> soak;

    [[nodiscard]] const Throughput* find(const std::string& goal) const {
        for (const Throughput& one : throughputs)
            if (one.goal == goal) return &one;
        return nullptr;
    }
};

struct Results {
    Machine machine;
    std::string command, started, gateway_version, ports;
    int ip = 4, outer = 4;
    unsigned generator_cpu = 0;
    std::vector<unsigned> worker_cpus;  // one for each of the gateway's workers; empty: it could not be asked
    bool quick = false, shares_control_cpu = false;
    double steal = 0;               // share of CPU time that a hypervisor took
    std::uint64_t preemptions = 0;  // of the generator
    double trial = 0, sum = 0, width = 0;
    unsigned check_sums_of = 0;
    std::vector<Case> cases;
};

/// Where lost frames went, as a sentence.
[[nodiscard]] std::string text_of(const Losses& losses);
/// What windows with a change lost beside those without, in sentences.
[[nodiscard]] std::string text_of(const ReconfigurationWindows& windows);
/// What limits a case's figures, in sentences.
[[nodiscard]] std::vector<std::string> limits_of(const Results& results, const Case& one);

}  // namespace viaduct::rig
