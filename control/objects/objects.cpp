// Names and collections of Kubernetes objects.
#include "control/objects/objects.h"

namespace viaduct {

const char* to_string(ObjectKind kind) {
    switch (kind) {
        case ObjectKind::node:
            return "Node";
        case ObjectKind::service:
            return "Service";
        case ObjectKind::endpoint_slice:
            return "EndpointSlice";
        case ObjectKind::endpoints:
            return "Endpoints";
        case ObjectKind::config_map:
            return "ConfigMap";
    }
    return "?";
}

std::string to_string(const ObjectKey& key) {
    return std::string(to_string(key.kind)) + ' ' + (key.name_space.empty() ? "" : key.name_space + '/') + key.name;
}

const ObjectKey& key_of(const Object& object) {
    return std::visit([](const auto& one) -> const ObjectKey& { return one->key; }, object);
}

namespace {

struct Adder {
    Objects& all;
    void operator()(const Shared<NodeObject>& one) const { all.nodes.push_back(one); }
    void operator()(const Shared<ServiceObject>& one) const { all.services.push_back(one); }
    void operator()(const Shared<EndpointSlice>& one) const { all.slices.push_back(one); }
    void operator()(const Shared<Endpoints>& one) const { all.endpoints.push_back(one); }
    void operator()(const Shared<FlannelConfig>& one) const { all.flannel_configs.push_back(one); }
};

}  // namespace

void Objects::add(const Object& object) { std::visit(Adder{*this}, object); }

std::map<std::string, std::size_t> Objects::counts() const {
    std::map<std::string, std::size_t> counts;
    const auto count = [&](ObjectKind kind, std::size_t n) {
        if (n != 0) counts[to_string(kind)] = n;
    };
    count(ObjectKind::node, nodes.size());
    count(ObjectKind::service, services.size());
    count(ObjectKind::endpoint_slice, slices.size());
    count(ObjectKind::endpoints, endpoints.size());
    count(ObjectKind::config_map, flannel_configs.size());
    return counts;
}

}  // namespace viaduct
