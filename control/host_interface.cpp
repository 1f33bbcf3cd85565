// What the kernel must know of a network's host TAP.
#include "control/host_interface.h"

#include <algorithm>
#include <set>

namespace viaduct {

namespace {

/// The address that the host's own packets to this prefix come from.
std::optional<IpAddress> source_for(const HostInterface& interface, const IpPrefix& prefix) {
    for (const IpAddress& address : interface.addresses)
        if (address.is_v4() == prefix.is_v4()) return address;
    return {};
}

/// The kernel has one table for all networks: what two of them have is the first one's.
class KernelSieve {
public:
    void pass(HostInterface& interface) {
        drop_taken(interface.addresses, addresses_);
        std::erase_if(interface.routes, [&](const IpPrefix& route) { return !source_for(interface, route); });
        drop_taken(interface.routes, routes_);
    }

private:
    template <class T>
    static void drop_taken(std::vector<T>& wanted, std::set<T>& taken) {
        std::erase_if(wanted, [&](const T& one) { return !taken.insert(one).second; });
    }

    std::set<IpAddress> addresses_;
    std::set<IpPrefix> routes_;
};

bool has_address(const KernelState& kernel, unsigned interface, const IpAddress& address) {
    return std::ranges::any_of(kernel.addresses, [&](const KernelAddress& one) {
        return one.interface == interface && one.address == address;
    });
}

bool has_route(const KernelState& kernel, unsigned interface, const IpPrefix& prefix) {
    return std::ranges::any_of(kernel.routes, [&](const KernelRoute& one) {
        return one.interface == interface && one.prefix == prefix && one.type == KernelRoute::Type::unicast;
    });
}

}  // namespace

std::vector<HostInterface> host_interfaces(const DesiredState& state, std::span<const PortFacts> ports) {
    std::vector<HostInterface> interfaces;
    KernelSieve sieve;
    for (const DesiredNetwork& network : state.networks) {
        const auto port = static_cast<std::size_t>(network.host_port);
        if (network.host_port == PortId::none || port >= ports.size() || ports[port].interface_index == 0) continue;
        HostInterface interface {
            ports[port].interface_index, network.mtu, {}, {}
        };
        if (network.pod_subnet_v4) interface.addresses.emplace_back(network.pod_subnet_v4->address);
        if (network.pod_subnet_v6) interface.addresses.emplace_back(network.pod_subnet_v6->address);
        interface.routes = network.cluster_cidrs;
        // Without an address of our own in a family, a pod could not answer the host.
        sieve.pass(interface);
        interfaces.push_back(std::move(interface));
    }
    return interfaces;
}

void configure(const HostInterface& interface, const KernelState& kernel, KernelChanges& changes) {
    const KernelInterface* now = kernel.interface_of(interface.index);
    if (now == nullptr) return;
    if (now->mtu != interface.mtu) changes.set_mtu(interface.index, interface.mtu);
    if (!now->up) changes.set_link_up(interface.index);
    for (const IpAddress& address : interface.addresses)
        if (!has_address(kernel, interface.index, address))
            changes.add_address(interface.index, address, address.bits());
    for (const IpPrefix& route : interface.routes)
        if (!has_route(kernel, interface.index, route))
            changes.replace_route(route, interface.index, source_for(interface, route));
}

}  // namespace viaduct
