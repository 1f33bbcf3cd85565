// One dump of each of the kernel's lists, as KernelState keeps them: sorted, of IPv4 and IPv6.
#pragma once

#include <vector>

#include "control/kernel/kernel_state.h"

struct nl_sock;

namespace viaduct {

// Each throws NetlinkError.
[[nodiscard]] std::vector<KernelInterface> read_interfaces(nl_sock* socket);
/// Those that can be used: tentative and duplicate IPv6 addresses are left out (RFC 4862 §5.4).
[[nodiscard]] std::vector<KernelAddress> read_addresses(nl_sock* socket);
[[nodiscard]] std::vector<KernelRoute> read_routes(nl_sock* socket);
[[nodiscard]] std::vector<KernelNeighbour> read_neighbours(nl_sock* socket);

}  // namespace viaduct
