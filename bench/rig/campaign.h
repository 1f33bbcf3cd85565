// All tests of one case: a workload, a frame size, a number of flows.
#pragma once

#include <memory>

#include "bench/rig/cluster.h"
#include "bench/rig/gateway.h"
#include "bench/rig/generator.h"
#include "bench/rig/live_line.h"
#include "bench/rig/options.h"
#include "bench/rig/results.h"
#include "bench/rig/search.h"

namespace viaduct::rig {

/// What the tests work with. `gateway` and `files` may be missing.
struct Bench {
    const RigOptions& options;
    const World& world;
    Ports ports;
    const Pool& buffers;
    const Gateway* gateway = nullptr;
    const ClusterFiles* files = nullptr;
    double tsc_hz = 0;
};

template <Address A>
class Campaign {
public:
    explicit Campaign(const Bench& bench);
    /// Throws WrongOutput when a frame came back that is not as it must be.
    [[nodiscard]] Case run(Workload workload, const FrameSizes& sizes, std::uint32_t flows);

private:
    void prepare(Workload workload, const FrameSizes& sizes, std::uint32_t flows);
    void fill(Lane<A>& lane, std::uint32_t active);
    void begin(const std::string& test);
    Trial trial(const Load& load, bool moves_allowed = false);
    [[nodiscard]] GatewayCounts counts() const {
        return bench_.gateway != nullptr ? bench_.gateway->counts() : GatewayCounts{};
    }

    void overload(Case& one);
    void search(Case& one);
    void latency(Case& one);
    void loss(Case& one);
    void burst(Case& one);
    void reconfigure(Case& one);
    void soak(Case& one);
    void by_flows(Case& one, Workload workload, const FrameSizes& sizes);
    [[nodiscard]] bool lossless(std::uint64_t frames);

    const Bench& bench_;
    Generator<A> generator_;
    LiveLine line_;
    std::string what_;
    std::vector<std::unique_ptr<Lane<A>>> lanes_;
    std::vector<std::uint32_t> order_;
    typename Generator<A>::Traffic traffic_;
    std::uint64_t checked_ = 0, reordered_ = 0, duplicated_ = 0;
};

extern template class Campaign<Ipv4>;
extern template class Campaign<Ipv6>;

}  // namespace viaduct::rig
