// The one change that every forwarded packet gets: a hop less to live.
#pragma once

#include "encap/wire.h"

namespace viaduct {

/// Takes one hop; the caller has seen that at least one is left. The checksum grows by what the word lost, with the
/// carry brought round (RFC 1141, with the correction of RFC 1624: never 0xffff).
constexpr void decrement_ttl(Ipv4Header& ip) noexcept {
    --ip.ttl;
    constexpr std::uint32_t lost = Be16(0x0100).raw();
    const std::uint32_t sum = ip.checksum.raw();
    ip.checksum = Be16::from_raw(static_cast<std::uint16_t>(sum + lost + ((sum + lost + 1) >> 16U)));
}

constexpr void decrement_ttl(Ipv6Header& ip) noexcept { --ip.hop_limit; }

}  // namespace viaduct
