// The tests at a load that a gateway carries: latency, reconfiguration, soak.
#include <algorithm>
#include <chrono>
#include <thread>

#include "bench/rig/campaign.h"
#include "bench/rig/campaign_parts.h"
#include "bench/rig/change_windows.h"

namespace viaduct::rig {
namespace {

constexpr double latency_frames = 1'000;  // percentiles of fewer say nothing

std::vector<LatencyPoint> points_of(const Histogram& histogram) {
    std::vector<LatencyPoint> points;
    for (const double percentile :
         {0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999, 100.0})
        points.push_back({percentile, static_cast<double>(histogram.percentile(percentile)) / 1'000});
    return points;
}

}  // namespace

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

template void Campaign<Ipv4>::latency(Case&);
template void Campaign<Ipv4>::reconfigure(Case&);
template void Campaign<Ipv4>::soak(Case&);
template void Campaign<Ipv4>::wait_for_changes();
template void Campaign<Ipv6>::latency(Case&);
template void Campaign<Ipv6>::reconfigure(Case&);
template void Campaign<Ipv6>::soak(Case&);
template void Campaign<Ipv6>::wait_for_changes();

}  // namespace viaduct::rig
