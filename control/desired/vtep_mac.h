// MAC addresses of tunnel endpoints that nobody has chosen: the same after every start, so that peers keep what they
// have learned.
#pragma once

#include <string>

#include "encap/net_types.h"

namespace viaduct {

/// The gateway's own in a network: locally administered and unicast.
[[nodiscard]] Mac derived_mac(const std::string& node, const std::string& network);

}  // namespace viaduct
