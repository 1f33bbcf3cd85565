// What the machine took from a trial: time in which the generator or the gateway's workers could not run.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace viaduct::rig {

/// All in seconds.
struct Disturbance {
    double lasted = 0;     // the trial, until its last frame was back
    double generator = 0;  // the generator waited for its CPU, or stood still
    double workers = 0;    // the gateway's workers waited for theirs: the one that waited longest
    double stolen = 0;     // a hypervisor took from one of these CPUs: the one it took most from

    // Shares of the trial's time. The generator does not catch up when it was held up, so that costs no frames, but
    // some of the load. While a worker waits the rings fill up, within half a millisecond at 4 Mpps.
    static constexpr double generator_may = 0.02, others_may = 0.005;

    [[nodiscard]] double longest() const noexcept { return std::max({generator, workers, stolen}); }
    /// The worst of them, as a multiple of what is tolerated.
    [[nodiscard]] double excess() const noexcept;
    /// It may have cost frames, whatever it did cost.
    [[nodiscard]] bool spoils() const noexcept { return excess() > 1; }
    /// Who was held up most, and for how long.
    [[nodiscard]] std::string text() const;

private:
    struct Excess {
        double generator, workers, stolen;
    };
    [[nodiscard]] Excess excesses() const noexcept;
};

/// Looks at the scheduler's account (/proc/PID/task/TID/schedstat) and at /proc/stat. Belongs to the generator's
/// thread.
class Watch {
public:
    /// `workers` are threads of the gateway, as worker_threads() finds them; none when it cannot be seen.
    Watch(std::vector<std::filesystem::path> workers, std::vector<unsigned> cpus);
    void begin();
    /// Since begin(). `stood_still`: what the generator noticed by itself, in seconds.
    [[nodiscard]] Disturbance end(double lasted, double stood_still) const;

private:
    struct Account {
        double generator = 0;
        std::vector<double> workers{}, stolen{};
    };
    [[nodiscard]] Account account() const;

    std::vector<std::filesystem::path> workers_;
    std::vector<unsigned> cpus_;
    Account before_;
};

/// The scheduler's files of a running gateway's workers. Empty when there is no such process within sight.
[[nodiscard]] std::vector<std::filesystem::path> worker_threads(pid_t gateway);

/// Of one thread, by its scheduler's file.
struct ThreadTime {
    double ran = 0, waited = 0;  // seconds
};
[[nodiscard]] ThreadTime thread_time(const std::filesystem::path& file);

}  // namespace viaduct::rig
