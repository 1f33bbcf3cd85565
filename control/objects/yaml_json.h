// YAML as JSON: for what is passed on to others without being understood here.
#pragma once

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>

namespace viaduct {

/// Scalars without quotes become numbers, booleans and null where YAML 1.2's core schema (§10.3.2) sees them.
[[nodiscard]] nlohmann::json json_of(const YAML::Node& node);

}  // namespace viaduct
