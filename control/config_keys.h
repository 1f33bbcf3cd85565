// Every key that the configuration knows: its name, its values' shape, what it is for, and how it is set.
#pragma once

#include <span>
#include <string>

#include "control/config.h"

namespace viaduct {

template <class Section>
struct ConfigKey {
    const char* name;
    const char* values;  // for --help: "auto|N"
    const char* help;
    void (*set)(Section&, const std::string& value);  // throws BadValue
};

[[nodiscard]] std::span<const ConfigKey<Config>> global_keys();
[[nodiscard]] std::span<const ConfigKey<PortConfig>> port_keys();
[[nodiscard]] std::span<const ConfigKey<NetworkConfig>> network_keys();
[[nodiscard]] std::span<const ConfigKey<SourceConfig>> source_keys();
[[nodiscard]] std::span<const ConfigKey<PoolConfig>> pool_keys();

}  // namespace viaduct
