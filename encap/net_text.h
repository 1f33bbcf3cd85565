// Addresses, prefixes and MACs as text and back, for everything outside the data path.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "encap/net_types.h"

namespace viaduct {

[[nodiscard]] std::string to_string(Ipv4 address);
[[nodiscard]] std::string to_string(const Ipv6& address);  // RFC 5952
[[nodiscard]] std::string to_string(const IpAddress& address);
[[nodiscard]] std::string to_string(const IpPrefix& prefix);
[[nodiscard]] std::string to_string(const Mac& mac);
[[nodiscard]] std::string to_string(Protocol protocol);  // as Kubernetes writes it: TCP, UDP, SCTP; else a number
template <Address A>
[[nodiscard]] std::string to_string(const Prefix<A>& prefix) {
    return to_string(IpPrefix(prefix));
}

/// Dotted quads without leading zeros, or RFC 4291 §2.2; no zone, no surrounding space.
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);
/// Remedy for a text that parse_ip refuses. Leading zeros are octal to some readers of IPv4, and decimal to others.
inline constexpr const char* wanted_ip = "an IP address, as in 192.0.2.1 (no leading zeros) or 2001:db8::1";
/// `address/length`. Bits past the length are cleared.
[[nodiscard]] std::optional<IpPrefix> parse_prefix(std::string_view text);
/// Six pairs of hexadecimal digits, colons between them.
[[nodiscard]] std::optional<Mac> parse_mac(std::string_view text);

}  // namespace viaduct
