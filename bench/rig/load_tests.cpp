// The tests that look for the load a gateway can take: overload, throughput, frame loss, bursts, cost by flows.
#include <algorithm>

#include "bench/rig/campaign.h"
#include "bench/rig/campaign_parts.h"

namespace viaduct::rig {
namespace {

constexpr unsigned most_worthless = 20;  // trials of a search

std::vector<StageCost> stage_costs(const GatewayCounts& counts) {
    std::vector<StageCost> costs;
    const double packets = std::max(1.0, static_cast<double>(counts.timed_packets));
    for (const GatewayCounts::Stage& stage : counts.stages)
        costs.push_back({stage.name, static_cast<double>(stage.cycles) / packets});
    return costs;
}

}  // namespace

template <Address A>
void Campaign<A>::overload(Case& one) {
    trials_.begin_test("overload");
    const double seconds = std::max(bench_.options.trial, bench_.options.quick ? 0.1 : 0.5);
    const std::vector<Trial> trials =
        trials_.by_cost({.rate = 0, .seconds = seconds, .new_flows = bench_.options.new_flows});
    const Trial& median = middle(trials);
    one.overload = {.offered = median.offered_rate(),
                    .received = median.received_rate(),
                    .losses = losses_of(median),
                    .generator_busy = 1 - median.idle,
                    .disturbance = median.disturbance};
    for (const Trial& trial : trials) heaviest_ = std::max(heaviest_, trial.offered_rate());
    if (bench_.gateway == nullptr) return;
    one.stages = stage_costs(median.gateway);
    const double time = median.seconds * static_cast<double>(bench_.gateway->workers());
    one.overload.pipeline_share =
        median.gateway.cycles_per_packet() * static_cast<double>(median.gateway.received) / (time * bench_.tsc_hz);
    if (const auto busy = bench_.gateway->busy_seconds(median.gateway))
        one.overload.gateway_busy = std::min(1.0, *busy / time);
}

template <Address A>
void Campaign<A>::search(Case& one) {
    const RigOptions& options = bench_.options;
    const Goal ndr{"NDR", 0, options.width, 0.5, options.trial, options.sum};
    Goal pdr = ndr;
    pdr.name = "PDR";
    pdr.loss_ratio = options.pdr;
    const SearchLimits limits{heaviest_ / 1'000, heaviest_, options.quick ? 12U : 200U};
    Search search({ndr, pdr}, limits);
    search.add(one.overload.offered, options.trial, 1 - one.overload.received / one.overload.offered);
    trials_.begin_test("search for NDR and PDR");
    unsigned worthless = 0;
    while (const auto next = search.next()) {
        const Trial result =
            trials_.undisturbed({.rate = next->load, .seconds = next->duration, .new_flows = options.new_flows});
        // One that lost frames and was spoiled to the last says nothing of the load, and would be its upper bound.
        if (result.disturbance.spoils() && result.lost() != 0 && worthless++ < most_worthless) continue;
        search.add(next->load, next->duration, result.short_of_load() ? 1 : result.loss_ratio());
        if (result.loss_ratio() <= options.pdr) one.idle_at_pdr = result.idle;
    }
    for (std::size_t i = 0; i < search.goals().size(); ++i) {
        const Bounds found = search.bounds(i);
        const Goal& goal = search.goals()[i];
        one.throughputs.push_back(
            {goal.name, goal.loss_ratio, found.lower, found.upper, found.complete, search.trials()});
    }
}

template <Address A>
LossPoint Campaign<A>::loss_at(double load) {
    const std::vector<Trial> trials = trials_.by_loss({.rate = load, .seconds = bench_.options.trial});
    const Trial& median = middle(trials);
    return {.load = median.offered_rate(),
            .loss_ratio = median.loss_ratio(),
            .least = trials.front().loss_ratio(),
            .most = trials.back().loss_ratio(),
            .trials = static_cast<unsigned>(trials.size()),
            .spoiled = median.disturbance.spoils()};
}

template <Address A>
void Campaign<A>::loss(Case& one) {
    trials_.begin_test("frame loss");
    for (const unsigned percent : {20U, 40U, 60U, 80U, 90U, 95U, 100U, 105U, 110U, 120U, 140U}) {
        const double load = std::min(reference(one) * percent / 100, heaviest_);
        one.loss.push_back(loss_at(load));
        if (load == heaviest_) return;
    }
}

/// Two of three such bursts come through whole.
template <Address A>
bool Campaign<A>::lossless(std::uint64_t frames) {
    unsigned whole = 0, broken = 0;
    while (whole < 2 && broken < 2)
        ++(trials_.undisturbed({.rate = 0, .seconds = 10, .frames = frames}).lost() == 0 ? whole : broken);
    return whole == 2;
}

/// RFC 2544 §26.4, at the generator's full speed: doubled until frames are lost, then halved to 5 %.
template <Address A>
void Campaign<A>::burst(Case& one) {
    trials_.begin_test("back-to-back frames");
    const std::uint64_t most = bench_.options.quick ? 4'096 : std::uint64_t{1} << 20U;
    std::uint64_t good = 0, bad = 64;
    for (; bad <= most && lossless(bad); bad *= 2) good = bad;
    const bool at_limit = bad > most;
    while (!at_limit && static_cast<double>(bad - good) > 0.05 * static_cast<double>(bad) && bad - good > 1)
        (lossless((good + bad) / 2) ? good : bad) = (good + bad) / 2;
    one.burst = BackToBack{good * trials_.traffic().lanes.size(), one.overload.offered, at_limit};
}

template <Address A>
void Campaign<A>::by_flows(Case& one, Workload workload, const FrameSizes& sizes) {
    for (const std::uint32_t flows : bench_.options.sweep) {
        trials_.begin_test("cost with " + std::to_string(flows) + " flows");
        prepare(workload, sizes, flows);
        const std::vector<Trial> trials = trials_.by_cost({.rate = 0, .seconds = bench_.options.quick ? 0.05 : 0.3});
        const Trial& median = middle(trials);
        one.by_flows.push_back(
            {flows, median.received_rate(), median.gateway.cycles_per_packet(), median.loss_ratio()});
    }
}

template void Campaign<Ipv4>::overload(Case&);
template void Campaign<Ipv4>::search(Case&);
template void Campaign<Ipv4>::loss(Case&);
template void Campaign<Ipv4>::burst(Case&);
template LossPoint Campaign<Ipv4>::loss_at(double);
template bool Campaign<Ipv4>::lossless(std::uint64_t);
template void Campaign<Ipv4>::by_flows(Case&, Workload, const FrameSizes&);
template void Campaign<Ipv6>::overload(Case&);
template void Campaign<Ipv6>::search(Case&);
template void Campaign<Ipv6>::loss(Case&);
template void Campaign<Ipv6>::burst(Case&);
template LossPoint Campaign<Ipv6>::loss_at(double);
template bool Campaign<Ipv6>::lossless(std::uint64_t);
template void Campaign<Ipv6>::by_flows(Case&, Workload, const FrameSizes&);

}  // namespace viaduct::rig
