// The command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/harness.h"
#include "bench/workload.h"

namespace viaduct {

inline constexpr unsigned fcs = 4;  // bytes that a frame's size counts and memory has not

struct Options {
    enum class Action : std::uint8_t { measure, help, list };
    Action action = Action::measure;
    std::vector<Workload> workloads;
    std::vector<std::uint32_t> flows;
    std::vector<unsigned> bursts;
    std::vector<Family> inner, outer;
    unsigned runs = 0;
    double seconds = 0;  // of timed work in each run, at least
    unsigned size = 0;   // bytes on the wire, FCS included; 0: the smallest frames
    Cache cache{};
    bool nic_checksums = false;  // frames come as from a NIC that has verified their UDP and TCP checksums
    std::uint64_t seed = 0;
    std::string json;       // a file; empty: none
    bool hugepages = true;  // when there are enough
    bool quick = false;     // one lap a run in a small cluster: the figures mean nothing
};

/// Throws std::invalid_argument with a text that names the option and what it may be.
[[nodiscard]] Options parse_options(int argc, const char* const* argv);
[[nodiscard]] std::string help_text();
[[nodiscard]] std::string workload_list();

}  // namespace viaduct
