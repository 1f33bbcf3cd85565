// A worker under load, first left alone and then with changes beside it.
//
// Theory of operation. The worker's thread passes first packets of many flows to the Services, over and over, through
// the pipeline, with the snapshot that is published at the moment of each burst: each looks up frontend, Service,
// Maglev table and backend. Each burst is timed, each packet that comes out is taken apart. The control thread runs on
// another CPU. What the two share is what a gateway's threads share: the published pointer, the grace period and the
// memory. What the machine itself does to a thread, interrupts and a hypervisor's pauses, is counted apart: by bursts
// of the same length in which nothing happens but that the clock is read.
#include "bench/churn.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/command_line.h"
#include "bench/device_under_test.h"
#include "bench/machine.h"
#include "bench/table_changes.h"
#include "bench/verify.h"
#include "dataplane/eal.h"
#include "dataplane/qsbr.h"

namespace viaduct {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr unsigned burst_size = 32;
constexpr double pause_us = 25, long_burst_us = 50;  // nothing that a worker does for 32 packets takes the former

double microseconds(std::uint64_t cycles) {
    return 1e6 * static_cast<double>(cycles) / static_cast<double>(rte_get_tsc_hz());
}

struct Load {
    std::uint64_t sent = 0, emitted = 0;
    std::uint64_t cycles = 0, bursts = 0;
    std::uint64_t longest = 0;                     // cycles; like the next line, without those that were preempted
    std::uint64_t over_pause = 0, over_limit = 0;  // bursts
    std::uint64_t preempted = 0;                   // bursts
};

void note(Load& load, std::uint64_t took, bool preempted) {
    ++load.bursts;
    load.cycles += took;
    if (preempted) {
        ++load.preempted;
        return;
    }
    load.longest = std::max(load.longest, took);
    if (microseconds(took) > pause_us) ++load.over_pause;
    if (microseconds(took) > long_burst_us) ++load.over_limit;
}

/// As many bursts as `model` had, as long as its were on average, without packets.
Load empty_bursts(const Load& model) {
    Load load;
    const std::uint64_t length = model.cycles / model.bursts;
    std::uint64_t preempted = preemptions();
    while (load.bursts < model.bursts) {
        const std::uint64_t begin = rte_rdtsc_precise();
        std::uint64_t took = 0;
        while (took < length) took = rte_rdtsc_precise() - begin;
        note(load, took, std::exchange(preempted, preemptions()) != preempted);
    }
    return load;
}

template <Address A>
class LoadedWorker {
public:
    LoadedWorker(const World& world, Published& published, QsbrGrace& grace, std::uint32_t flows)
        : world_(world),
          published_(published),
          reader_(grace, 0),
          flows_(make_flows<A>(world, Destination::services, flows, 1)),
          device_(world, harness_, DeviceUnderTest::Workers::one, flows) {
        for (Flow<A>& flow : flows_) flow.peer = no_peer;
        harness_.buffers().clear();
    }
    /// All flows, as often as the time allows, at least once.
    Load run(std::chrono::duration<double> time) {
        Load load;
        const auto end = Clock::now() + time;
        do lap(load);
        while (Clock::now() < end);
        return load;
    }
    [[nodiscard]] std::string losses() const { return device_.losses(); }

private:
    void lap(Load& load) {
        device_.forget<A>();
        const Stream<A> stream{FrameWriter<A>(world_, FrameWriter<A>::Kind::plain, TcpHeader::syn, frame_length),
                               flows_};
        std::uint64_t preempted = preemptions();
        const auto process = [&](Burst& burst) {
            const std::uint64_t begin = rte_rdtsc_precise();
            device_.run(burst, published_.read());
            const std::uint64_t took = rte_rdtsc_precise() - begin;
            reader_.quiescent();
            note(load, took, std::exchange(preempted, preemptions()) != preempted);
        };
        const auto check = [&](std::size_t first, unsigned sent, std::span<rte_mbuf* const> emitted) {
            load.sent += sent;
            load.emitted += emitted.size();
            if (emitted.size() != sent) return;  // then nobody knows which is which
            for (std::size_t i = 0; i < emitted.size(); ++i)
                check_choice(world_, flows_[(first + i) % flows_.size()], dissect<A>(world_, *emitted[i]));
        };
        harness_.lap(stream, flows_.size(), burst_size, process, check);
    }

    static constexpr unsigned frame_length = FrameWriter<A>::smallest;
    const World& world_;
    Published& published_;
    QsbrGrace::Reader reader_;
    std::vector<Flow<A>> flows_;
    Harness harness_{Cache::hot};
    DeviceUnderTest device_;
};

struct ChurnOptions {
    bool help = false, quick = false, hugepages = true;
    double seconds = 0, rate = 0;
    std::uint32_t flows = 0;
    std::string json;
};

po::options_description churn_options() {
    po::options_description all("Options");
    all.add_options()                                                                                                 //
        ("seconds", po::value<double>()->default_value(10), "with changes, and as long without")                      //
        ("rate", po::value<double>()->default_value(20), "changes a second: an endpoint goes or comes back")          //
        ("flows", po::value<std::uint32_t>()->default_value(65'536), "whose first packets are sent again and again")  //
        ("hugepages", po::value<std::string>()->default_value("auto"), "auto (when enough are free) or off")          //
        ("json", po::value<std::string>()->default_value(""), "write machine and results to this file")               //
        ("quick", "a small cluster: tells whether all works, the figures mean nothing")                               //
        ("help", "tell this and exit");
    return all;
}

ChurnOptions parse_churn(int argc, const char* const* argv) {
    const po::variables_map given = parse_command_line(churn_options(), argc, argv);
    ChurnOptions options;
    options.help = given.count("help") != 0;
    options.quick = given.count("quick") != 0;
    options.hugepages = given["hugepages"].as<std::string>() != "off";
    options.seconds = given["seconds"].as<double>();
    options.rate = given["rate"].as<double>();
    options.flows = given["flows"].as<std::uint32_t>();
    options.json = given["json"].as<std::string>();
    if (!(options.seconds > 0 && options.seconds <= 3600)) throw std::invalid_argument("--seconds: up to 3600");
    if (!(options.rate > 0 && options.rate <= 10'000)) throw std::invalid_argument("--rate: up to 10,000");
    if (options.flows == 0 || options.flows > max_flows)
        throw std::invalid_argument("--flows: 1 to " + std::to_string(max_flows));
    return options;
}

Json report_bursts(const Load& load) {
    return {{"bursts", load.bursts},
            {"longest_burst_us", microseconds(load.longest)},
            {"bursts_over_25_us", load.over_pause},
            {"bursts_over_50_us", load.over_limit},
            {"bursts_preempted", load.preempted}};
}

Json report(const Load& load) {
    Json all = {
        {"packets", load.sent},
        {"lost", load.sent - load.emitted},
        {"cycles_per_packet", static_cast<double>(load.cycles / std::max<std::uint64_t>(load.sent / 10, 1)) / 10}};
    all.update(report_bursts(load));
    return all;
}

Json report(std::vector<std::chrono::nanoseconds> took) {
    std::ranges::sort(took);
    const auto at = [&](std::size_t percent) {
        return took.empty() ? 0.0 : static_cast<double>(took[(took.size() - 1) * percent / 100].count()) / 1e6;
    };
    return {{"changes", took.size()}, {"p50_ms", at(50)}, {"p99_ms", at(99)}, {"longest_ms", at(100)}};
}

template <Address A>
Json churn(const ChurnOptions& options, unsigned control_cpu) {
    const WorldSize size = options.quick ? WorldSize{.services = 100, .backends = 1'000, .peers = 10} : WorldSize{};
    const World world(size, family_of<A>, Family::v4);
    QsbrGrace grace;
    Published published(grace);
    TableChanges changes(world, published);
    LoadedWorker<A> worker(world, published, grace, options.flows);
    const std::chrono::duration<double> time(options.seconds);
    (void)worker.run(time / 10);  // warms up
    const Load alone = worker.run(time);
    const Load empty = empty_bursts(alone);
    changes.start(control_cpu, options.rate);
    const Load beside = worker.run(time);
    const auto took = changes.stop();
    if (took.empty() || alone.sent == 0) throw std::runtime_error("nothing was measured: give it more --seconds");
    if (beside.sent != beside.emitted) std::fprintf(stderr, "lost:%s\n", worker.losses().c_str());
    return {{"ip", std::same_as<A, Ipv4> ? 4 : 6}, {"services", size.services}, {"backends", size.backends},
            {"empty", report_bursts(empty)},       {"alone", report(alone)},    {"with_changes", report(beside)},
            {"publications", report(took)}};
}

}  // namespace

int run_churn(int argc, const char* const* argv) {
    const ChurnOptions options = parse_churn(argc, argv);
    if (options.help) {
        std::ostringstream text;
        text << "viaduct-bench churn: a worker under load while endpoints change\n\n" << churn_options();
        std::fputs(text.str().c_str(), stdout);
        return 0;
    }
    const std::vector<unsigned> cpus = allowed_cpus();
    const Eal eal(
        {.hugepages = options.hugepages && hugepages_suffice(), .pci_devices = {}, .control_cpu = cpus.front()});
    stay_on(cpus.back());
    Machine machine = this_machine();
    machine.tsc_hz = rte_get_tsc_hz();
    const Json all = {{"machine", json(machine)},
                      {"rate", options.rate},
                      {"flows", options.flows},
                      {"results", {churn<Ipv4>(options, cpus.front()), churn<Ipv6>(options, cpus.front())}}};
    const std::string text = all.dump(2) + "\n";
    std::fputs(text.c_str(), stdout);
    if (options.json.empty()) return 0;
    std::ofstream file(options.json);
    if (!(file << text << std::flush)) throw std::runtime_error("cannot write " + options.json);
    return 0;
}

}  // namespace viaduct
