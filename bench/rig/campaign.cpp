// A case from its first flows to its last test. The tests' loads follow from the search.
#include "bench/rig/campaign.h"

#include <algorithm>
#include <stdexcept>

#include "bench/rig/campaign_parts.h"
#include "bench/rig/flow_order.h"

namespace viaduct::rig {
namespace {

constexpr double fill_rate = 400'000;  // frames per second
constexpr unsigned fill_rounds = 8;
constexpr double universe_seconds = 60;         // new flows come back after so long
constexpr std::size_t skewed_order = 1U << 20;  // draws

}  // namespace

template <Address A>
void Campaign<A>::prepare(Workload workload, const FrameSizes& sizes, std::uint32_t flows) {
    const RigOptions& options = bench_.options;
    const bool to_services = workload != Workload::encap && workload != Workload::decap;
    const auto more = static_cast<std::uint32_t>(options.new_flows * universe_seconds);
    std::vector<Flow<A>> sent = make_flows<A>(bench_.site, to_services ? Destination::services : Destination::pods,
                                              std::min(flows + more, max_flows), options.seed);
    std::vector<Flow<A>> expected;
    if (!to_services) expected = sent;
    if (workload == Workload::decap)
        for (std::size_t i = 0; i < sent.size(); ++i) {
            sent[i] = expected[i] = sent[i].mirrored();
            expected[i].peer = no_peer;
        }
    const Side from = workload == Workload::decap ? Side::underlay : Side::outside;
    lanes_.clear();
    lanes_.push_back(std::make_unique<Lane<A>>(bench_.site, from, std::move(sent), std::move(expected)));
    order_ = flow_order(flows, options.skew, options.skew == 0 ? flows : std::max<std::size_t>(flows, skewed_order),
                        options.seed);
    trials_.use({{lanes_[0].get()}, &sizes, &order_, flows, options.check_sums_of});
    if (to_services) fill(*lanes_[0], flows);
    if (workload == Workload::reply || workload == Workload::exchange) {
        lanes_.push_back(std::make_unique<Lane<A>>(lanes_[0]->answers()));
        trials_.traffic().lanes = {lanes_[1].get()};
        if (workload == Workload::exchange) trials_.traffic().lanes = {lanes_[0].get(), lanes_[1].get()};
    }
}

/// Every flow once, until all of them have come back.
template <Address A>
void Campaign<A>::fill(Lane<A>& lane, std::uint32_t active) {
    const std::vector<std::uint32_t> once = flow_order(active, 0, active, 1);
    trials_.traffic().order = &once;
    const std::uint32_t others = lane.flows() - active;
    for (unsigned round = 0; round < fill_rounds && lane.unknown() > others; ++round)
        (void)trials_.once(
            {.rate = fill_rate / (round + 1), .seconds = 60, .frames = active, .patience = long_patience}, true);
    trials_.traffic().order = &order_;
    if (lane.unknown() > others)
        throw std::runtime_error(
            what_ + ": " + std::to_string(lane.unknown() - others) + " of " + std::to_string(active) +
            " flows to Services never came back; `viaductctl show drops` on the gateway tells why");
}

template <Address A>
Case Campaign<A>::run(Workload workload, const FrameSizes& sizes, std::uint32_t flows) {
    const RigOptions& options = bench_.options;
    what_ = std::string(text_of(workload).name) + ", " + (sizes.name() == "imix" ? "IMIX" : sizes.name() + " bytes") +
            ", " + std::to_string(flows) + (flows == 1 ? " flow" : " flows");
    trials_.begin_case(what_);
    heaviest_ = 0;
    Case one;
    one.workload = text_of(workload).name;
    one.direction = text_of(workload).direction;
    one.size = sizes.name();
    one.mean_size = sizes.mean();
    one.flows = flows;
    one.skew = options.skew;
    one.new_flows = options.new_flows;
    trials_.begin_test("flows begin");
    prepare(workload, sizes, flows);
    overload(one);
    if (one.overload.received == 0)
        throw std::runtime_error(what_ + ": not one frame came back; `viaductctl show drops` on the gateway tells why");
    search(one);
    const bool to_services = workload == Workload::service || workload == Workload::exchange;
    if (options.tests.latency) latency(one);
    if (options.tests.loss) loss(one);
    if (options.tests.burst) burst(one);
    if (options.tests.reconfigure && to_services && bench_.files != nullptr) {
        reconfigure(one);
        prepare(workload, sizes, flows);  // flows have moved
    }
    if (options.tests.soak) soak(one);
    if (options.tests.flows && &sizes == &options.sizes.front()) by_flows(one, workload, sizes);
    one.checked = trials_.count().checked;
    one.reordered = trials_.count().reordered;
    one.duplicated = trials_.count().duplicated;
    one.tally = trials_.tally();
    return one;
}

template class Campaign<Ipv4>;
template class Campaign<Ipv6>;

}  // namespace viaduct::rig
