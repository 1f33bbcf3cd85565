// Which CPU every thread runs on, chosen from those that this process may use.
#pragma once

#include <vector>

namespace viaduct {

struct Placement {
    std::vector<unsigned> workers;  // one CPU for each
    std::vector<unsigned> control;  // all others; those of the workers when there are no others
};

/// `wanted` CPUs, or none for any of `allowed`; `workers` of them, or 0 for one worker per wanted CPU, or per allowed
/// CPU but the first. More workers than CPUs share them in turn. Throws std::invalid_argument, naming the remedy.
[[nodiscard]] Placement place(const std::vector<unsigned>& allowed, const std::vector<unsigned>& wanted,
                              unsigned workers);

/// Keeps the calling thread, and the threads that it starts, to these CPUs.
void run_on(const std::vector<unsigned>& cpus);

}  // namespace viaduct
