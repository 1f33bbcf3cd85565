// Runs, and which of them count.
#include "bench/measure.h"

#include <algorithm>
#include <new>
#include <utility>

#include "bench/machine.h"
#include "bench/progress.h"
#include "bench/scenario.h"

namespace viaduct {
namespace {

constexpr double most_stolen = 0.005;  // of a run's CPU time
constexpr unsigned attempts_per_run = 3;

struct Run {
    double cycles = 0, null_cycles = 0;  // per packet
    bool disturbed = false;
    std::uint64_t preemptions = 0;
};

class Measurement {
public:
    Measurement(const Options& options, std::uint64_t tsc_hz, unsigned cpu)
        : options_(options),
          least_cycles_(options.quick ? 0.0 : options.seconds * static_cast<double>(tsc_hz)),
          cpu_(cpu),
          harness_(options.cache, options.nic_checksums ? RTE_MBUF_F_RX_L4_CKSUM_GOOD : 0),
          progress_(options.outer.size() * options.inner.size() * options.workloads.size() * options.flows.size() *
                    options.bursts.size()) {}

    template <Address A>
    void in_world(const World& world) {
        for (const Workload workload : options_.workloads)
            for (const std::uint32_t flows : options_.flows) with_flows<A>(world, workload, flows);
    }
    [[nodiscard]] std::vector<Result> take() { return std::move(results_); }

private:
    template <Address A>
    void with_flows(const World& world, Workload workload, std::uint32_t asked);
    void skip(const Result& row, std::uint64_t needed);
    void fill(Result& row, Laps& laps);
    [[nodiscard]] Run run(unsigned burst, Laps& laps) const;

    const Options& options_;
    const double least_cycles_;  // in a run
    const unsigned cpu_;
    Harness harness_;
    Progress progress_;
    std::vector<Result> results_;
};

template <Address A>
void Measurement::with_flows(const World& world, Workload workload, std::uint32_t asked) {
    Result row{.workload = workload, .ip = family_of<A>, .outer = world.outer()};
    row.flows = Scenario<A>::flows_for(workload, asked);
    row.size = options_.size != 0 ? options_.size : std::max(64U, FrameWriter<A>::smallest + fcs);
    row.burst = options_.bursts.front();
    const std::uint64_t needed = Scenario<A>::memory(row.flows);
    if (needed > available_memory()) return skip(row, needed);
    try {
        Scenario<A> scenario(world, harness_, {workload, row.flows, row.size - fcs, options_.seed});
        for (const unsigned burst : options_.bursts) {
            row.burst = burst;
            progress_.begin(row);
            fill(results_.emplace_back(row), scenario);
        }
    } catch (const std::bad_alloc&) {  // a container may have less than the machine
        skip(row, needed);
    } catch (const WrongOutput& error) {
        throw WrongOutput(describe(row) + ": wrong output: " + error.what());
    }
}

void Measurement::skip(const Result& row, std::uint64_t needed) {
    progress_.skip(options_.bursts.size(), describe(row),
                   "it takes " + std::to_string(needed >> 20U) + " MiB of memory and " +
                       std::to_string(available_memory() >> 20U) + " are free");
}

void Measurement::fill(Result& row, Laps& laps) {
    std::vector<double> cycles, null_cycles;
    laps.lap(row.burst);  // warms up
    for (unsigned i = 0; i < attempts_per_run * options_.runs && row.runs < options_.runs; ++i) {
        const Run run = this->run(row.burst, laps);
        if (run.disturbed) {
            ++row.discarded;
            continue;
        }
        ++row.runs;
        row.preemptions += run.preemptions;
        cycles.push_back(run.cycles);
        null_cycles.push_back(run.null_cycles);
        progress_.run(row.runs, options_.runs);
    }
    row.cycles = summarize(std::move(cycles));
    row.null_cycles = summarize(std::move(null_cycles));
}

Run Measurement::run(unsigned burst, Laps& laps) const {
    const CpuTicks before = ticks_of(cpu_);
    const std::uint64_t preempted = preemptions();
    laps.tick();
    std::uint64_t cycles = 0, packets = 0;
    do {
        cycles += laps.lap(burst);
        packets += laps.packets();
    } while (static_cast<double>(cycles) < least_cycles_);
    const std::uint64_t null_cycles = laps.null_lap(burst);
    const CpuTicks after = ticks_of(cpu_);
    const double stolen = static_cast<double>(after.stolen - before.stolen);
    return {.cycles = static_cast<double>(cycles) / static_cast<double>(packets),
            .null_cycles = static_cast<double>(null_cycles) / static_cast<double>(laps.packets()),
            .disturbed = !options_.quick && stolen > most_stolen * static_cast<double>(after.all - before.all),
            .preemptions = preemptions() - preempted};
}

}  // namespace

std::vector<Result> measure(const Options& options, std::uint64_t tsc_hz, unsigned cpu) {
    Measurement measurement(options, tsc_hz, cpu);
    const WorldSize size = options.quick ? WorldSize{.services = 100, .backends = 1'000, .peers = 10} : WorldSize{};
    for (const Family outer : options.outer)
        for (const Family inner : options.inner) {
            const World world(size, inner, outer);
            if (inner == Family::v4)
                measurement.in_world<Ipv4>(world);
            else
                measurement.in_world<Ipv6>(world);
        }
    return measurement.take();
}

}  // namespace viaduct
