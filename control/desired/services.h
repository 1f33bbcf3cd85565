// A Service to frontends and backends, as kube-proxy decides.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "control/desired/desired_state.h"
#include "control/selection.h"
#include "tables/desired.h"

namespace viaduct {

struct ServiceInput {
    NetworkId network{};
    const std::string& network_name;
    const Place& place;
    const std::string& load_balancer_class;
    const std::vector<IpAddress>& own_addresses;  // the gateway's, on its ports: where NodePorts are served
    const Assignments* assigned = nullptr;

    /// What the pools gave a Service; where they do not serve it, what its status says.
    [[nodiscard]] const std::vector<IpAddress>& load_balancer_ips(const ServiceObject& service) const;
};

/// One Service's part of desired state, as if nobody else claimed its frontends.
struct MadeService {
    std::vector<DesiredService> groups;
    std::vector<Finding> findings;
    bool needs_address = false;  // nobody will give it one: without any, somebody should know
};

/// Adds to `made`. `slices` are the Service's.
void make_service(const ServiceInput& input, const ServiceObject& service, std::span<const EndpointSlice* const> slices,
                  MadeService& made);

}  // namespace viaduct
