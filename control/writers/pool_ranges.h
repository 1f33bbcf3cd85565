// Ranges of addresses as one row of numbered places, for each family.
#pragma once

#include <cstdint>
#include <span>

#include "control/config.h"
#include "encap/packet.h"

namespace viaduct {

/// Addresses of this family in all ranges together; what does not fit into 64 bits counts as the largest number.
[[nodiscard]] std::uint64_t size_of(std::span<const AddressRange> ranges, Family family);
/// `place` < size_of.
[[nodiscard]] IpAddress address_at(std::span<const AddressRange> ranges, Family family, std::uint64_t place);
[[nodiscard]] bool contains(std::span<const AddressRange> ranges, const IpAddress& address);
[[nodiscard]] bool overlap(const AddressRange& a, const AddressRange& b);

}  // namespace viaduct
