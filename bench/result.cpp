// Statistics of a row, and its name.
#include "bench/result.h"

#include <algorithm>
#include <cmath>

namespace viaduct {

Summary summarize(std::vector<double> samples) {
    if (samples.empty()) return {};
    std::sort(samples.begin(), samples.end());
    const std::size_t count = samples.size();
    const double middle = (samples[(count - 1) / 2] + samples[count / 2]) / 2;
    const auto rank = static_cast<std::size_t>(std::ceil(0.95 * static_cast<double>(count)));
    return {samples.front(), middle, samples[rank - 1]};
}

std::string describe(const Result& row) {
    const auto family = [](Family f) { return f == Family::v4 ? "IPv4" : "IPv6"; };
    return std::string(name(row.workload)) + " " + family(row.ip) + " over " + family(row.outer) + ", " +
           std::to_string(row.flows) + " flows, bursts of " + std::to_string(row.burst);
}

}  // namespace viaduct
