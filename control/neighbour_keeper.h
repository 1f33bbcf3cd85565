// Keeps the kernel's neighbours (ARP, ND) alive for traffic that the kernel does not see.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "control/kernel/kernel_watcher.h"
#include "tables/gateway_view.h"

namespace viaduct {

/// Control thread only.
class NeighbourKeeper {
public:
    /// Asks for what workers miss.
    void ask(std::span<const std::pair<PortId, IpAddress>> wanted, std::span<const PortFacts> ports,
             KernelWatcher& kernel);
    /// Once a second: asks for next hops that are unresolved, and confirms resolved neighbours in turn, each about
    /// every `rounds` seconds. Left alone, the kernel would keep a dead neighbour's address as stale for ever.
    void confirm(const Snapshot& now, std::span<const PortFacts> ports, KernelWatcher& kernel);

private:
    static constexpr unsigned rounds = 30, rounds_unresolved = 5;
    unsigned round_ = 0;
};

}  // namespace viaduct
