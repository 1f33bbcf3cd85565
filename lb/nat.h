// Address and port translation of one packet, with every checksum that covers what changed (RFC 1624 eqn. 3).
#pragma once

#include "lb/rewrite.h"

namespace viaduct {

/// Fills `address_delta` and `transport_delta` from the connection's two keys, and `translated`.
template <Address A>
void prepare_translation(Connection<A>& connection) noexcept;

/// Rewrites the packet whose frame starts at `frame` so that it continues from one side of the connection to the
/// other: addresses, ports or echo identifier, IPv4 header checksum, TCP/UDP/ICMP/ICMPv6/SCTP checksum, all from the
/// headers alone. A UDP checksum of 0 stays 0, a computed 0 becomes 0xffff. Later fragments get their addresses only.
/// `meta` keeps the key as it was received.
template <Address A>
inline void translate(std::uint8_t* frame, const PacketMeta& meta, const Connection<A>& connection,
                      Direction from) noexcept {
    const bool original = from == Direction::original;
    detail::rewrite(frame, meta, detail::mirrored(original ? connection.reply : connection.original),
                    detail::deltas(connection, original));
}

/// Takes back what `translate` did: for ICMP errors that must quote the packet as its sender knows it.
template <Address A>
inline void translate_back(std::uint8_t* frame, const PacketMeta& meta, const Connection<A>& connection,
                           Direction from) noexcept {
    const bool original = from == Direction::original;
    detail::rewrite(frame, meta, detail::as_is(original ? connection.original : connection.reply),
                    detail::deltas(connection, !original));
}

/// An ICMP error about a translated packet: rewrites the quoted packet (addresses, ports, its IPv4 header checksum, and
/// its transport checksum where enough is quoted) and the outer destination (and the outer source, when the error comes
/// from the translated end itself), and recomputes the ICMP checksum incrementally (RFC 5508 §4.2). `connection` and
/// `quoted_from` say which connection the quoted packet belongs to and which end had sent it. `length` is the frame's
/// length in bytes.
template <Address A>
void translate_icmp_error(std::uint8_t* frame, std::size_t length, const PacketMeta& meta,
                          const Connection<A>& connection, Direction quoted_from) noexcept;

}  // namespace viaduct
