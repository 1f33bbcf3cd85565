// Preflight: what would keep the gateway from starting, found before any port is touched.
#pragma once

#include <string>
#include <vector>

#include "dataplane/gateway.h"

namespace viaduct {

/// One line each: what is wrong, and the remedy.
struct Preflight {
    std::vector<std::string> problems{};  // it cannot start
    std::vector<std::string> warnings{};  // it can, but traffic will probably not flow
};

[[nodiscard]] Preflight preflight(const GatewayOptions& options);

/// Memory in hugepages that nobody uses, in MiB.
[[nodiscard]] unsigned free_hugepages_mib();

}  // namespace viaduct
