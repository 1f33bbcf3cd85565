// The kernel's part of desired state: ports with their addresses, routes that leave by them, neighbours on them.
#pragma once

#include <span>
#include <vector>

#include "control/config.h"
#include "control/kernel/kernel_state.h"
#include "tables/desired.h"
#include "tables/gateway_view.h"

namespace viaduct {

[[nodiscard]] std::vector<DesiredPort> desired_ports(const Config& config, std::span<const PortFacts> ports,
                                                     const KernelState& kernel);
/// Routes inside a cluster CIDR count only when they leave by one of our ports: pods are the peers' business.
[[nodiscard]] std::vector<DesiredRoute> desired_routes(std::span<const PortFacts> ports, const KernelState& kernel,
                                                       std::span<const DesiredNetwork> networks);
[[nodiscard]] std::vector<DesiredNeighbour> desired_neighbours(std::span<const PortFacts> ports,
                                                               const KernelState& kernel);

/// The position of a network of the configuration, `none` for an unknown name; "" is the first.
[[nodiscard]] NetworkId network_named(const Config& config, const std::string& name);
/// The port that shares this kernel interface's identity; never a host port.
[[nodiscard]] PortId port_of_interface(std::span<const PortFacts> ports, unsigned interface);

/// The host port whose TAP has this name, or `none`.
[[nodiscard]] PortId host_port_named(std::span<const PortFacts> ports, const std::string& interface);

}  // namespace viaduct
