// All tests of one case: a workload, a frame size, a number of flows.
#pragma once

#include <memory>

#include "bench/rig/search.h"
#include "bench/rig/trials.h"

namespace viaduct::rig {

template <Address A>
class Campaign {
public:
    explicit Campaign(const Bench& bench) : bench_(bench), trials_(bench) {}
    /// Throws WrongOutput when a frame came back that is not as it must be.
    [[nodiscard]] Case run(Workload workload, const FrameSizes& sizes, std::uint32_t flows);

private:
    void prepare(Workload workload, const FrameSizes& sizes, std::uint32_t flows);
    void fill(Lane<A>& lane, std::uint32_t active);

    void overload(Case& one);
    void search(Case& one);
    void latency(Case& one);
    void loss(Case& one);
    void burst(Case& one);
    void wait_for_changes();
    void reconfigure(Case& one);
    void soak(Case& one);
    void by_flows(Case& one, Workload workload, const FrameSizes& sizes);
    [[nodiscard]] LossPoint loss_at(double load);
    [[nodiscard]] bool lossless(std::uint64_t frames);

    const Bench& bench_;
    Trials<A> trials_;
    std::string what_;
    double heaviest_ = 0;  // load that the generator could offer, frames per second
    std::vector<std::unique_ptr<Lane<A>>> lanes_;
    std::vector<std::uint32_t> order_;
};

extern template class Campaign<Ipv4>;
extern template class Campaign<Ipv6>;

}  // namespace viaduct::rig
