// Who is served by a pool: the rules that the pools and the writers of statuses share.
#pragma once

#include <algorithm>
#include <string>

#include "control/config.h"
#include "control/objects/objects.h"

namespace viaduct {

/// Whether the gateway is this Service's load balancer, by its type and class.
[[nodiscard]] inline bool is_ours(const ServiceObject& service, const Config& config) {
    if (!service.load_balancer || service.headless || !service.proxy_name.empty()) return false;
    return service.load_balancer_class.empty() ? config.default_load_balancer
                                               : service.load_balancer_class == config.load_balancer_class;
}

/// Whose Services a pool serves.
[[nodiscard]] inline const std::string& network_of(const PoolConfig& pool, const Config& config) {
    return pool.network.empty() ? config.networks.front().name : pool.network;
}

[[nodiscard]] inline bool has_pool(const std::string& network, const Config& config) {
    return std::ranges::any_of(config.pools,
                               [&](const PoolConfig& pool) { return network_of(pool, config) == network; });
}

}  // namespace viaduct
