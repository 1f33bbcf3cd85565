// From objects, configuration and the kernel's view to desired state.
#include "control/desired/desired_state.h"

#include <algorithm>

#include "control/desired/network_objects.h"
#include "control/desired/networks.h"
#include "control/desired/ports.h"
#include "control/desired/services.h"

namespace viaduct {

namespace {

std::vector<IpAddress> own_addresses(std::span<const DesiredPort> ports) {
    std::vector<IpAddress> addresses;
    for (const DesiredPort& port : ports)
        if (!port.host) addresses.insert(addresses.end(), port.addresses.begin(), port.addresses.end());
    return addresses;
}

Place place_of(const Config& config, const NetworkConfig& network, const NetworkObjects& objects) {
    const NodeObject* own = objects.node(network.node_name);
    const std::string zone = config.zone.empty() && own != nullptr ? own->zone : config.zone;
    return {network.node_name, zone, network.local_policy};
}

/// Whether tunnel packets that come to one address and port may be of either.
bool share_endpoint(const DesiredNetwork& a, const DesiredNetwork& b) {
    return a.udp_port == b.udp_port && ((a.vtep_v4 && a.vtep_v4 == b.vtep_v4) || (a.vtep_v6 && a.vtep_v6 == b.vtep_v6));
}

void check_endpoints(const std::vector<DesiredNetwork>& networks, std::vector<Finding>& findings) {
    for (std::size_t i = 0; i < networks.size(); ++i)
        for (std::size_t before = 0; before < i; ++before) {
            const DesiredNetwork &a = networks[before], &b = networks[i];
            const bool same = a.vni == b.vni || (a.any_vni && b.any_vni);
            if (!share_endpoint(a, b) || (!same && !a.any_vni && !b.any_vni)) continue;
            findings.push_back(
                {same ? Severity::error : Severity::warning, "network " + b.name,
                 same ? "its tunnel packets look like those of network " + a.name + ", which gets them"
                      : "with every VNI accepted, some of its packets may look like network " + a.name + "'s",
                 "give one of the two another vtep address or udp-port"});
        }
}

bool share_addresses(const DesiredNetwork& a, const DesiredNetwork& b) {
    SubnetClaims claims;
    for (const IpPrefix& one : a.cluster_cidrs) (void)claims.claim(one, a.name);
    return std::ranges::any_of(b.cluster_cidrs,
                               [&](const IpPrefix& one) { return claims.claim(one, b.name) == a.name; });
}

/// The host's kernel has one route for an address, whatever the networks.
void check_host_interfaces(const std::vector<DesiredNetwork>& networks, std::vector<Finding>& findings) {
    for (std::size_t i = 0; i < networks.size(); ++i)
        for (std::size_t before = 0; before < i; ++before) {
            const DesiredNetwork &a = networks[before], &b = networks[i];
            if (a.host_port != PortId::none && b.host_port != PortId::none && share_addresses(a, b))
                findings.push_back(
                    {Severity::warning, "network " + b.name,
                     "its pods have addresses of network " + a.name + "'s, to which this host's own packets go",
                     "set host-interface = none in one of the two"});
        }
}

}  // namespace

DesiredOutput desired_state(const DesiredInput& input) {
    DesiredOutput out;
    DesiredState& state = out.state;
    state.ports = desired_ports(input.config, input.ports, input.kernel);
    const std::vector<IpAddress> own = own_addresses(state.ports);
    ServiceMaker services(out.findings);
    for (const NetworkConfig& config : input.config.networks) {
        const auto id = static_cast<NetworkId>(state.networks.size());
        const NetworkObjects objects(config.name, input.sources, out.findings);
        NetworkOutput made =
            desired_network({config, id, objects, state.ports, input.ports, input.previous}, out.findings);
        state.networks.push_back(std::move(made.network));
        std::ranges::move(made.peers, std::back_inserter(state.peers));
        services.add({id, config.name, objects, place_of(input.config, config, objects),
                      input.config.load_balancer_class, own, input.assigned});
    }
    check_endpoints(state.networks, out.findings);
    check_host_interfaces(state.networks, out.findings);
    state.services = services.take();
    state.routes = desired_routes(input.ports, input.kernel, state.networks);
    state.neighbours = desired_neighbours(input.ports, input.kernel);
    return out;
}

}  // namespace viaduct
