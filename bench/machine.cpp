// Reading /proc.
#include "bench/machine.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "bench/build_facts.h"
#include "dataplane/eal.h"

namespace viaduct {
namespace {

/// The first line of this file that begins with `key`, without it and without a colon; empty when there is none.
std::string line_of(const char* file, const std::string& key) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (line.rfind(key, 0) != 0) continue;
        const auto value = line.find_first_not_of(" \t:", key.size());
        return value == std::string::npos ? "" : line.substr(value);
    }
    return {};
}

std::uint64_t number_of(const char* file, const std::string& key) {
    std::uint64_t number = 0;
    std::istringstream(line_of(file, key)) >> number;
    return number;
}

constexpr const char* meminfo = "/proc/meminfo";
constexpr std::uint64_t kib = 1024;

std::string hugepages() {
    const std::uint64_t total = number_of(meminfo, "HugePages_Total");
    if (total == 0) return "none";
    return std::to_string(total) + " of " + line_of(meminfo, "Hugepagesize");
}

}  // namespace

Machine this_machine() {
    utsname system{};
    uname(&system);
    Machine machine;
    machine.cpu = line_of("/proc/cpuinfo", "model name");
    machine.cores = static_cast<unsigned>(allowed_cpus().size());
    machine.kernel = system.release;
    machine.hugepages = hugepages();
    machine.compiler = VIADUCT_COMPILER;
    machine.flags = VIADUCT_FLAGS;
    machine.commit = VIADUCT_COMMIT;
    return machine;
}

nlohmann::ordered_json json(const Machine& machine) {
    return {{"cpu", machine.cpu},       {"cores", machine.cores},         {"tsc_hz", machine.tsc_hz},
            {"kernel", machine.kernel}, {"hugepages", machine.hugepages}, {"compiler", machine.compiler},
            {"flags", machine.flags},   {"commit", machine.commit}};
}

std::uint64_t available_memory() { return number_of(meminfo, "MemAvailable") * kib; }

std::uint64_t free_hugepages() {
    return number_of(meminfo, "HugePages_Free") * number_of(meminfo, "Hugepagesize") * kib;
}

bool hugepages_suffice() { return free_hugepages() >= std::uint64_t{128} << 20U; }

void stay_on(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) throw std::system_error(errno, std::generic_category(), "CPU");
}

CpuTicks ticks_of(unsigned cpu) {
    // user nice system idle iowait irq softirq steal; guest time is in user's (proc(5))
    std::istringstream line(line_of("/proc/stat", "cpu" + std::to_string(cpu) + " "));
    CpuTicks ticks;
    for (unsigned field = 0; field < 8 && line >> ticks.stolen; ++field) ticks.all += ticks.stolen;
    return ticks;
}

std::uint64_t preemptions() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return static_cast<std::uint64_t>(usage.ru_nivcsw);
}

}  // namespace viaduct
