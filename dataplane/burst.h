// A burst: up to 64 packets with their metadata, travelling through the stages together.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>

#include "encap/drop.h"
#include "encap/packet.h"
#include "lb/connection_table.h"
#include "tables/counters.h"
#include "tables/routes.h"

namespace viaduct {

/// What becomes of a packet. `travelling` until a stage has decided.
enum class Verdict : std::uint8_t { travelling, forward, hand_over, kernel, held, drop };

using Slot = std::uint8_t;  // a packet's place in its burst

/// The part of a packet's metadata that only the middle stages need.
struct Treatment {
    // track → translate: the packet's connection, of the packet's family
    union Tracked {
        Connection<Ipv4>* v4;
        Connection<Ipv6>* v6;
    } connection{nullptr};
    Direction direction{};
    bool quoted = false;            // an ICMP error: `direction` is the quoted packet's
    bool wants_connection = false;  // track looked for a connection and found none
    WorkerId owner = 0;             // hand_over
    // balance, for explain: which service decided
    ServiceIndex service = no_service;
    // route
    RouteTarget target{};
    PortId egress = PortId::none;

    template <Address A>
    [[nodiscard]] Connection<A>*& tracked() noexcept {
        if constexpr (std::same_as<A, Ipv4>) return connection.v4;
        else return connection.v6;
    }
};

class Burst {
public:
    static constexpr unsigned capacity = 64;

    unsigned count = 0;
    std::array<rte_mbuf*, capacity> mbufs;
    std::array<PacketMeta, capacity> meta;
    std::array<Treatment, capacity> treatment;
    std::array<Verdict, capacity> verdict;
    std::array<Drop, capacity> reason;  // when the verdict is drop
    // packets still travelling, in order of arrival
    std::array<Slot, capacity> live;
    unsigned live_count = 0;

    [[nodiscard]] std::uint8_t* frame(Slot slot) const noexcept { return rte_pktmbuf_mtod(mbufs[slot], std::uint8_t*); }
    [[nodiscard]] std::uint8_t* ip(Slot slot) const noexcept { return frame(slot) + meta[slot].network_at; }

    /// Decides a packet's fate. Only for a slot that `for_each` is visiting.
    void decide(Slot slot, Verdict v) noexcept { verdict[slot] = v; }
    void drop(Slot slot, Drop why) noexcept {
        verdict[slot] = Verdict::drop;
        reason[slot] = why;
    }

    /// Calls `visit(slot)` for every travelling packet, and keeps those that travel on.
    template <class Visit>
    void for_each(Visit&& visit) noexcept {
        unsigned kept = 0;
        for (unsigned i = 0; i < live_count; ++i) {
            const Slot slot = live[i];
            visit(slot);
            live[kept] = slot;
            kept += verdict[slot] == Verdict::travelling ? 1U : 0U;
        }
        live_count = kept;
    }
};

/// The metadata that travels with a packet outside a burst (hand-over, waiting): in the mbuf's private area.
[[nodiscard]] inline PacketMeta& carried_meta(rte_mbuf* mbuf) noexcept {
    return *static_cast<PacketMeta*>(rte_mbuf_to_priv(mbuf));
}
inline constexpr std::uint16_t mbuf_private_size = sizeof(PacketMeta);

}  // namespace viaduct
