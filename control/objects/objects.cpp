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
        case ObjectKind::ip_pool:
            return "IPPool";
        case ObjectKind::block_affinity:
            return "BlockAffinity";
        case ObjectKind::ipam_block:
            return "IPAMBlock";
        case ObjectKind::felix_config:
            return "FelixConfiguration";
        case ObjectKind::cilium_node:
            return "CiliumNode";
    }
    return "?";
}

bool is_namespaced(ObjectKind kind) {
    return kind == ObjectKind::service || kind == ObjectKind::endpoint_slice || kind == ObjectKind::endpoints ||
           kind == ObjectKind::config_map;
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
    void operator()(const Shared<IpPool>& one) const { all.ip_pools.push_back(one); }
    void operator()(const Shared<BlockAffinity>& one) const { all.block_affinities.push_back(one); }
    void operator()(const Shared<IpamBlock>& one) const { all.ipam_blocks.push_back(one); }
    void operator()(const Shared<FelixConfig>& one) const { all.felix_configs.push_back(one); }
    void operator()(const Shared<CiliumNode>& one) const { all.cilium_nodes.push_back(one); }
    void operator()(const Shared<CiliumConfig>& one) const { all.cilium_configs.push_back(one); }
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
    bool operator()(const Shared<IpPool>& one) const { return put_into(all.ip_pools, one); }
    bool operator()(const Shared<BlockAffinity>& one) const { return put_into(all.block_affinities, one); }
    bool operator()(const Shared<IpamBlock>& one) const { return put_into(all.ipam_blocks, one); }
    bool operator()(const Shared<FelixConfig>& one) const { return put_into(all.felix_configs, one); }
    bool operator()(const Shared<CiliumNode>& one) const { return put_into(all.cilium_nodes, one); }
    bool operator()(const Shared<CiliumConfig>& one) const { return put_into(all.cilium_configs, one); }
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
            return erase_from(flannel_configs, key) || erase_from(cilium_configs, key);
        case ObjectKind::ip_pool:
            return erase_from(ip_pools, key);
        case ObjectKind::block_affinity:
            return erase_from(block_affinities, key);
        case ObjectKind::ipam_block:
            return erase_from(ipam_blocks, key);
        case ObjectKind::felix_config:
            return erase_from(felix_configs, key);
        case ObjectKind::cilium_node:
            return erase_from(cilium_nodes, key);
    }
    return false;
}

bool Objects::has_network_of(const Objects& other) const {
    // Every list by name, so that a new one is not forgotten here.
    const auto& [its_nodes, its_services, its_slices, its_endpoints, its_flannel, its_pools, its_affinities, its_blocks,
                 its_felix, its_cilium_nodes, its_cilium_configs] = other;
    return nodes == its_nodes && flannel_configs == its_flannel && ip_pools == its_pools &&
           block_affinities == its_affinities && ipam_blocks == its_blocks && felix_configs == its_felix &&
           cilium_nodes == its_cilium_nodes && cilium_configs == its_cilium_configs;
}

bool Objects::has(const std::string& named) const {
    const auto in = [&](const auto& list) {
        return std::ranges::any_of(list, [&](const auto& one) { return to_string(one->key) == named; });
    };
    return in(nodes) || in(services) || in(slices) || in(endpoints) || in(flannel_configs) || in(ip_pools) ||
           in(block_affinities) || in(ipam_blocks) || in(felix_configs) || in(cilium_nodes) || in(cilium_configs);
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
    count(ObjectKind::config_map, flannel_configs.size() + cilium_configs.size());
    count(ObjectKind::ip_pool, ip_pools.size());
    count(ObjectKind::block_affinity, block_affinities.size());
    count(ObjectKind::ipam_block, ipam_blocks.size());
    count(ObjectKind::felix_config, felix_configs.size());
    count(ObjectKind::cilium_node, cilium_nodes.size());
    return counts;
}

}  // namespace viaduct
