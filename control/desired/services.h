// Services to frontends and backends, as kube-proxy decides.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "control/desired/network_objects.h"
#include "control/selection.h"
#include "tables/desired.h"

namespace viaduct {

struct ServiceInput {
    NetworkId network{};
    const std::string& network_name;
    const NetworkObjects& objects;
    const Place& place;
    const std::string& load_balancer_class;
    const std::vector<IpAddress>& own_addresses;  // the gateway's, on its ports: where NodePorts are served
    const Assignments* assigned = nullptr;

    /// What the pools gave a Service; where they do not serve it, what its status says.
    [[nodiscard]] const std::vector<IpAddress>& load_balancer_ips(const ServiceObject& service) const;
};

/// Makes the Services of all networks one after the other: a frontend belongs to the first that asks for it.
class ServiceMaker {
public:
    explicit ServiceMaker(std::vector<Finding>& findings) : findings_(findings) {}
    void add(const ServiceInput& input);
    [[nodiscard]] std::vector<DesiredService> take() { return std::move(services_); }

private:
    void add_service(const ServiceInput& input, const ServiceObject& service);
    void add_port(const ServiceInput& input, const ServiceObject& service, const ServicePort& port, Family family,
                  std::span<const EndpointSlice* const> slices);
    [[nodiscard]] std::vector<DesiredFrontend> external_frontends(const ServiceInput& input,
                                                                  const ServiceObject& service, const ServicePort& port,
                                                                  Family family);
    void emit(DesiredService service);

    using FrontendKey = std::tuple<IpAddress, std::uint16_t, Protocol>;
    std::vector<Finding>& findings_;
    std::vector<DesiredService> services_;
    std::map<FrontendKey, std::string> taken_;  // by whom
};

}  // namespace viaduct
