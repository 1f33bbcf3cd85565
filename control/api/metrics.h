// The counters in Prometheus' text format.
#pragma once

#include <string>

#include "control/status.h"
#include "tables/gateway_view.h"

namespace viaduct {

[[nodiscard]] std::string metrics_text(const GatewayView& view, const ControlStatus& status);

}  // namespace viaduct
