// Keeps the kernel's neighbours alive for traffic that the kernel does not see.
#include "control/neighbour_keeper.h"

#include <set>

namespace viaduct {

namespace {

void resolve(PortId port, const IpAddress& address, std::span<const PortFacts> ports, KernelWatcher& kernel) {
    const auto index = static_cast<std::size_t>(port);
    if (index < ports.size() && ports[index].interface_index != 0)
        kernel.resolve(ports[index].interface_index, address);
}

}  // namespace

void NeighbourKeeper::ask(std::span<const std::pair<PortId, IpAddress>> wanted, std::span<const PortFacts> ports,
                          KernelWatcher& kernel) {
    std::set<std::pair<PortId, IpAddress>> asked;  // several workers may miss the same one
    for (const auto& one : wanted)
        if (asked.insert(one).second) resolve(one.first, one.second, ports, kernel);
}

void NeighbourKeeper::confirm(const Snapshot& now, std::span<const PortFacts> ports, KernelWatcher& kernel) {
    ++round_;
    for (const NextHop& hop : now.next_hops)
        if (!hop.resolved && round_ % rounds_unresolved == 1) resolve(hop.port, hop.address, ports, kernel);
    if (now.version == 0) return;
    const std::vector<DesiredNeighbour>& all = now.desired().neighbours;
    for (std::size_t i = round_ % rounds; i < all.size(); i += rounds)
        resolve(all[i].port, all[i].address, ports, kernel);
}

}  // namespace viaduct
