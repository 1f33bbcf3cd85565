// The maximum segment size of a SYN, lowered to what fits a tunnel.
#pragma once

#include <cstddef>

#include "encap/wire.h"

namespace viaduct {

/// Bytes of MTU that a TCP segment's fixed headers take.
template <Address A>
inline constexpr std::uint16_t tcp_overhead = (std::same_as<A, Ipv4> ? sizeof(Ipv4Header) : sizeof(Ipv6Header)) +
                                              sizeof(TcpHeader);

/// Lowers the MSS option (RFC 9293 §3.7.1) of a SYN to `max_mss` and updates the checksum. `available`: readable bytes
/// from `tcp` on. False when nothing was changed: no SYN, no option, low enough, or options that make no sense.
bool clamp_mss(std::uint8_t* tcp, std::size_t available, std::uint16_t max_mss) noexcept;

}  // namespace viaduct
