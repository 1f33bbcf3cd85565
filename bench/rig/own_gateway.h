// The gateway that the rig starts, and what it needs around it.
#pragma once

#include <optional>

#include "bench/rig/cluster.h"
#include "bench/rig/files.h"
#include "bench/rig/gateway.h"
#include "bench/rig/links.h"
#include "bench/rig/options.h"

namespace viaduct::rig {

class OwnGateway {
public:
    /// Moves this process into a network namespace of its own, and starts the gateway there. Throws std::runtime_error.
    OwnGateway(const RigOptions& options, const Site& site, const std::string& cpus);
    [[nodiscard]] std::string socket() const { return (scratch_.path() / "viaduct.sock").string(); }
    [[nodiscard]] const ClusterFiles& files() const { return files_; }
    /// The rig's end of the link on this side.
    [[nodiscard]] std::string device(Side side) const { return link_of(ports_, scratch_.path(), side).rig; }
    /// Throws std::runtime_error when it has ended.
    void require_alive() { process_->require_alive(); }

private:
    Scratch scratch_;
    std::string ports_;  // their kind
    ClusterFiles files_;
    std::optional<GatewayProcess> process_;
};

/// What somebody else's gateway needs: its configuration, its kernel's addresses and its objects. Into options.prepare.
void prepare_directory(const RigOptions& options, const Site& site);

}  // namespace viaduct::rig
