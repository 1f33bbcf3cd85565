// `viaduct leave`: takes back what a gateway has said about itself, so that the cluster forgets it.
//
// Stopping a gateway says nothing to the cluster but that others may lead: it may only be restarting. Leaving is for
// good: flannel's annotations, or the Node and its Lease, or the subnet in etcd. Addresses in Services' statuses stay:
// another gateway may serve them.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "control/config.h"
#include "control/status.h"

namespace viaduct {

struct Farewell {
    std::vector<std::string> done;  // "Node gw: deleted"
    std::vector<Finding> problems;  // what is left behind, and why
};

/// Waits for servers, a bounded time. Nothing is done while a gateway runs with this configuration: it would say
/// everything anew.
[[nodiscard]] Farewell leave(const Config& config);

/// The command: what was done to `out`, problems to `err`. Returns the exit status, 1 when something is left behind.
[[nodiscard]] int run_leave(const Config& config, std::ostream& out, std::ostream& err);

/// For one source, of its type.
void leave_cluster(const Config& config, const SourceConfig& source, const NetworkConfig& network, Farewell& farewell);
void leave_etcd(const SourceConfig& source, const NetworkConfig& network, Farewell& farewell);

}  // namespace viaduct
