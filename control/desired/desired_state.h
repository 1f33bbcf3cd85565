// From objects, configuration and the kernel's view to desired state: one pure function.
#pragma once

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

}  // namespace viaduct
