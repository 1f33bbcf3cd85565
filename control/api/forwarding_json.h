// The newest snapshot as JSON: networks, peers, routes, services, backends.
#pragma once

#include "control/api/json.h"
#include "tables/snapshot.h"

namespace viaduct {

[[nodiscard]] Json networks_json(const Snapshot& snapshot, Page page);
[[nodiscard]] Json peers_json(const Snapshot& snapshot, Page page);
[[nodiscard]] Json routes_json(const Snapshot& snapshot, Page page);
[[nodiscard]] Json services_json(const Snapshot& snapshot, Page page);
[[nodiscard]] Json backends_json(const Snapshot& snapshot, Page page);

/// "" for `none` and for what the snapshot does not have.
[[nodiscard]] std::string network_name(const Snapshot& snapshot, NetworkId id);
[[nodiscard]] std::string port_name(const Snapshot& snapshot, PortId id);

}  // namespace viaduct
