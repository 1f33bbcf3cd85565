// A burst: up to 64 packets with their metadata, travelling through the stages together.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>

#include "encap/drop.h"
#include "encap/packet.h"
#include "lb/connection.h"
#include "lb/snat.h"
#include "tables/routes.h"

namespace viaduct {

/// What becomes of a packet. `travelling` until a stage has decided.
enum class Verdict : std::uint8_t { travelling, forward, hand_over, kernel, held, drop };

using Slot = std::uint8_t;  // a packet's place in its burst

/// Why a packet has to do with connections.
enum class Interest : std::uint8_t {
    none,        // routed as it is: pod to pod, or a network without masquerade
    service,     // to a service's own address
    node_port,   // to an address of the gateway's that NodePorts share with the kernel
    reply,       // to an SNAT address
    masquerade,  // from outside to a pod: takes an SNAT address
    follow,      // from a pod to the outside: remembered, so that its replies are not masqueraded
};

/// What the middle stages find out and decide about a packet.
struct Treatment {
    void* connection = nullptr;  // track → translate: a Connection of the packet's family
    Direction direction{};       // of the packet, or of the quoted packet in an ICMP error
    Interest interest{};
    bool unknown = false;  // track looked for its connection and found none
    NetworkId network{};   // where it goes on: a Service may lie in another network than the client
    PortId egress = PortId::none;
    WorkerId owner = 0;                 // whom to hand it over to
    ServiceIndex service = no_service;  // what balance chose from, for explain
    RouteTarget target{};

    template <Address A>
    [[nodiscard]] Connection<A>* tracked() const noexcept {
        return static_cast<Connection<A>*>(connection);
    }
};

/// A packet of a burst with its metadata at hand, for the time of a look at it.
struct Packet {
    Slot slot;
    rte_mbuf& mbuf;
    PacketMeta& meta;
    Treatment& treatment;
    std::uint8_t* ip;
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
    // the packets still travelling, in order of arrival
    std::array<Slot, capacity> live;
    unsigned live_count = 0;
    bool decided = false;  // since the travelling ones were last sorted out
    std::array<bool, 2> families;  // which are there, by Family; a stage skips what is not
    unsigned decapsulated, translated, encapsulated;  // how many packets were, for the counters
    unsigned tracked, unknown;                        // how many have a connection, and how many look for one in vain

    [[nodiscard]] std::uint8_t* frame(Slot slot) const noexcept { return rte_pktmbuf_mtod(mbufs[slot], std::uint8_t*); }
    [[nodiscard]] std::uint8_t* ip(Slot slot) const noexcept { return frame(slot) + meta[slot].network_at; }

    [[nodiscard]] Packet packet(Slot slot) noexcept {
        return {slot, *mbufs[slot], meta[slot], treatment[slot], ip(slot)};
    }

    /// A packet of this family is among them.
    void holds(Family family) noexcept { families[static_cast<std::size_t>(family)] = true; }

    /// Begins: `count` packets with their ingress set are travelling.
    void start() noexcept {
        for (unsigned i = 0; i < count; ++i) {
            verdict[i] = Verdict::travelling;
            treatment[i] = {};
            live[i] = static_cast<Slot>(i);
        }
        live_count = count;
        decided = false;
        families.fill(true);  // until parse knows better
        decapsulated = translated = encapsulated = tracked = unknown = 0;
    }

    /// Decides a packet's fate. It leaves the travelling ones at the end of `for_each`.
    void decide(Slot slot, Verdict v) noexcept {
        verdict[slot] = v;
        decided = true;
    }
    void drop(Slot slot, Drop why) noexcept {
        decide(slot, Verdict::drop);
        reason[slot] = why;
    }

    /// Calls `visit(slot)` for every travelling packet, and keeps those that travel on.
    template <class Visit>
    void for_each(Visit&& visit) noexcept {
        const unsigned visited = live_count;
        for (unsigned i = 0; i < visited; ++i) visit(live[i]);
        if (decided) sort_out();
    }

    /// The same for those of one family.
    template <Address A, class Visit>
    void for_each_of(Visit&& visit) noexcept {
        if (!families[static_cast<std::size_t>(family_of<A>)]) return;
        for_each([&](Slot slot) noexcept {
            if (meta[slot].family == family_of<A>) visit(slot);
        });
    }

    /// Lets the decided packets go from the travelling ones.
    void sort_out() noexcept {
        unsigned kept = 0;
        for (unsigned i = 0; i < live_count; ++i) {
            live[kept] = live[i];
            kept += verdict[live[i]] == Verdict::travelling ? 1U : 0U;
        }
        live_count = kept;
        decided = false;
    }
};

/// The metadata that travels with a packet outside a burst (hand-over, waiting): in the mbuf's private area.
[[nodiscard]] inline PacketMeta& carried_meta(rte_mbuf* mbuf) noexcept {
    return *static_cast<PacketMeta*>(rte_mbuf_to_priv(mbuf));
}
inline constexpr std::uint16_t mbuf_private_size = sizeof(PacketMeta);

}  // namespace viaduct
