// One worker alone, two beside each other, and two that hand half of their packets over.
#include "bench/pair.h"

#include <barrier>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "bench/command_line.h"
#include "bench/line_cost.h"
#include "bench/machine.h"
#include "bench/paired_worker.h"
#include "bench/result.h"
#include "dataplane/eal.h"
#include "dataplane/transmit_queues.h"

namespace viaduct {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

struct PairOptions {
    bool help = false, quick = false, hugepages = true;
    std::uint32_t flows = 0;  // of each worker
    unsigned runs = 0;
    double seconds = 0;
    std::string json;
};

po::options_description pair_options() {
    po::options_description all("Options");
    all.add_options()                                                                                         //
        ("flows", po::value<std::uint32_t>()->default_value(64'512), "connections that each worker owns")     //
        ("runs", po::value<unsigned>()->default_value(10), "runs of each kind, in turn")                      //
        ("seconds", po::value<double>()->default_value(0.2), "timed work in each run, at least")              //
        ("hugepages", po::value<std::string>()->default_value("auto"), "auto (when enough are free) or off")  //
        ("json", po::value<std::string>()->default_value(""), "write machine and results to this file")       //
        ("quick", "a small cluster, a lap a run: tells whether all works, the figures mean nothing")          //
        ("help", "tell this and exit");
    return all;
}

PairOptions parse_pair(int argc, const char* const* argv) {
    const po::variables_map given = parse_command_line(pair_options(), argc, argv);
    PairOptions options;
    options.help = given.count("help") != 0;
    options.quick = given.count("quick") != 0;
    options.hugepages = given["hugepages"].as<std::string>() != "off";
    options.flows = given["flows"].as<std::uint32_t>();
    options.runs = given["runs"].as<unsigned>();
    options.seconds = options.quick ? 0 : given["seconds"].as<double>();
    options.json = given["json"].as<std::string>();
    if (options.flows < 2 || options.flows % 2 != 0 || options.flows > max_flows / 2)
        throw std::invalid_argument("--flows: an even number, 2 to " + std::to_string(max_flows / 2));
    if (options.runs == 0 || options.runs > 1000) throw std::invalid_argument("--runs: 1 to 1,000");
    if (!(options.seconds >= 0 && options.seconds <= 60)) throw std::invalid_argument("--seconds: up to 60");
    return options;
}

enum class Kind : std::uint8_t { alone, apart, handing_over };
constexpr std::array<const char*, 3> kind_names{"one worker", "two, none handed over", "two, half handed over"};

/// The two of them and their threads' work.
template <Address A>
class Pair {
public:
    Pair(const World& world, std::uint32_t flows, std::array<unsigned, 2> cpus) : cpus_(cpus), flows_(flows) {
        const typename PairedWorker<A>::Rings rings{rings_[0].get(), rings_[1].get()};
        const auto buffers = std::make_shared<Buffers>(Cache::hot);  // one pool for all workers, as the gateway has
        buffers->clear();
        const std::vector<Flow<A>> all = make_flows<A>(world, Destination::services, 2 * flows, 1);
        for (WorkerId self : {WorkerId{0}, WorkerId{1}}) {
            const auto begin = all.begin() + self * static_cast<std::ptrdiff_t>(flows);
            workers_[self] = std::make_unique<PairedWorker<A>>(world, slots_, self, rings, buffers,
                                                               std::vector<Flow<A>>(begin, begin + flows));
        }
        for (std::size_t self : {0U, 1U}) {
            mixed_[self] = workers_[self]->replies();
            for (std::size_t i = 1; i < flows; i += 2) mixed_[self][i] = workers_[1 - self]->replies()[i];
        }
    }
    /// Cycles per packet.
    double run(Kind kind, double least_cycles) {
        const std::size_t threads = kind == Kind::alone ? 1 : 2;
        std::array<PairedTime, 2> times;
        std::array<std::exception_ptr, 2> errors;
        std::barrier together(static_cast<std::ptrdiff_t>(threads));
        {
            std::array<std::jthread, 2> running;
            for (std::size_t self = 0; self < threads; ++self)
                running[self] = std::jthread([&, self] {
                    try {
                        times[self] = work(self, kind, least_cycles, together);
                    } catch (...) {
                        errors[self] = std::current_exception();
                        together.arrive_and_drop();
                    }
                });
        }
        for (const std::exception_ptr& error : errors)
            if (error) std::rethrow_exception(error);
        return static_cast<double>(times[0].cycles + times[1].cycles) /
               static_cast<double>(times[0].packets + times[1].packets);
    }

private:
    /// Laps that begin together, and as many for both.
    PairedTime work(std::size_t self, Kind kind, double least_cycles, std::barrier<>& together) {
        stay_on(cpus_[self]);
        const RegisteredThread registered;  // and so with a cache of packet buffers
        PairedWorker<A>& worker = *workers_[self];
        const bool mixed = kind == Kind::handing_over;
        const std::vector<Flow<A>>& packets = mixed ? mixed_[self] : worker.replies();
        const std::size_t handed_over = mixed ? flows_ / 2 : 0;
        const auto laps = [&](unsigned count) {
            PairedTime sum;
            for (unsigned i = 0; i < count; ++i) {
                together.arrive_and_wait();
                const PairedTime lap = worker.lap(packets, handed_over);
                sum.cycles += lap.cycles;
                sum.packets += lap.packets;
            }
            return sum;
        };
        (void)laps(1);  // warms up
        return laps(1 + static_cast<unsigned>(least_cycles / (usual_cycles * static_cast<double>(flows_))));
    }

    static constexpr double usual_cycles = 100;                // per packet
    static constexpr unsigned ring_size = Buffers::count + 1;  // for all of a worker's buffers
    const std::array<unsigned, 2> cpus_;
    const std::size_t flows_;
    const SlotMap slots_{2};
    std::array<Ring, 2> rings_{make_packet_ring("pair-0", ring_size), make_packet_ring("pair-1", ring_size)};
    std::array<std::unique_ptr<PairedWorker<A>>, 2> workers_;
    std::array<std::vector<Flow<A>>, 2> mixed_;  // every second packet the other's
};

struct Measured {
    Json rows = Json::array();
    LineCost line;
};

template <Address A>
Measured measure(const PairOptions& options, std::array<unsigned, 2> cpus, double tsc_hz) {
    const WorldSize size = options.quick ? WorldSize{.services = 100, .backends = 1'000, .peers = 10} : WorldSize{};
    const World world(size, family_of<A>, Family::v4);
    Pair<A> pair(world, options.flows, cpus);
    std::array<std::vector<double>, 3> cycles;
    std::array<std::vector<double>, 2> line;
    for (unsigned i = 0; i < options.runs; ++i) {
        for (const Kind kind : {Kind::alone, Kind::apart, Kind::handing_over})
            cycles[static_cast<std::size_t>(kind)].push_back(pair.run(kind, options.seconds * tsc_hz));
        const LineCost cost = line_cost(cpus);
        line[0].push_back(cost.alone);
        line[1].push_back(cost.streamed);
    }
    const double one = summarize(cycles[0]).median;
    Measured measured;
    measured.line = {summarize(line[0]).median, summarize(line[1]).median};
    for (std::size_t kind = 0; kind < cycles.size(); ++kind) {
        const unsigned workers = kind == 0 ? 1 : 2;
        const Summary summary = summarize(cycles[kind]);
        measured.rows.push_back({{"kind", kind_names[kind]},
                                 {"ip", std::same_as<A, Ipv4> ? 4 : 6},
                                 {"workers", workers},
                                 {"cycles", {{"median", summary.median}, {"min", summary.min}, {"p95", summary.p95}}},
                                 {"mpps", workers * tsc_hz / summary.median / 1e6},
                                 {"times_one", workers * one / summary.median}});
    }
    return measured;
}

std::string table(const Json& rows) {
    std::ostringstream out;
    out << "replies               ip  cycles     min     p95    Mpps  × one\n" << std::fixed << std::setprecision(1);
    for (const Json& row : rows)
        out << std::left << std::setw(22) << row["kind"].get<std::string>() << std::right << std::setw(2)
            << row["ip"].get<int>() << std::setw(8) << row["cycles"]["median"].get<double>() << std::setw(8)
            << row["cycles"]["min"].get<double>() << std::setw(8) << row["cycles"]["p95"].get<double>() << std::setw(8)
            << std::setprecision(2) << row["mpps"].get<double>() << std::setw(7) << row["times_one"].get<double>()
            << std::setprecision(1) << '\n';
    return out.str() +
           "\ncycles are per packet that came in, inside pipelines and rings: the median over runs, minimum and "
           "95th percentile.\nAll output was checked.\n";
}

std::string text(const Json& lines) {
    std::ostringstream out;
    out << std::fixed << std::setprecision(1);
    for (const Json& line : lines)
        out << "A cache line takes " << line["alone"].get<double>() << " cycles from one CPU to the other, and "
            << line["streamed"].get<double>() << " when many are asked for together (IPv" << line["ip"].get<int>()
            << "'s runs).\n";
    return out.str();
}

}  // namespace

int run_pair(int argc, const char* const* argv) {
    const PairOptions options = parse_pair(argc, argv);
    if (options.help) {
        std::ostringstream text;
        text << "viaduct-bench pair: two workers on two CPUs that hand packets over, beside one\n\n" << pair_options();
        std::fputs(text.str().c_str(), stdout);
        return 0;
    }
    const std::vector<unsigned> cpus = allowed_cpus();
    if (cpus.size() < 2) throw std::runtime_error("two workers take two CPUs, and this process may use one");
    const Eal eal(
        {.hugepages = options.hugepages && hugepages_suffice(), .pci_devices = {}, .control_cpu = cpus.front()});
    Machine machine = this_machine();
    machine.tsc_hz = rte_get_tsc_hz();
    const std::array<unsigned, 2> two{cpus[cpus.size() - 1], cpus[cpus.size() - 2]};
    const std::array<Measured, 2> families{measure<Ipv4>(options, two, static_cast<double>(machine.tsc_hz)),
                                           measure<Ipv6>(options, two, static_cast<double>(machine.tsc_hz))};
    Json rows = Json::array(), lines = Json::array();
    for (const Measured& family : families) {
        for (const Json& row : family.rows) rows.push_back(row);
        lines.push_back(
            {{"ip", family.rows[0]["ip"]}, {"alone", family.line.alone}, {"streamed", family.line.streamed}});
    }
    std::printf("%s%s", table(rows).c_str(), text(lines).c_str());
    if (options.json.empty()) return 0;
    const Json all = {{"machine", json(machine)}, {"flows", options.flows}, {"results", rows}, {"line_cycles", lines}};
    std::ofstream file(options.json);
    if (!(file << all.dump(2) << '\n' << std::flush)) throw std::runtime_error("cannot write " + options.json);
    return 0;
}

}  // namespace viaduct
