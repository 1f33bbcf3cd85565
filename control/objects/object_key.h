// What makes a Kubernetes object that object.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace viaduct {

enum class ObjectKind : std::uint8_t {
    node,
    service,
    endpoint_slice,
    endpoints,
    config_map,
    ip_pool,
    block_affinity,
    ipam_block,
    felix_config,
    cilium_node,
    name_space
};
/// As the API calls it: "EndpointSlice".
[[nodiscard]] const char* to_string(ObjectKind kind);
[[nodiscard]] std::optional<ObjectKind> parse_kind(std::string_view text);
/// Whether objects of this kind have a namespace.
[[nodiscard]] bool is_namespaced(ObjectKind kind);

struct ObjectKey {
    ObjectKind kind{};
    std::string name_space;  // empty for Nodes and the overlays' objects
    std::string name;
    auto operator<=>(const ObjectKey&) const = default;
};
/// "Service shop/web"
[[nodiscard]] std::string to_string(const ObjectKey& key);

}  // namespace viaduct
