// A tracked flow with its translation: one record serves both directions.
#pragma once

#include "encap/net_types.h"
#include "lb/service.h"
#include "lb/tcp_state.h"

namespace viaduct {

/// Which end of a connection sent a packet. `original`: the end that opened it (the client).
enum class Direction : std::uint8_t { original = 0, reply = 1 };

/// Whole seconds of a monotonic clock: coarse, because `last_seen` is written at most once a second.
using Seconds = std::uint32_t;

/// Owned and touched by one worker alone. IPv4 fills one cache line, IPv6 two. Holds stable identities and no
/// pointers, so that the table can outlive the process.
template <Address A>
struct alignas(64) Connection {
    FlowKey<A> original;            // as the client sends it: client → frontend
    FlowKey<A> reply;               // as the other end answers: backend → SNAT address
    std::uint16_t address_delta;    // RFC 1624 delta, original → translated, of the addresses (IPv4 header)
    std::uint16_t transport_delta;  // … and of addresses and ports (TCP, UDP checksum)
    Seconds last_seen;
    std::uint64_t service;  // Service::id, 0: routed without a service
    BackendId backend;      // none: routed without a service
    std::uint32_t checked;  // services' version at which `backend` was last known to exist
    TcpState tcp;
    bool translated;  // false: followed only, original.mirrored() == reply
    bool live;        // in the table; kept by ConnectionTable
};
static_assert(sizeof(Connection<Ipv4>) == 64 && sizeof(Connection<Ipv6>) == 128);

}  // namespace viaduct
