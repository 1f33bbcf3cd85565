// From objects, configuration and the kernel's view to desired state.
#include "control/desired/desired_state.h"

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
    state.services = services.take();
    state.routes = desired_routes(input.ports, input.kernel, state.networks);
    state.neighbours = desired_neighbours(input.ports, input.kernel);
    return out;
}

}  // namespace viaduct
