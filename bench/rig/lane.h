// One direction of the traffic: which flows are sent where, and what must come of each.
#pragma once

#include <string>
#include <vector>

#include "bench/rig/frame.h"
#include "bench/rig/inspect.h"

namespace viaduct::rig {

/// Frames that came back, judged.
struct Verdicts {
    std::uint64_t right = 0;
    std::uint64_t wrong = 0;       // a fault, or not what its flow must become
    std::uint64_t moved = 0;       // flows that went on to another backend when theirs was taken away
    std::uint64_t broken = 0;      // flows that went on to another backend though theirs was there
    std::uint64_t reordered = 0;   // later than a younger one of the same flow
    std::uint64_t duplicated = 0;  // as the one before
    std::string first_fault{};
};

template <Address A>
class Lane {
public:
    /// What a flow must become is `expected`; empty: to a Service, so that the first frame tells and is checked.
    Lane(const Site& site, Side from, std::vector<Flow<A>> flows, std::vector<Flow<A>> expected);

    [[nodiscard]] Side from() const noexcept { return from_; }
    [[nodiscard]] std::uint32_t flows() const noexcept { return static_cast<std::uint32_t>(flows_.size()); }
    void write(rte_mbuf& mbuf, std::uint32_t flow, unsigned size, const Stamp& stamp) const noexcept {
        maker_.write(mbuf, flows_[flow], size, stamp);
    }
    /// Judges a frame that came out of the other side. False: none of this trial's, or wrong.
    bool judge(const Seen<A>& seen, std::uint16_t trial, Verdicts& verdicts);
    /// A flow that begins anew: what it becomes is not known any more.
    void forget(std::uint32_t flow) noexcept {
        if (to_services_) expected_[flow] = Flow<A>{};
    }
    [[nodiscard]] std::uint32_t unknown() const noexcept;
    /// The answers to this lane's flows. Only once all of them are known.
    [[nodiscard]] Lane answers() const;

    /// Where a flow's frames were numbered last: forgotten before every trial.
    void begin_trial() { last_.assign(flows_.size(), 0); }

private:
    void fault(Verdicts& verdicts, const std::string& what);
    [[nodiscard]] A churned(const Flow<A>& received) const noexcept;
    bool learn(const Flow<A>& received, Flow<A>& expected, const Flow<A>& emitted, Verdicts& verdicts);

    const Site* site_;
    Side from_;
    bool to_services_;
    FrameMaker<A> maker_;
    std::vector<Flow<A>> flows_, expected_;
    std::vector<std::uint32_t> last_;
};

extern template class Lane<Ipv4>;
extern template class Lane<Ipv6>;

}  // namespace viaduct::rig
