// How the gateway becomes a node of a flannel network: annotations as flanneld writes them, on a Node that exists or on
// one of our own. Pure functions: what is to be written, from what the Node says now.
//
// flanneld on the other nodes compares the annotations of each family with the former ones and passes over an update
// unless both families' have changed. So no update here changes one family alone: the other family's data then gets,
// or loses, a space before its JSON, which every reader skips.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/config.h"
#include "control/objects/objects.h"
#include "control/status.h"
#include "control/writers/api_writer.h"
#include "tables/desired.h"

namespace viaduct {

/// What brings the gateway's own Node (nullptr: there is none) in line with `network`; nothing when it is, or when that
/// cannot be helped by writing, which findings then tell.
[[nodiscard]] std::optional<ApiRequest> join_request(const NetworkConfig& config, const DesiredNetwork& network,
                                                     const NodeObject* own, std::vector<Finding>& findings);

/// What undoes it, in order.
[[nodiscard]] std::vector<ApiRequest> leave_requests(const NetworkConfig& config, const NodeObject* own);

}  // namespace viaduct
