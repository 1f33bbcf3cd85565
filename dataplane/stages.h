// The pipeline's stages. Each is a function over the packets of a burst that still travel; what it needs besides the
// burst and the snapshot is in its signature. No stage allocates, locks, logs, throws or enters the kernel.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/fragments.h"
#include "dataplane/originated.h"
#include "dataplane/surroundings.h"
#include "dataplane/waiting.h"
#include "lb/affinity.h"
#include "lb/connection_table.h"
#include "tables/snapshot.h"

namespace viaduct {

/// The connections of both families.
struct Connections {
    ConnectionTable<Ipv4> v4;
    ConnectionTable<Ipv6> v6;
    template <Address A>
    [[nodiscard]] ConnectionTable<A>& family() noexcept {
        if constexpr (std::same_as<A, Ipv4>)
            return v4;
        else
            return v6;
    }
};

/// Ethernet, IP and transport headers (RFC 1812 §5.2.2, RFC 8200). What is not for forwarding goes to the kernel.
void parse(Burst& burst, const Snapshot& now) noexcept;
/// Tunnel packets to our VTEP are checked (RFC 7348, RFC 6040); the inner packet takes their place.
void decapsulate(Burst& burst, const Snapshot& now) noexcept;
/// Finds the connection of every packet that may belong to one, or the worker that owns it.
void track(Burst& burst, const Snapshot& now, Connections& connections, FragmentTable& fragments,
           const Surroundings& around, Seconds clock) noexcept;
/// New flows: a service's get a backend, those from outside an SNAT address; remembers the choice.
void balance(Burst& burst, const Snapshot& now, Connections& connections, AffinityTable& affinities,
             Originated& originated, const Surroundings& around, Seconds clock) noexcept;
/// Addresses, ports, identifiers and their checksums.
void translate(Burst& burst) noexcept;
/// Where it leaves: peer, next hop, neighbour or kernel. TTL, MTU and a SYN's MSS; senders are told.
void route(Burst& burst, const Snapshot& now, WaitingPackets& waiting, Originated& originated,
           const Surroundings& around, Seconds clock) noexcept;
/// The headers in front: VXLAN towards a peer, Ethernet towards a neighbour.
void encapsulate(Burst& burst, const Snapshot& now) noexcept;
/// Every packet of the burst ends here, in exactly one counter. What a queue refuses is dropped, never spun on.
void transmit(Burst& burst, const Surroundings& around) noexcept;

}  // namespace viaduct
