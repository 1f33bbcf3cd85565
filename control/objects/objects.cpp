// Names and collections of Kubernetes objects.
#include "control/objects/objects.h"

#include <algorithm>

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

template <class T>
auto place_of(std::vector<Shared<T>>& list, const ObjectKey& key) {
    return std::ranges::lower_bound(list, key, {}, [](const auto& one) -> const ObjectKey& { return one->key; });
}

template <class T>
bool put_into(std::vector<Shared<T>>& list, const Shared<T>& object) {
    const auto place = place_of(list, object->key);
    if (place == list.end() || (*place)->key != object->key) return list.insert(place, object), true;
    if (**place == *object) return false;
    *place = object;
    return true;
}

struct Putter {
    Objects& all;
    bool operator()(const Shared<NodeObject>& one) const { return put_into(all.nodes, one); }
    bool operator()(const Shared<ServiceObject>& one) const { return put_into(all.services, one); }
    bool operator()(const Shared<EndpointSlice>& one) const { return put_into(all.slices, one); }
    bool operator()(const Shared<Endpoints>& one) const { return put_into(all.endpoints, one); }
    bool operator()(const Shared<FlannelConfig>& one) const { return put_into(all.flannel_configs, one); }
};

template <class T>
bool erase_from(std::vector<Shared<T>>& list, const ObjectKey& key) {
    const auto place = place_of(list, key);
    if (place == list.end() || (*place)->key != key) return false;
    list.erase(place);
    return true;
}

}  // namespace

void Objects::add(const Object& object) { std::visit(Adder{*this}, object); }

bool Objects::put(const Object& object) { return std::visit(Putter{*this}, object); }

bool Objects::erase(const ObjectKey& key) {
    switch (key.kind) {
        case ObjectKind::node:
            return erase_from(nodes, key);
        case ObjectKind::service:
            return erase_from(services, key);
        case ObjectKind::endpoint_slice:
            return erase_from(slices, key);
        case ObjectKind::endpoints:
            return erase_from(endpoints, key);
        case ObjectKind::config_map:
            return erase_from(flannel_configs, key);
    }
    return false;
}

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
