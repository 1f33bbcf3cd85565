// A burst: up to 64 packets with their metadata, travelling through the stages together.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <span>

#include "encap/drop.h"
#include "encap/packet.h"
#include "lb/connection.h"
#include "lb/prefetch.h"
#include "lb/snat.h"
#include "tables/routes.h"

namespace viaduct {

struct Peer;
struct NextHop;

/// What becomes of a packet. `travelling` until a stage has decided.
enum class Verdict : std::uint8_t { travelling, forward, hand_over, kernel, held, drop };

/// Why a packet has to do with connections.
enum class Interest : std::uint8_t {
    none,        // routed as it is: pod to pod, or a network without masquerade
    service,     // to a service's own address
    node_port,   // to an address of the gateway's that NodePorts share with the kernel
    reply,       // to an SNAT address
    masquerade,  // from outside to a pod: takes an SNAT address
    follow,      // from a pod to the outside: remembered, so that its replies are not masqueraded
};

/// What the middle stages find out about a packet. To be copied as a whole: one vector store begins it anew.
struct alignas(16) Treatment {
    void* connection = nullptr;         // track → translate: a Connection of the packet's family
    ServiceIndex service = no_service;  // what balance chose from, for explain
    Verdict verdict = Verdict::travelling;
    Interest interest = Interest::none;
    Direction direction{};  // of the packet, or of the quoted packet in an ICMP error
    bool unknown = false;   // track looked for its connection and found none

    template <Address A>
    [[nodiscard]] Connection<A>* tracked() const noexcept {
        return static_cast<Connection<A>*>(connection);
    }
};
static_assert(sizeof(Treatment) == 16);
inline constexpr Treatment untreated{};

/// A packet of a burst: its buffer, and what the stages know about it and have decided. Two cache lines.
struct alignas(64) Packet {
    PacketMeta meta;
    Treatment treatment;
    NetworkId network;   // where it goes on: a Service may lie in another network than the client
    PortId egress;       // when it is forwarded, or the kernel's
    WorkerId owner;      // when it is handed over
    Drop reason;         // when it is dropped
    RouteTarget target;  // set by route, unless it is a peer
    const Peer* peer;    // the target, if it is one, otherwise nullptr
    const NextHop* hop;  // the target, if it is one
    rte_mbuf* mbuf;
    std::uint8_t* ip;  // its IP header, `meta.network_at` bytes from where the frame begins

    [[nodiscard]] std::uint8_t* frame() const noexcept { return rte_pktmbuf_mtod(mbuf, std::uint8_t*); }
    /// Looks up again where its IP header is: the frame has moved.
    void find_ip() noexcept { ip = frame() + meta.network_at; }
    /// With nothing decided. Its metadata and IP header are the caller's to tell.
    void begin(rte_mbuf* its, NetworkId in) noexcept {
        mbuf = its;
        treatment = untreated;
        network = in;
    }
};
static_assert(sizeof(Packet) == 128);

/// The metadata that travels with a packet outside a burst (hand-over, waiting): in the mbuf's private area.
[[nodiscard]] inline PacketMeta& carried_meta(rte_mbuf* mbuf) noexcept {
    return *static_cast<PacketMeta*>(rte_mbuf_to_priv(mbuf));
}
inline constexpr std::uint16_t mbuf_private_size = sizeof(PacketMeta);

class Burst {
public:
    static constexpr unsigned capacity = 64;

    unsigned count = 0;
    PortId ingress = PortId::none;          // of packets that have just been received
    std::array<rte_mbuf*, capacity> mbufs;  // as they came, before a stage has looked at them
    std::array<Packet, capacity> packets;   // the first `count`
    bool decided = false;                   // a fate, since the travelling ones were last sorted out
    bool all_alike = false;                 // none has been decided or cut at all, and none is the gateway's own
    unsigned decapsulated, translated, encapsulated;  // how many packets were, for the counters
    unsigned tracked, unknown;                        // how many have a connection, and how many look for one in vain
    std::uint64_t received_bytes;                     // set by parse

    /// Begins with packets that have just been received. They have treatments, and travel, when parse has looked at
    /// them.
    void start() noexcept {
        for (Travellers& family : travellers_) family.count = 0;
        decided = false;
        all_alike = true;
        decapsulated = translated = encapsulated = tracked = unknown = 0;
    }
    /// Begins in the middle: with packets that carry what is known about them.
    void start_carried() noexcept {
        start();
        for (unsigned i = 0; i < count; ++i) {
            Packet& packet = packets[i];
            packet.meta = carried_meta(mbufs[i]);
            packet.begin(mbufs[i], packet.meta.network());
            packet.find_ip();
            travels(packet);
            if (packet.meta.originated) all_alike = false;
        }
    }
    [[nodiscard]] std::span<rte_mbuf* const> received() const noexcept { return std::span(mbufs).first(count); }
    [[nodiscard]] std::span<Packet> all() noexcept { return std::span(packets).first(count); }

    /// Its family is known: it takes part in what the stages do for that one. Also a packet that `keep_of` lets go from
    /// the other one.
    void travels(Packet& packet) noexcept { travels(packet, packet.meta.family); }
    void travels(Packet& packet, Family its) noexcept {
        Travellers& family = travellers_[static_cast<std::size_t>(its)];
        family.packets[family.count++] = &packet;
    }
    template <Address A>
    [[nodiscard]] unsigned travelling() const noexcept {
        return travellers_[static_cast<std::size_t>(family_of<A>)].count;
    }
    [[nodiscard]] unsigned travelling() const noexcept { return travelling<Ipv4>() + travelling<Ipv6>(); }

    /// Decides a packet's fate. It leaves the travelling ones at the end of `for_each_of`.
    void decide(Packet& packet, Verdict verdict) noexcept {
        packet.treatment.verdict = verdict;
        decided = true;
        all_alike = false;
    }
    void drop(Packet& packet, Drop why) noexcept {
        decide(packet, Verdict::drop);
        packet.reason = why;
    }

    /// Calls `visit(packet)` for every travelling packet of one family, and keeps those that travel on.
    template <Address A, class Visit>
    void for_each_of(Visit&& visit) noexcept {
        const Travellers& family = travellers_[static_cast<std::size_t>(family_of<A>)];
        const unsigned visited = family.count;
        for (unsigned i = 0; i < visited; ++i) visit(*family.packets[i]);
        if (decided) sort_out();
    }

    /// The same for a visitor that says itself whether its packet travels on, in this family. The first `visited` ones
    /// are looked at: the others have come from the other family meanwhile, and stay.
    template <Address A, class Visit>
    void keep_of(unsigned visited, Visit&& visit) noexcept {
        Travellers& family = travellers_[static_cast<std::size_t>(family_of<A>)];
        unsigned kept = 0;
        for (unsigned i = 0; i < visited; ++i) {
            Packet* const packet = family.packets[i];
            family.packets[kept] = packet;
            kept += visit(*packet) ? 1U : 0U;
        }
        if (kept == visited) return;
        for (unsigned i = visited; i < family.count; ++i) family.packets[kept++] = family.packets[i];
        family.count = kept;
    }

    /// Lets the decided packets go from the travelling ones.
    void sort_out() noexcept {
        for (Travellers& family : travellers_) sort_out(family);
        decided = false;
    }

private:
    /// One family's packets that still travel, in order of arrival.
    struct Travellers {
        std::array<Packet*, capacity> packets;
        unsigned count = 0;
    };

    static void sort_out(Travellers& family) noexcept {
        unsigned kept = 0;
        for (unsigned i = 0; i < family.count; ++i) {
            Packet* const packet = family.packets[i];
            family.packets[kept] = packet;
            kept += packet->treatment.verdict == Verdict::travelling ? 1U : 0U;
        }
        family.count = kept;
    }

    std::array<Travellers, 2> travellers_;  // by Family
};

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
