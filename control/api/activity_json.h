// What goes on as JSON: ports, workers, drops, totals, connections, sources.
#pragma once

#include "control/api/json.h"
#include "control/status.h"
#include "tables/gateway_view.h"

namespace viaduct {

[[nodiscard]] Json ports_json(const GatewayView& view);
[[nodiscard]] Json workers_json(const GatewayView& view);
/// What the stages took of the bursts that were timed, a row for each worker and stage. Cycles are of the TSC and per
/// packet of the whole burst, so that a worker's rows add up; packets are those that came as far as the stage.
[[nodiscard]] Json stages_json(const GatewayView& view);
/// Every reason, those that never occurred included.
[[nodiscard]] Json drops_json(const GatewayView& view);
/// The conservation law's two sides (tables/counters.h).
[[nodiscard]] Json totals_json(const GatewayView& view);
[[nodiscard]] Json connections_json(GatewayView& view, const Snapshot& snapshot, std::size_t limit);
[[nodiscard]] Json sources_json(const ControlStatus& status);

[[nodiscard]] CounterTotals totals(const std::vector<WorkerFacts>& workers);

struct PortTraffic {
    std::uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0;
};
[[nodiscard]] PortTraffic traffic(const std::vector<WorkerFacts>& workers, std::size_t port);

}  // namespace viaduct
