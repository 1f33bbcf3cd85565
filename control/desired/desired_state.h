// From objects, configuration and the kernel's view to desired state: one pure function.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "control/config.h"
#include "control/kernel/kernel_state.h"
#include "control/objects/objects.h"
#include "control/status.h"
#include "control/writers/address_pool.h"
#include "tables/desired.h"
#include "tables/gateway_view.h"

namespace viaduct {

/// A source's objects and the network that they belong to.
struct SourceObjects {
    std::string network;
    const Objects* objects = nullptr;
};

struct DesiredInput {
    const Config& config;
    std::span<const SourceObjects> sources;  // in the order of the configuration: the first keeps what two claim
    const KernelState& kernel;
    std::span<const PortFacts> ports;
    /// What is in force. Only who holds a pod subnet already, and which MAC addresses were ours, is taken from it.
    const DesiredState* previous = nullptr;
    /// Load-balancer addresses of the Services that the pools serve; the others' are those of their statuses.
    const Assignments* assigned = nullptr;
};

struct DesiredOutput {
    DesiredState state;
    std::vector<Finding> findings;
};

[[nodiscard]] DesiredOutput desired_state(const DesiredInput& input);

/// The same function, which remembers its last input: it costs what has changed since. Objects that are equal by
/// pointer have not.
class DesiredStateKeeper {
public:
    DesiredStateKeeper();
    ~DesiredStateKeeper();

    /// The configuration, and which sources there are, stay what they are from one call to the next.
    [[nodiscard]] const DesiredState& update(const DesiredInput& input);
    [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
    /// Grows when the findings may have changed.
    [[nodiscard]] std::uint64_t findings_revision() const { return findings_revision_; }
    /// EndpointSlices that came with the last update, or whose last change came with it.
    [[nodiscard]] const std::vector<Shared<EndpointSlice>>& fresh_slices() const;

private:
    class Memory;
    void take_findings();

    std::unique_ptr<Memory> memory_;
    DesiredState state_;
    std::vector<Finding> network_findings_, findings_;
    std::uint64_t findings_revision_ = 0;
};

}  // namespace viaduct
