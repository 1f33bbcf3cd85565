// Which devices join the rig and a gateway that it starts.
#pragma once

#include <filesystem>
#include <string>

#include "bench/rig/site.h"

namespace viaduct::rig {

struct Link {
    std::string gateway, rig;  // devices, as DPDK calls them
};

/// `kind` is memif or veth; sockets are in `directory`.
[[nodiscard]] Link link_of(const std::string& kind, const std::filesystem::path& directory, Side side);
/// For `ip -batch`, before the gateway starts: the interfaces that it needs. Empty for kinds without.
[[nodiscard]] std::string link_commands(const std::string& kind);

}  // namespace viaduct::rig
