// The trials of a case: what comes back is checked, and a trial that the machine has spoiled is repeated.
#pragma once

#include "bench/rig/cluster.h"
#include "bench/rig/generator.h"
#include "bench/rig/live_line.h"
#include "bench/rig/options.h"
#include "bench/rig/results.h"

namespace viaduct::rig {

/// What the tests work with. `gateway` and `files` may be missing.
struct Bench {
    const RigOptions& options;
    const Site& site;
    Ports ports;
    const Pool& buffers;
    Watch& watch;
    const Gateway* gateway = nullptr;
    const ClusterFiles* files = nullptr;
    double tsc_hz = 0;
};

template <Address A>
class Trials {
public:
    explicit Trials(const Bench& bench) : bench_(bench), generator_(bench.site, bench.ports, bench.buffers) {}

    /// `what` is the case, for people.
    void begin_case(const std::string& what);
    void begin_test(const std::string& test) { line_.begin(what_ + ": " + test); }
    /// New lanes, whose flows begin at the first.
    void use(typename Generator<A>::Traffic traffic);
    [[nodiscard]] typename Generator<A>::Traffic& traffic() noexcept { return traffic_; }

    /// Throws WrongOutput when a frame came back that is not as it must be.
    Trial once(const Load& load, bool moves_allowed = false);
    /// What is lost while somebody is held up is not the gateway's to answer for: such a trial is repeated. The least
    /// disturbed one counts. Again for some seconds, too, while not one frame comes back: a worker may wait for its
    /// CPU.
    Trial undisturbed(const Load& load);
    /// Three of them, in the order of what a packet costs in the gateway, or of what was lost. Fewer when one after the
    /// other is spoiled, and spoiled ones only if all are. The gateway times one burst of many: when that is none in a
    /// trial, since it is slow, trials for the cost are made longer.
    [[nodiscard]] std::vector<Trial> by_cost(Load load);
    [[nodiscard]] std::vector<Trial> by_loss(const Load& load);
    struct Count {
        std::uint64_t checked = 0, reordered = 0, duplicated = 0;
    };
    [[nodiscard]] const Count& count() const noexcept { return count_; }
    [[nodiscard]] const TrialTally& tally() const noexcept { return tally_; }

private:
    static constexpr std::size_t several = 3;
    static constexpr unsigned most_doublings = 7;
    [[nodiscard]] std::vector<Trial> three(const Load& load);
    [[nodiscard]] GatewayCounts counts() const {
        return bench_.gateway != nullptr ? bench_.gateway->counts() : GatewayCounts{};
    }

    const Bench& bench_;
    Generator<A> generator_;
    LiveLine line_;
    std::string what_;
    typename Generator<A>::Traffic traffic_;
    Count count_;
    TrialTally tally_;
};

extern template class Trials<Ipv4>;
extern template class Trials<Ipv6>;

}  // namespace viaduct::rig
