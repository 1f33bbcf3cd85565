// Tells the API server which load-balancer addresses its Services have: status.loadBalancer.
#pragma once

#include <set>
#include <span>
#include <string>

#include "control/writers/address_pool.h"
#include "control/writers/write_queue.h"

namespace viaduct {

/// What has to be written so that a Service's status says what the pools gave it; nothing when it does already, or when
/// it is somebody else's business. A Service that is no longer of type LoadBalancer loses our addresses.
[[nodiscard]] std::optional<ApiRequest> status_request(const Config& config, const std::string& network,
                                                       const ServiceObject& service, const Assignments& assigned);

/// For the Services of one API server. Of several gateways only one writes: the leader.
class StatusWriter {
public:
    StatusWriter(const Config& config, std::string network, WriteQueue& queue)
        : config_(config), network_(std::move(network)), queue_(queue) {}
    void update(std::span<const Shared<ServiceObject>> services, const Assignments& assigned);

private:
    const Config& config_;
    const std::string network_;
    WriteQueue& queue_;
    std::set<std::string> told_;  // whose requests the queue knows
};

}  // namespace viaduct
