// Reading /proc before and after.
#include "bench/rig/disturbance.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "bench/machine.h"

namespace viaduct::rig {
namespace {

const std::filesystem::path own_time = "/proc/thread-self/schedstat";

double most_grown(const std::vector<double>& before, const std::vector<double>& after) {
    double most = 0;
    for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) most = std::max(most, after[i] - before[i]);
    return most;
}

}  // namespace

Disturbance::Excess Disturbance::excesses() const noexcept {
    if (lasted <= 0) return {};
    return {generator / (generator_may * lasted), workers / (others_may * lasted), stolen / (others_may * lasted)};
}

double Disturbance::excess() const noexcept {
    const Excess all = excesses();
    return std::max({all.generator, all.workers, all.stolen});
}

std::string Disturbance::text() const {
    const Excess all = excesses();
    char text[96];
    if (all.workers >= std::max(all.generator, all.stolen))
        std::snprintf(text, sizeof text, "a worker of the gateway waited %.1f ms for its CPU", 1e3 * workers);
    else if (all.generator >= all.stolen)
        std::snprintf(text, sizeof text, "the generator was kept from its CPU for %.1f ms", 1e3 * generator);
    else
        std::snprintf(text, sizeof text, "a hypervisor took %.0f ms of a CPU", 1e3 * stolen);
    return text;
}

Watch::Watch(std::vector<std::filesystem::path> workers, std::vector<unsigned> cpus)
    : workers_(std::move(workers)), cpus_(std::move(cpus)), before_(account()) {}

Watch::Account Watch::account() const {
    static const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
    Account now{.generator = thread_time(own_time).waited};
    for (const auto& worker : workers_) now.workers.push_back(thread_time(worker).waited);
    for (const unsigned cpu : cpus_) now.stolen.push_back(static_cast<double>(ticks_of(cpu).stolen) * tick);
    return now;
}

void Watch::begin() { before_ = account(); }

Disturbance Watch::end(double lasted, double stood_still) const {
    const Account after = account();
    return {lasted, std::max(stood_still, after.generator - before_.generator),
            most_grown(before_.workers, after.workers), most_grown(before_.stolen, after.stolen)};
}

std::vector<std::filesystem::path> worker_threads(pid_t gateway) {
    std::vector<std::filesystem::path> files;
    std::error_code none;
    const std::filesystem::path tasks = "/proc/" + std::to_string(gateway) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks, none)) {
        std::string name;
        std::ifstream(task.path() / "comm") >> name;
        if (name.starts_with("worker-")) files.push_back(task.path() / "schedstat");
    }
    return files;
}

ThreadTime thread_time(const std::filesystem::path& file) {
    std::uint64_t ran = 0, waited = 0;  // ns
    std::ifstream(file) >> ran >> waited;
    return {static_cast<double>(ran) / 1e9, static_cast<double>(waited) / 1e9};
}

}  // namespace viaduct::rig
