// Names and collections of Kubernetes objects.
#include "control/objects/objects.h"

#include <algorithm>
#include <tuple>
#include <type_traits>

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
        case ObjectKind::name_space:
            return "Namespace";
    }
    return "?";
}

std::optional<ObjectKind> parse_kind(std::string_view text) {
    for (int kind = 0; kind <= static_cast<int>(ObjectKind::name_space); ++kind)
        if (text == to_string(static_cast<ObjectKind>(kind))) return static_cast<ObjectKind>(kind);
    return {};
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

// Of the lists' elements.
constexpr ObjectKind kind_of(const NodeObject*) { return ObjectKind::node; }
constexpr ObjectKind kind_of(const ServiceObject*) { return ObjectKind::service; }
constexpr ObjectKind kind_of(const EndpointSlice*) { return ObjectKind::endpoint_slice; }
constexpr ObjectKind kind_of(const Endpoints*) { return ObjectKind::endpoints; }
constexpr ObjectKind kind_of(const FlannelConfig*) { return ObjectKind::config_map; }
constexpr ObjectKind kind_of(const IpPool*) { return ObjectKind::ip_pool; }
constexpr ObjectKind kind_of(const BlockAffinity*) { return ObjectKind::block_affinity; }
constexpr ObjectKind kind_of(const IpamBlock*) { return ObjectKind::ipam_block; }
constexpr ObjectKind kind_of(const FelixConfig*) { return ObjectKind::felix_config; }
constexpr ObjectKind kind_of(const CiliumNode*) { return ObjectKind::cilium_node; }
constexpr ObjectKind kind_of(const CiliumConfig*) { return ObjectKind::config_map; }
constexpr ObjectKind kind_of(const NamespaceObject*) { return ObjectKind::name_space; }

template <class T>
constexpr ObjectKind kind_of(const std::vector<Shared<T>>&) {
    return kind_of(static_cast<const T*>(nullptr));
}

/// What Services and their addresses are made of, and networks are not.
constexpr bool is_of_services(ObjectKind kind) {
    return kind == ObjectKind::service || kind == ObjectKind::endpoint_slice || kind == ObjectKind::endpoints ||
           kind == ObjectKind::name_space;
}

/// Every list of objects, by name, so that a new one is not forgotten here.
template <class Some>
auto lists_of(Some& objects) {
    auto& [nodes, services, slices, endpoints, flannel_configs, ip_pools, block_affinities, ipam_blocks, felix_configs,
           cilium_nodes, cilium_configs, namespaces, unread] = objects;
    return std::tie(nodes, services, slices, endpoints, flannel_configs, ip_pools, block_affinities, ipam_blocks,
                    felix_configs, cilium_nodes, cilium_configs, namespaces);
}

template <class Some, class Visit>
void for_each_list(Some& objects, const Visit& visit) {
    std::apply([&](auto&... list) { (visit(list), ...); }, lists_of(objects));
}

template <class T>
std::vector<Shared<T>>& list_for(Objects& objects, const Shared<T>&) {
    return std::get<std::vector<Shared<T>>&>(lists_of(objects));
}

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

template <class T>
bool erase_from(std::vector<Shared<T>>& list, const ObjectKey& key) {
    const auto place = place_of(list, key);
    if (place == list.end() || (*place)->key != key) return false;
    list.erase(place);
    return true;
}

}  // namespace

void Objects::add(const Object& object) {
    std::visit([this](const auto& one) { list_for(*this, one).push_back(one); }, object);
}

bool Objects::put(const Object& object) {
    return std::visit([this](const auto& one) { return put_into(list_for(*this, one), one); }, object);
}

bool Objects::erase(const ObjectKey& key) {
    bool erased = false;
    for_each_list(*this, [&](auto& list) { erased = erased || (kind_of(list) == key.kind && erase_from(list, key)); });
    return erased;
}

bool Objects::has_overlay_of(const Objects& other) const {
    bool same = unread == other.unread;
    for_each_list(*this, [&](const auto& list) {
        using List = std::remove_cvref_t<decltype(list)>;
        const ObjectKind kind = kind_of(list);
        same = same &&
               (is_of_services(kind) || kind == ObjectKind::node || list == std::get<const List&>(lists_of(other)));
    });
    return same;
}

bool Objects::has_network_of(const Objects& other) const { return nodes == other.nodes && has_overlay_of(other); }

Objects Objects::network() const {
    Objects some;
    some.unread = unread;
    for_each_list(some, [&](auto& list) {
        using List = std::remove_cvref_t<decltype(list)>;
        if (!is_of_services(kind_of(list))) list = std::get<const List&>(lists_of(*this));
    });
    return some;
}

bool Objects::has(const ObjectKey& key) const {
    bool found = false;
    for_each_list(*this, [&](const auto& list) {
        found = found || (kind_of(list) == key.kind &&
                          std::ranges::any_of(list, [&](const auto& one) { return one->key == key; }));
    });
    return found;
}

std::map<std::string, std::size_t> Objects::counts() const {
    std::map<std::string, std::size_t> counts;
    for_each_list(*this, [&](const auto& list) {
        if (!list.empty()) counts[to_string(kind_of(list))] += list.size();
    });
    return counts;
}

}  // namespace viaduct
