// What the kernel must know of a network's host TAP so that processes of this host reach its pods, as flannel's
// device does on a node: the pod subnet's first address, and the cluster's networks by this interface.
#pragma once

#include <span>
#include <vector>

#include "control/kernel/kernel_changes.h"
#include "control/kernel/kernel_state.h"
#include "tables/desired.h"
#include "tables/gateway_view.h"

namespace viaduct {

struct HostInterface {
    unsigned index = 0;  // the kernel's
    std::uint16_t mtu = 0;
    std::vector<IpAddress> addresses;  // each a /32 or /128
    std::vector<IpPrefix> routes;
    bool operator==(const HostInterface&) const = default;
};

[[nodiscard]] std::vector<HostInterface> host_interfaces(const DesiredState& state, std::span<const PortFacts> ports);

/// Adds what `kernel` lacks. Throws NetlinkError.
void configure(const HostInterface& interface, const KernelState& kernel, KernelChanges& changes);

}  // namespace viaduct
