// From a parsed document's tree to Calico's and Cilium's objects, and to what they note on Nodes.
#pragma once

#include <optional>

#include "control/objects/field.h"
#include "control/objects/objects.h"

namespace viaduct {

/// The overlays' kind that the gateway reads by this name and API group, or nothing.
[[nodiscard]] std::optional<ObjectKind> overlay_kind_named(const std::string& kind, const std::string& api_version);

/// An object of one of the overlays' kinds, or nothing when this one says nothing to us. Throws FieldError.
template <Tree T>
[[nodiscard]] std::optional<Object> parse_overlay_object(const ObjectKey& key, const Field<T>& root);

/// The ConfigMap `cilium-config`.
template <Tree T>
[[nodiscard]] Object parse_cilium_config(const ObjectKey& key, const Field<T>& root);

/// Calico's and Cilium's annotations, and the addresses of the Node's status.
template <Tree T>
void parse_overlay_notes(NodeObject& node, const Field<T>& root);

}  // namespace viaduct
