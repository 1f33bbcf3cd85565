// Tells the API server which load-balancer addresses its Services have.
#include "control/writers/status_writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/writers/pool_ranges.h"
#include "encap/net_text.h"

namespace viaduct {

namespace {

bool is_of_a_pool(const Config& config, const std::string& network, const IpAddress& address) {
    return std::ranges::any_of(config.pools, [&](const PoolConfig& pool) {
        return network_of(pool, config) == network && contains(pool.ranges, address);
    });
}

/// The addresses that its status should show; nothing when that is not ours to say.
std::optional<std::vector<IpAddress>> wanted_of(const Config& config, const std::string& network,
                                                const ServiceObject& service, const Assignments& assigned) {
    if (const auto found = assigned.find({network, service.key}); found != assigned.end()) return found->second;
    if (service.load_balancer || service.ingress_ips.empty()) return {};
    std::vector<IpAddress> others;
    for (const IpAddress& address : service.ingress_ips)
        if (!is_of_a_pool(config, network, address)) others.push_back(address);
    if (others.size() == service.ingress_ips.size()) return {};
    return others;
}

}  // namespace

std::optional<ApiRequest> status_request(const Config& config, const std::string& network, const ServiceObject& service,
                                         const Assignments& assigned) {
    const auto wanted = wanted_of(config, network, service, assigned);
    if (!wanted) return {};
    const std::string mode = config.ip_mode == IpMode::vip ? "VIP" : "Proxy";
    std::string text;
    auto ingress = nlohmann::json::array();
    for (const IpAddress& address : *wanted) {
        text.append(text.empty() ? "" : ",").append(to_string(address)).append(" ").append(mode);
        ingress.push_back({{"ip", to_string(address)}, {"ipMode", mode}});
    }
    if (text == service.ingress_text) return {};
    const nlohmann::json body = {{"status", {{"loadBalancer", {{"ingress", ingress}}}}}};
    return ApiRequest{"PATCH",
                      "/api/v1/namespaces/" + service.key.name_space + "/services/" + service.key.name + "/status",
                      merge_patch, body.dump()};
}

void StatusWriter::update(std::span<const Shared<ServiceObject>> services, const Assignments& assigned) {
    std::set<std::string> told;
    for (const auto& service : services) {
        const auto request = status_request(config_, network_, *service, assigned);
        if (!request) continue;
        queue_.put(to_string(service->key), *request);
        told.insert(to_string(service->key));
    }
    for (const std::string& before : told_)
        if (!told.contains(before)) queue_.drop(before);
    told_ = std::move(told);
}

}  // namespace viaduct
