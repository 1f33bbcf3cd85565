// The tests, one after the other. Their loads follow from the search.
#include "bench/rig/campaign.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "bench/rig/change_windows.h"
#include "bench/rig/flow_order.h"
#include "bench/verify.h"

namespace viaduct::rig {
namespace {

constexpr double fill_rate = 400'000;  // frames per second
constexpr unsigned fill_rounds = 8;
constexpr double long_patience = 0.5;           // seconds: where each frame that comes late matters
constexpr double latency_frames = 1'000;        // percentiles of fewer say nothing
constexpr unsigned most_worthless = 20;         // trials of a search
constexpr double universe_seconds = 60;         // new flows come back after so long
constexpr std::size_t skewed_order = 1U << 20;  // draws

/// Where a share of the load lies that the device carries; NDR when the PDR was not found.
double reference(const Case& one) {
    for (const char* goal : {"PDR", "NDR"})
        if (const Throughput* found = one.find(goal); found != nullptr && found->lower) return *found->lower;
    return one.overload.received / 2;
}

std::vector<LatencyPoint> points_of(const Histogram& histogram) {
    std::vector<LatencyPoint> points;
    for (const double percentile :
         {0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999, 100.0})
        points.push_back({percentile, static_cast<double>(histogram.percentile(percentile)) / 1'000});
    return points;
}

/// Of an odd number the median.
const Trial& middle(const std::vector<Trial>& sorted) { return sorted[(sorted.size() - 1) / 2]; }

Losses losses_of(const Trial& trial) { return {trial.lost(), trial.refused, trial.gateway.drops}; }

std::vector<StageCost> stage_costs(const GatewayCounts& counts) {
    std::vector<StageCost> costs;
    const double packets = std::max(1.0, static_cast<double>(counts.timed_packets));
    for (const GatewayCounts::Stage& stage : counts.stages)
        costs.push_back({stage.name, static_cast<double>(stage.cycles) / packets});
    return costs;
}

}  // namespace

template <Address A>
void Campaign<A>::prepare(Workload workload, const FrameSizes& sizes, std::uint32_t flows) {
    const RigOptions& options = bench_.options;
    const bool to_services = workload != Workload::encap && workload != Workload::decap;
    const auto more = static_cast<std::uint32_t>(options.new_flows * universe_seconds);
    std::vector<Flow<A>> sent = make_flows<A>(bench_.site, to_services ? Destination::services : Destination::pods,
                                              std::min(flows + more, max_flows), options.seed);
    std::vector<Flow<A>> expected;
    if (!to_services) expected = sent;
    if (workload == Workload::decap)
        for (std::size_t i = 0; i < sent.size(); ++i) {
            sent[i] = expected[i] = sent[i].mirrored();
            expected[i].peer = no_peer;
        }
    const Side from = workload == Workload::decap ? Side::underlay : Side::outside;
    lanes_.clear();
    lanes_.push_back(std::make_unique<Lane<A>>(bench_.site, from, std::move(sent), std::move(expected)));
    order_ = flow_order(flows, options.skew, options.skew == 0 ? flows : std::max<std::size_t>(flows, skewed_order),
                        options.seed);
    trials_.use({{lanes_[0].get()}, &sizes, &order_, flows, options.check_sums_of});
    if (to_services) fill(*lanes_[0], flows);
    if (workload == Workload::reply || workload == Workload::exchange) {
        lanes_.push_back(std::make_unique<Lane<A>>(lanes_[0]->answers()));
        trials_.traffic().lanes = {lanes_[1].get()};
        if (workload == Workload::exchange) trials_.traffic().lanes = {lanes_[0].get(), lanes_[1].get()};
    }
}

/// Every flow once, until all of them have come back.
template <Address A>
void Campaign<A>::fill(Lane<A>& lane, std::uint32_t active) {
    const std::vector<std::uint32_t> once = flow_order(active, 0, active, 1);
    trials_.traffic().order = &once;
    const std::uint32_t others = lane.flows() - active;
    for (unsigned round = 0; round < fill_rounds && lane.unknown() > others; ++round)
        (void)trials_.once(
            {.rate = fill_rate / (round + 1), .seconds = 60, .frames = active, .patience = long_patience}, true);
    trials_.traffic().order = &order_;
    if (lane.unknown() > others)
        throw std::runtime_error(
            what_ + ": " + std::to_string(lane.unknown() - others) + " of " + std::to_string(active) +
            " flows to Services never came back; `viaductctl show drops` on the gateway tells why");
}

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
void Campaign<A>::latency(Case& one) {
    trials_.begin_test("latency at 10, 50 and 90 % of PDR");
    for (const unsigned percent : {10U, 50U, 90U}) {
        const double load = reference(one) * percent / 100;
        const double enough = std::min(10.0, latency_frames / load);  // seconds
        const double usual = bench_.options.quick ? 0.05 : std::max(1.0, bench_.options.trial);
        const Trial result =
            trials_.undisturbed({.rate = load, .seconds = std::max(usual, enough), .patience = long_patience});
        one.latency.push_back({percent, load, result.loss_ratio(), points_of(result.latency)});
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

/// Until all changes of objects are in force: the second mark is read after all that was read with the first one.
template <Address A>
void Campaign<A>::wait_for_changes() {
    if (bench_.gateway == nullptr) return std::this_thread::sleep_for(std::chrono::seconds(2));  // nobody can be asked
    for (const char* mark : {"mark-1", "mark-2"}) {
        bench_.files->write_mark(mark);
        bench_.gateway->wait_for_service(mark);
    }
}

/// Takes the first endpoint of one Service after the other away, and puts it back.
template <Address A>
void Campaign<A>::reconfigure(Case& one) {
    trials_.begin_test("reconfiguration");
    std::uint32_t turn = 0;
    const std::uint32_t services = bench_.site.size().services;
    const auto change = [&] {
        bench_.files->write_endpoints(turn / 2 % services, turn % 2 != 0);
        ++turn;
    };
    ChangeWindows windows(0.5 / bench_.options.change_rate, bench_.watch, change);
    const Trial result = trials_.once({.rate = reference(one) / 2,
                                       .seconds = bench_.options.quick ? 0.3 : 3,
                                       .window = windows.seconds(),
                                       .begin_window = [&] { windows.begin(); }},
                                      true);
    windows.end();
    one.reconfiguration = {.changes = turn,
                           .offered = result.offered,
                           .losses = losses_of(result),
                           .load = result.offered_rate(),
                           .seconds = result.seconds,
                           .flows = trials_.traffic().active,
                           .moved = result.verdicts.moved,
                           .broken = result.verdicts.broken,
                           .disturbance = result.disturbance,
                           .windows = windows.sort(result.windows)};
    if (turn % 2 != 0) change();
    wait_for_changes();
}

template <Address A>
void Campaign<A>::soak(Case& one) {
    trials_.begin_test("soak at 90 % of PDR");
    const Trial result = trials_.once(
        {.rate = 0.9 * reference(one), .seconds = bench_.options.soak, .new_flows = bench_.options.new_flows});
    one.soak = {.load = result.offered_rate(),
                .seconds = result.seconds,
                .offered = result.offered,
                .losses = losses_of(result),
                .worst_microseconds = static_cast<double>(result.latency.max()) / 1'000,
                .new_flows = result.new_flows,
                .disturbance = result.disturbance};
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

template <Address A>
Case Campaign<A>::run(Workload workload, const FrameSizes& sizes, std::uint32_t flows) {
    const RigOptions& options = bench_.options;
    what_ = std::string(text_of(workload).name) + ", " + (sizes.name() == "imix" ? "IMIX" : sizes.name() + " bytes") +
            ", " + std::to_string(flows) + (flows == 1 ? " flow" : " flows");
    trials_.begin_case(what_);
    heaviest_ = 0;
    Case one;
    one.workload = text_of(workload).name;
    one.direction = text_of(workload).direction;
    one.size = sizes.name();
    one.mean_size = sizes.mean();
    one.flows = flows;
    one.skew = options.skew;
    one.new_flows = options.new_flows;
    trials_.begin_test("flows begin");
    prepare(workload, sizes, flows);
    overload(one);
    if (one.overload.received == 0)
        throw std::runtime_error(what_ + ": not one frame came back; `viaductctl show drops` on the gateway tells why");
    search(one);
    const bool to_services = workload == Workload::service || workload == Workload::exchange;
    if (options.tests.latency) latency(one);
    if (options.tests.loss) loss(one);
    if (options.tests.burst) burst(one);
    if (options.tests.reconfigure && to_services && bench_.files != nullptr) {
        reconfigure(one);
        prepare(workload, sizes, flows);  // flows have moved
    }
    if (options.tests.soak) soak(one);
    if (options.tests.flows && &sizes == &options.sizes.front()) by_flows(one, workload, sizes);
    one.checked = trials_.count().checked;
    one.reordered = trials_.count().reordered;
    one.duplicated = trials_.count().duplicated;
    one.tally = trials_.tally();
    return one;
}

template class Campaign<Ipv4>;
template class Campaign<Ipv6>;

}  // namespace viaduct::rig
