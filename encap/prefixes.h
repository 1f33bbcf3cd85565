// Arithmetic on prefixes, for tables and control: where one ends, and which follows.
#pragma once

#include <optional>

#include "encap/net_types.h"

namespace viaduct {

[[nodiscard]] IpAddress last_address(const IpPrefix& prefix);
/// The address so many behind the prefix's first; past the end of the address space it begins anew.
[[nodiscard]] IpAddress address_in(const IpPrefix& prefix, std::uint32_t offset);
/// The prefix of the same length right behind this one; nothing behind the last.
[[nodiscard]] std::optional<IpPrefix> next_prefix(const IpPrefix& prefix);

}  // namespace viaduct
