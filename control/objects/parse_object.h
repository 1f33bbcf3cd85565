// From a parsed document's tree to an object: the one place that knows where Kubernetes keeps what.
#pragma once

#include <optional>

#include "control/objects/field.h"
#include "control/objects/objects.h"

namespace viaduct {

/// The kind that the gateway reads by this name and API group, or nothing.
[[nodiscard]] std::optional<ObjectKind> kind_named(const std::string& kind, const std::string& api_version);

/// The object, or nothing when its kind is read but this one holds nothing for us. Throws FieldError.
template <Tree T>
[[nodiscard]] std::optional<Object> parse_object(const ObjectKey& key, const Field<T>& root);

}  // namespace viaduct
