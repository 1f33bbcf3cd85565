// One row of figures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/workload.h"
#include "encap/packet.h"

namespace viaduct {

/// Over the runs of a row.
struct Summary {
    double min = 0, median = 0, p95 = 0;
};
/// The percentile is the nearest rank's. All 0 without samples.
[[nodiscard]] Summary summarize(std::vector<double> samples);

struct Result {
    Workload workload{};
    Family ip{}, outer{};
    std::uint32_t flows = 0;
    unsigned burst = 0;
    unsigned size = 0;              // of the plain frame, FCS included
    Summary cycles{};               // per packet
    Summary null_cycles{};          // the same without a pipeline
    unsigned runs = 0;              // that count
    unsigned discarded = 0;         // runs that a hypervisor took CPU time from
    std::uint64_t preemptions = 0;  // in the runs that count
};

/// "service IPv4 over IPv4, 64512 flows, bursts of 32"
[[nodiscard]] std::string describe(const Result& row);

}  // namespace viaduct
