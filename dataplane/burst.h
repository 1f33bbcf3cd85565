// A burst: up to 64 packets with their metadata, travelling through the stages together.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>

#include "encap/drop.h"
#include "encap/packet.h"
#include "lb/connection.h"
#include "lb/prefetch.h"
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

/// What the middle stages find out and decide about a packet. Half a cache line.
struct alignas(32) Treatment {
    void* connection = nullptr;  // track → translate: a Connection of the packet's family
    RouteTarget target{};
    ServiceIndex service = no_service;  // what balance chose from, for explain
    Direction direction{};              // of the packet, or of the quoted packet in an ICMP error
    Interest interest{};
    bool unknown = false;                 // track looked for its connection and found none
    NetworkId network = NetworkId::none;  // where it goes on: a Service may lie in another network than the client
    PortId egress = PortId::none;
    WorkerId owner = 0;  // whom to hand it over to

    template <Address A>
    [[nodiscard]] Connection<A>* tracked() const noexcept {
        return static_cast<Connection<A>*>(connection);
    }
};
static_assert(sizeof(Treatment) == 32);
inline constexpr Treatment untreated{};  // to be copied: two vector stores

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
    std::array<Drop, capacity> reason;                // when the verdict is drop
    bool decided = false;                             // a fate, since the travelling ones were last sorted out
    bool all_travel = false;                          // none has been decided at all
    unsigned decapsulated, translated, encapsulated;  // how many packets were, for the counters
    unsigned tracked, unknown;                        // how many have a connection, and how many look for one in vain

    [[nodiscard]] std::uint8_t* frame(Slot slot) const noexcept { return rte_pktmbuf_mtod(mbufs[slot], std::uint8_t*); }
    [[nodiscard]] std::uint8_t* ip(Slot slot) const noexcept { return frame(slot) + meta[slot].network_at; }

    [[nodiscard]] Packet packet(Slot slot) noexcept {
        return {slot, *mbufs[slot], meta[slot], treatment[slot], ip(slot)};
    }

    /// Begins: `count` packets with their ingress set. They have treatments, and travel, when parse has looked at them.
    void start() noexcept {
        verdict.fill(Verdict::travelling);
        for (Travellers& family : travellers_) family.count = 0;
        decided = false;
        all_travel = true;
        decapsulated = translated = encapsulated = tracked = unknown = 0;
    }
    /// Begins in the middle: with packets whose metadata is known.
    void start_parsed() noexcept {
        start();
        for (unsigned i = 0; i < count; ++i) {
            begin_treatment(static_cast<Slot>(i), meta[i].network());
            travels(static_cast<Slot>(i));
        }
    }

    void begin_treatment(Slot slot, NetworkId network) noexcept {
        treatment[slot] = untreated;
        treatment[slot].network = network;
    }
    /// Its family is known: it takes part in what the stages do for that one. Also a packet that `keep_of` lets go from
    /// the other one.
    void travels(Slot slot) noexcept { travels(slot, meta[slot].family); }
    void travels(Slot slot, Family its) noexcept {
        Travellers& family = travellers_[static_cast<std::size_t>(its)];
        family.slots[family.count++] = slot;
    }
    template <Address A>
    [[nodiscard]] unsigned travelling() const noexcept {
        return travellers_[static_cast<std::size_t>(family_of<A>)].count;
    }
    [[nodiscard]] unsigned travelling() const noexcept { return travelling<Ipv4>() + travelling<Ipv6>(); }

    /// Decides a packet's fate. It leaves the travelling ones at the end of `for_each_of`.
    void decide(Slot slot, Verdict v) noexcept {
        verdict[slot] = v;
        decided = true;
        all_travel = false;
    }
    void drop(Slot slot, Drop why) noexcept {
        decide(slot, Verdict::drop);
        reason[slot] = why;
    }

    /// Calls `visit(slot)` for every travelling packet of one family, and keeps those that travel on.
    template <Address A, class Visit>
    void for_each_of(Visit&& visit) noexcept {
        const Travellers& family = travellers_[static_cast<std::size_t>(family_of<A>)];
        const unsigned visited = family.count;
        for (unsigned i = 0; i < visited; ++i) visit(family.slots[i]);
        if (decided) sort_out();
    }

    /// The same for a visitor that says itself whether its packet travels on, in this family. The first `visited` ones
    /// are looked at: the others have come from the other family meanwhile, and stay.
    template <Address A, class Visit>
    void keep_of(unsigned visited, Visit&& visit) noexcept {
        Travellers& family = travellers_[static_cast<std::size_t>(family_of<A>)];
        unsigned kept = 0;
        for (unsigned i = 0; i < visited; ++i) {
            const Slot slot = family.slots[i];
            family.slots[kept] = slot;
            kept += visit(slot) ? 1U : 0U;
        }
        if (kept == visited) return;
        for (unsigned i = visited; i < family.count; ++i) family.slots[kept++] = family.slots[i];
        family.count = kept;
    }

    /// Lets the decided packets go from the travelling ones.
    void sort_out() noexcept {
        sort_out(Family::v4);
        sort_out(Family::v6);
        decided = false;
    }

private:
    /// One family's packets that still travel, in order of arrival.
    struct Travellers {
        std::array<Slot, capacity> slots;
        unsigned count = 0;
    };

    void sort_out(Family family) noexcept {
        Travellers& all = travellers_[static_cast<std::size_t>(family)];
        unsigned kept = 0;
        for (unsigned i = 0; i < all.count; ++i) {
            const Slot slot = all.slots[i];
            all.slots[kept] = slot;
            kept += verdict[slot] == Verdict::travelling ? 1U : 0U;
        }
        all.count = kept;
    }

    std::array<Travellers, 2> travellers_;  // by Family
};

/// The metadata that travels with a packet outside a burst (hand-over, waiting): in the mbuf's private area.
[[nodiscard]] inline PacketMeta& carried_meta(rte_mbuf* mbuf) noexcept {
    return *static_cast<PacketMeta*>(rte_mbuf_to_priv(mbuf));
}
inline constexpr std::uint16_t mbuf_private_size = sizeof(PacketMeta);

/// Asks for all that a pipeline will touch of a packet that another worker has handed over, which lies in that one's
/// cache: the mbuf, what it carries, and the headers, at the place where most frames begin. Reads nothing.
inline void prefetch_handed_over(rte_mbuf* mbuf) noexcept {
    prefetch_to_write(mbuf);
    prefetch(&carried_meta(mbuf));
    auto* frame = reinterpret_cast<std::uint8_t*>(mbuf + 1) + mbuf_private_size + RTE_PKTMBUF_HEADROOM;
    prefetch_to_write(frame);
    prefetch_to_write(frame + 64);
}

}  // namespace viaduct
