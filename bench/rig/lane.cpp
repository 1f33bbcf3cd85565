// Judging what came out.
#include "bench/rig/lane.h"

#include <algorithm>

#include "bench/verify.h"

namespace viaduct::rig {

template <Address A>
Lane<A>::Lane(const Site& site, Side from, std::vector<Flow<A>> flows, std::vector<Flow<A>> expected)
    : site_(&site),
      from_(from),
      to_services_(expected.empty()),
      maker_(site, from == Side::underlay),
      flows_(std::move(flows)),
      expected_(std::move(expected)) {
    if (to_services_) expected_.resize(flows_.size());
    begin_trial();
}

template <Address A>
void Lane<A>::fault(Verdicts& verdicts, const std::string& what) {
    if (verdicts.wrong++ == 0) verdicts.first_fault = what;
}

template <Address A>
bool Lane<A>::judge(const Seen<A>& seen, std::uint16_t trial, Verdicts& verdicts) {
    if (seen.background) return false;
    if (seen.fault != nullptr) return fault(verdicts, seen.fault), false;
    if (seen.stamp.trial != trial) return false;  // late, of a trial before
    const std::uint32_t flow = seen.stamp.flow, number = seen.stamp.number;
    if (flow >= flows_.size()) return fault(verdicts, "a stamp that was never sent"), false;
    if (seen.flow != expected_[flow] && !learn(flows_[flow], expected_[flow], seen.flow, verdicts)) return false;
    ++verdicts.right;
    if (number == last_[flow]) ++verdicts.duplicated;
    if (number < last_[flow]) ++verdicts.reordered;
    last_[flow] = std::max(last_[flow], number);
    return true;
}

/// The backend that churn takes away from this flow's Service: always the first.
template <Address A>
A Lane<A>::churned(const Flow<A>& received) const noexcept {
    return site_->pod<A>(World::service_number(received.destination) * site_->backends_per_service()).address;
}

/// Throws nothing: a wrong choice is a fault like others.
template <Address A>
bool Lane<A>::learn(const Flow<A>& received, Flow<A>& expected, const Flow<A>& emitted, Verdicts& verdicts) try {
    if (!to_services_) check_flow(expected, emitted);
    check_choice(*site_, received, emitted);
    // A connection that expired and began again may keep its backend.
    if (expected != Flow<A>{} && expected.destination != emitted.destination)
        ++(expected.destination == churned(received) ? verdicts.moved : verdicts.broken);
    expected = emitted;
    return true;
} catch (const WrongOutput& error) {
    fault(verdicts, error.what());
    return false;
}

template <Address A>
std::uint32_t Lane<A>::unknown() const noexcept {
    return static_cast<std::uint32_t>(std::count(expected_.begin(), expected_.end(), Flow<A>{}));
}

template <Address A>
Lane<A> Lane<A>::answers() const {
    std::vector<Flow<A>> sent, wanted;
    for (std::size_t i = 0; i < flows_.size(); ++i) {
        sent.push_back(expected_[i].mirrored());
        wanted.push_back(flows_[i].mirrored());
        wanted.back().peer = no_peer;
    }
    return Lane(*site_, opposite(from_), std::move(sent), std::move(wanted));
}

template class Lane<Ipv4>;
template class Lane<Ipv6>;

}  // namespace viaduct::rig
