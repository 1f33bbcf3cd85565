// The gateway's side of a rig: its configuration, its kernel's addresses, and the cluster's objects as files.
#pragma once

#include <filesystem>
#include <string>

#include "bench/world.h"

namespace viaduct::rig {

struct GatewaySettings {
    std::filesystem::path directory;  // of the socket, and of cluster.d
    std::string outside, underlay;    // its devices
    std::string cpus;                 // of its workers, as in "1" or "2-3"
    std::uint64_t connections = 0;    // room for so many
};

/// viaduct.conf.
[[nodiscard]] std::string gateway_config(const World& world, const GatewaySettings& settings);
/// For `ip -batch`: addresses, the route to the clients, and all neighbours, since nobody answers ARP.
[[nodiscard]] std::string kernel_commands(const World& world, const GatewaySettings& settings);

/// The Services as ordinary Kubernetes objects in a directory.
class ClusterFiles {
public:
    ClusterFiles(const World& world, std::filesystem::path directory);
    void write_all() const;
    /// A Service's endpoints, with or without the first one. Atomic for whoever follows the directory.
    void write_endpoints(std::uint32_t service, bool with_first) const;
    /// A Service without endpoints that the last mark's gives way to. A gateway that has it has read all before it.
    void write_mark(const std::string& name) const;

private:
    const World& world_;
    std::filesystem::path directory_;
};

}  // namespace viaduct::rig
