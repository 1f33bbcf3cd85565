// Connections as people see them, asked from the workers while these go on forwarding.
#pragma once

#include <vector>

#include "dataplane/worker.h"
#include "tables/gateway_view.h"

namespace viaduct {

/// Appends up to `limit` rows in all to `rows`. One caller at a time per worker, and none of them a worker.
void collect_connections(Worker& worker, WorkerId id, const Timeouts& timeouts, std::size_t limit,
                         std::vector<ConnectionRow>& rows);

}  // namespace viaduct
