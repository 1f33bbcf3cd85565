// One trial after the other.
#include "bench/rig/trials.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "bench/rig/repeat.h"
#include "bench/verify.h"

namespace viaduct::rig {
namespace {

constexpr std::chrono::seconds longest_silence{5};  // of a gateway that waits for its CPU

std::string exact_mpps(double rate) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f Mpps", rate / 1e6);
    return text;
}

}  // namespace

template <Address A>
void Trials<A>::begin_case(const std::string& what) {
    what_ = what;
    count_ = {};
    tally_ = {};
}

template <Address A>
void Trials<A>::use(typename Generator<A>::Traffic traffic) {
    traffic_ = std::move(traffic);
    generator_.restart();
}

template <Address A>
Trial Trials<A>::once(const Load& load, bool moves_allowed) {
    const GatewayCounts before = counts();
    bench_.watch.begin();
    Trial result = generator_.run(traffic_, load);
    result.disturbance = bench_.watch.end(result.lasted, result.stood_still);
    result.gateway = counts() - before;
    const Verdicts& verdicts = result.verdicts;
    if (verdicts.wrong != 0)
        throw WrongOutput(what_ + ": " + std::to_string(verdicts.wrong) + " of " +
                          std::to_string(verdicts.wrong + verdicts.right) + " frames came back wrong, the first with " +
                          verdicts.first_fault);
    if (!moves_allowed && verdicts.moved + verdicts.broken != 0)
        throw WrongOutput(what_ + ": " + std::to_string(verdicts.moved + verdicts.broken) +
                          " established flows went on to another backend though nothing had changed");
    count_.checked += verdicts.right;
    count_.reordered += verdicts.reordered;
    count_.duplicated += verdicts.duplicated;
    line_.update(exact_mpps(result.offered_rate()) + " offered, " + exact_mpps(result.received_rate()) + " back");
    return result;
}

template <Address A>
Trial Trials<A>::undisturbed(const Load& load) {
    const auto attempt = [&] { return least_disturbed([&] { return once(load); }, bench_.options.repeats, tally_); };
    const auto deadline = std::chrono::steady_clock::now() + longest_silence;
    Trial trial = attempt();
    while (trial.verdicts.right == 0 && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the CPU may be this thread's too
        trial = attempt();
    }
    return trial;
}

template <Address A>
std::vector<Trial> Trials<A>::three(const Load& load) {
    std::vector<Trial> good, spoiled;
    for (std::size_t i = 0; i < 2 * several && good.size() < several; ++i) {
        Trial trial = undisturbed(load);
        (trial.disturbance.spoils() ? spoiled : good).push_back(std::move(trial));
    }
    return good.empty() ? spoiled : good;
}

template <Address A>
std::vector<Trial> Trials<A>::by_cost(Load load) {
    const auto timed = [&](const Trial& trial) {
        return bench_.gateway == nullptr || trial.gateway.timed_packets != 0 || trial.verdicts.right == 0;
    };
    std::vector<Trial> trials = three(load);
    for (unsigned i = 0; i < most_doublings && !std::ranges::all_of(trials, timed); ++i) {
        load.seconds *= 2;
        if (timed(once(load))) trials = three(load);
    }
    std::ranges::sort(trials, {}, [](const Trial& trial) { return trial.gateway.cycles_per_packet(); });
    return trials;
}

template <Address A>
std::vector<Trial> Trials<A>::by_loss(const Load& load) {
    std::vector<Trial> trials = three(load);
    std::ranges::sort(trials, {}, &Trial::loss_ratio);
    return trials;
}

template class Trials<Ipv4>;
template class Trials<Ipv6>;

}  // namespace viaduct::rig
