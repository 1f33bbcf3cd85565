// The machine that figures belong to, and whether it was ours while they were taken.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace viaduct {

struct Machine {
    std::string cpu;
    unsigned cores = 0;  // that this process may use
    std::uint64_t tsc_hz = 0;
    std::string kernel;
    std::string hugepages;  // how many of which size, or "none"
    std::string compiler, flags, commit;
};

/// All but `tsc_hz`, which is EAL's to say.
[[nodiscard]] Machine this_machine();
/// As every report's JSON tells it.
[[nodiscard]] nlohmann::ordered_json json(const Machine& machine);

/// Bytes that can be allocated without swapping.
[[nodiscard]] std::uint64_t available_memory();
/// Bytes of free huge pages.
[[nodiscard]] std::uint64_t free_hugepages();
/// There are enough of them for the packet buffers of a pipeline without ports.
[[nodiscard]] bool hugepages_suffice();

/// The calling thread stays on this CPU from now on. Throws std::system_error.
void stay_on(unsigned cpu);

/// What /proc/stat says of one CPU, in its ticks.
struct CpuTicks {
    std::uint64_t all = 0, stolen = 0;
};
[[nodiscard]] CpuTicks ticks_of(unsigned cpu);

/// How often the calling thread had to give up its CPU.
[[nodiscard]] std::uint64_t preemptions();

}  // namespace viaduct
