// viaduct-bench: what the pipeline costs per packet, with its output verified.
#include <rte_cycles.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include "bench/churn.h"
#include "bench/machine.h"
#include "bench/measure.h"
#include "bench/pair.h"
#include "bench/report.h"
#include "bench/rig/rig.h"
#include "bench/verify.h"
#include "dataplane/eal.h"

namespace viaduct {
namespace {

constexpr int failed = 1, misused = 2;

std::ofstream open_for_writing(const std::string& file) {
    std::ofstream out;
    if (file.empty()) return out;
    out.open(file);
    if (!out) throw std::runtime_error("cannot write " + file);
    return out;
}

int run(const Options& options) {
    std::ofstream file = open_for_writing(options.json);  // now, not after minutes
    const std::vector<unsigned> cpus = allowed_cpus();
    const unsigned cpu = cpus.back();  // the first ones have the machine's own work
    const Eal eal({.hugepages = options.hugepages && hugepages_suffice(), .pci_devices = {}, .control_cpu = cpu});
    Machine machine = this_machine();
    machine.tsc_hz = rte_get_tsc_hz();
    stay_on(cpu);
    const std::vector<Result> results = measure(options, machine.tsc_hz, cpu);
    std::fputs(table(machine, options, results).c_str(), stdout);
    if (file.is_open()) file << json(machine, options, results) << std::flush;
    if (file.is_open() && !file) throw std::runtime_error("cannot write " + options.json);
    const auto unmeasured = [](const Result& row) { return row.runs == 0; };
    if (std::any_of(results.begin(), results.end(), unmeasured))
        throw std::runtime_error("rows without a run: the hypervisor took CPU time from every one; try a quieter time");
    return 0;
}

int begin(int argc, char** argv) {
    if (argc > 1 && argv[1] == std::string_view("rig")) return rig::run(argc - 1, argv + 1);
    if (argc > 1 && argv[1] == std::string_view("churn")) return run_churn(argc - 1, argv + 1);
    if (argc > 1 && argv[1] == std::string_view("pair")) return run_pair(argc - 1, argv + 1);
    const Options options = parse_options(argc, argv);
    if (options.action == Options::Action::measure) return run(options);
    std::fputs((options.action == Options::Action::help ? help_text() : workload_list()).c_str(), stdout);
    return 0;
}

}  // namespace
}  // namespace viaduct

int main(int argc, char** argv) try { return viaduct::begin(argc, argv); } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "viaduct-bench: %s\nviaduct-bench --help tells more\n", error.what());
    return viaduct::misused;
} catch (const std::exception& error) {
    std::fprintf(stderr, "viaduct-bench: %s\n", error.what());
    return viaduct::failed;
}
