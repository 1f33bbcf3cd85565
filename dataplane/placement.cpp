// Places workers and the control thread on CPUs.
#include "dataplane/placement.h"

#include <sched.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "lb/snat.h"

namespace viaduct {
namespace {

std::string list(const std::vector<unsigned>& cpus) {
    std::string text;
    for (const unsigned cpu : cpus) text += (text.empty() ? "" : ",") + std::to_string(cpu);
    return text;
}

bool has(const std::vector<unsigned>& cpus, unsigned cpu) { return std::ranges::find(cpus, cpu) != cpus.end(); }

}  // namespace

Placement place(const std::vector<unsigned>& allowed, const std::vector<unsigned>& wanted, unsigned workers) {
    for (const unsigned cpu : wanted)
        if (!has(allowed, cpu))
            throw std::invalid_argument("cpus: this process may not run on CPU " + std::to_string(cpu) +
                                        "; choose from " + list(allowed));
    std::vector<unsigned> candidates = wanted;
    if (candidates.empty()) {
        // The first CPU, where Linux likes to put everything else, is the last to be taken.
        candidates = allowed;
        std::rotate(candidates.begin(), candidates.begin() + 1, candidates.end());
        if (workers == 0 && candidates.size() > 1) candidates.pop_back();
    }
    const std::size_t count = workers == 0 ? std::min(candidates.size(), max_workers) : workers;
    if (count > max_workers)
        throw std::invalid_argument("workers: at most " + std::to_string(max_workers) + " are possible");

    Placement placement;
    for (std::size_t i = 0; i < count; ++i) placement.workers.push_back(candidates[i % candidates.size()]);
    for (const unsigned cpu : allowed)
        if (!has(placement.workers, cpu)) placement.control.push_back(cpu);
    if (placement.control.empty()) placement.control = allowed;
    return placement;
}

void run_on(const std::vector<unsigned>& cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const unsigned cpu : cpus) CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

}  // namespace viaduct
