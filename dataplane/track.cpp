// Stage track: which packets have to do with connections, which worker owns those, and what is known about them.
//
// Theory of operation. A packet's addresses tell its interest. With one worker, that is all. With several, the owner is
// computed from the packet: a reply's SNAT port names it; other flows hash to a slot, except that a flow to a service
// stays where a flow-stable port delivered it. ICMP errors and fragments of such flows cannot be computed: they go
// round from worker to worker until one knows the connection. Fragments first go to the worker where their datagram's
// addresses hash to: it learns the ports from the first fragment and lends them to the later ones.
#include <span>

#include "dataplane/stages.h"
#include "encap/flow_hash.h"
#include "encap/icmp.h"

namespace viaduct {
namespace {

template <Address A>
class Tracker {
public:
    Tracker(Burst& burst, const Snapshot& now, ConnectionTable<A>& connections, FragmentTable& fragments,
            const Surroundings& around, Seconds clock) noexcept
        : burst_(burst),
          now_(now),
          addresses_(now.frontends->template addresses<A>()),
          connections_(connections),
          fragments_(fragments),
          around_(around),
          clock_(clock) {}

    /// Looks at one packet; what has to be looked up is put into a list.
    void collect(Packet& packet) noexcept;
    /// Looks the list up at once and tells each packet.
    void find() noexcept;

private:
    /// Whether an ICMP error about no connection of ours is for somebody all the same: the kernel, or an outside host.
    [[nodiscard]] static bool goes_on(Interest interest) noexcept {
        return interest == Interest::node_port || interest == Interest::follow;
    }
    [[nodiscard]] Interest interest_of(const FlowKey<A>& key) noexcept;
    [[nodiscard]] bool enter(NetworkId id) noexcept;
    [[nodiscard]] WorkerId owner_of(const PacketMeta& meta, const FlowKey<A>& key, Interest interest) const noexcept;
    [[nodiscard]] bool is_here(Packet& packet) noexcept;
    [[nodiscard]] bool settle_fragment(Packet& packet) noexcept;
    [[nodiscard]] bool is_stale(Connection<A>& connection) noexcept;
    void look_up(Packet& packet, const FlowKey<A>& key, std::uint32_t hash) noexcept;
    [[gnu::cold]] void look_up_quoted(Packet& packet) noexcept;
    [[nodiscard]] bool is_over(Connection<A>& connection, Direction from, const PacketMeta& meta) noexcept;
    /// Most packets: established, and nothing in the flags that could change it.
    [[nodiscard]] static bool is_quiet(const Connection<A>& connection, const PacketMeta& meta) noexcept {
        constexpr auto loud = static_cast<std::uint8_t>(TcpHeader::syn | TcpHeader::fin | TcpHeader::rst);
        return connection.tcp == TcpState::established && (meta.tcp_flags & loud) == 0;
    }
    void end(Connection<A>& connection) noexcept;
    void found(Packet& packet, const Hit<A>& hit) noexcept;
    void not_found(Packet& packet) noexcept;
    [[nodiscard]] static bool is_fragment(const PacketMeta& meta) noexcept {
        return meta.first_fragment || meta.transport == Transport::later_fragment;
    }
    void hand_over(Packet& packet, WorkerId owner) noexcept {
        packet.owner = owner;
        burst_.decide(packet, Verdict::hand_over);
        prefetch_to_write(&carried_meta(packet.mbuf));
    }
    [[nodiscard]] bool shared() const noexcept { return shared_; }

    Burst& burst_;
    const Snapshot& now_;
    const FrontendIndex<A>& addresses_;
    struct {  // a network, as interest_of asks about it. A burst's packets are mostly of one
        NetworkId id = NetworkId::none;
        bool masquerade = false;
        SnatPool<A> snat;
        const PrefixSet<A>* inside = nullptr;
    } network_;
    ConnectionTable<A>& connections_;
    FragmentTable& fragments_;
    const Surroundings& around_;
    const bool shared_ = around_.slots->workers() > 1;  // flows, among workers
    const Seconds clock_;
    struct Lists {
        std::array<Lookup<A>, Burst::capacity> lookups;
        std::array<Packet*, Burst::capacity> packets;
        std::array<FlowKey<A>, Burst::capacity> quoted;  // the keys of ICMP errors' quoted packets, where there are any
    };
    union Unwritten {  // only what is used gets written: clearing all of it would cost every burst
        Lists lists;
        Unwritten() {}
    } scratch_;
    unsigned count_ = 0;
    bool erased_ = false;
};

template <Address A>
inline Interest Tracker<A>::interest_of(const FlowKey<A>& key) noexcept {
    if (key.network != network_.id && !enter(key.network)) return Interest::none;
    if (addresses_.may_own(key.destination)) {
        const AddressOwner owner = addresses_.owner_of(key.destination);
        if (owner == AddressOwner::service) return Interest::service;
        if (owner == AddressOwner::shared)
            return network_.snat.contains(key.destination) ? Interest::reply : Interest::node_port;
    }
    if (network_.snat.contains(key.destination)) return Interest::reply;
    if (!network_.masquerade) return Interest::none;
    const bool from_inside = network_.inside->contains(key.source);
    if (from_inside == network_.inside->contains(key.destination)) return Interest::none;
    return from_inside ? Interest::follow : Interest::masquerade;
}

/// False when there is no such network.
template <Address A>
[[gnu::noinline]] bool Tracker<A>::enter(NetworkId id) noexcept {
    if (!now_.has(id)) return false;
    const Network& network = now_.network(id);
    const NetworkFamily<A>& family = network.template family<A>();
    network_ = {id, network.settings.masquerade, family.snat, &family.inside};
    return true;
}

template <Address A>
WorkerId Tracker<A>::owner_of(const PacketMeta& meta, const FlowKey<A>& key, Interest interest) const noexcept {
    const SlotMap& slots = *around_.slots;
    if (interest == Interest::reply) return slots.owner(slot_of_port(key.destination_port));
    if (interest == Interest::service || interest == Interest::node_port) {
        const FrontendTarget* frontend = now_.frontends->find(key.destination, key.destination_port, key.protocol);
        if (frontend != nullptr && now_.frontends->service(frontend->service).affinity_seconds != 0)
            return slots.owner(slot_of_hash(address_hash(key.source)));
        if (now_.traits(meta.ingress).flow_stable && !meta.from_overlay && !meta.handed_over) return around_.self;
    }
    return slots.owner(slot_of_hash(symmetric_hash(key)));
}

/// Whether this worker is to look for the packet's connection; otherwise it has been handed over, held or dropped.
template <Address A>
bool Tracker<A>::is_here(Packet& packet) noexcept {
    PacketMeta& meta = packet.meta;
    if (is_fragment(meta) && meta.hops == 0 && !settle_fragment(packet)) return false;
    if (!shared() || meta.hops != 0) return true;
    meta.hops = 1;
    if (meta.transport == Transport::icmp_error) return true;
    const WorkerId owner = owner_of(meta, meta.flow<A>(), packet.treatment.interest);
    if (owner != around_.self) hand_over(packet, owner);
    return owner == around_.self;
}

/// True when the fragment's ports are in its key.
template <Address A>
bool Tracker<A>::settle_fragment(Packet& packet) noexcept {
    PacketMeta& meta = packet.meta;
    if (shared() && !meta.handed_over) {
        FlowKey<A> datagram = meta.flow<A>();
        datagram.source_port = datagram.destination_port = Be16(0);
        const WorkerId home = around_.slots->owner(slot_of_hash(symmetric_hash(datagram)));
        if (home != around_.self) {
            hand_over(packet, home);
            return false;
        }
    }
    switch (fragments_.settle<A>(*packet.mbuf, packet.frame(), meta, clock_)) {
        case FragmentTable::Outcome::ports_known:
            return true;
        case FragmentTable::Outcome::waits:
            burst_.decide(packet, Verdict::held);
            return false;
        case FragmentTable::Outcome::full:
            burst_.drop(packet, Drop::fragment_table_full);
            return false;
    }
    return false;
}

template <Address A>
[[gnu::always_inline]] inline void Tracker<A>::collect(Packet& packet) noexcept {
    PacketMeta& meta = packet.meta;
    FlowKey<A>& key = meta.flow<A>();
    const Interest interest = interest_of(key);
    if (interest == Interest::none) return;
    packet.treatment.interest = interest;
    if ((!meta.whole_flow || shared()) && !is_here(packet)) return;
    if (!meta.whole_flow && meta.transport == Transport::icmp_error) return look_up_quoted(packet);
    meta.hash = flow_hash(key);  // only now: a fragment's ports have just been lent
    look_up(packet, key, meta.hash);
}

/// An ICMP error: the connection of the packet that it quotes.
template <Address A>
void Tracker<A>::look_up_quoted(Packet& packet) noexcept {
    FlowKey<A> quoted;
    if (!quoted_flow<A>(packet.frame(), packet.mbuf->data_len, packet.meta, quoted)) {
        if (!goes_on(packet.treatment.interest)) burst_.drop(packet, Drop::icmp_unsupported);
        return;
    }
    FlowKey<A>& known = scratch_.lists.quoted[count_];
    known = quoted.mirrored();  // as the packet would come back: the key that the table knows
    look_up(packet, known, flow_hash(known));
}

template <Address A>
void Tracker<A>::look_up(Packet& packet, const FlowKey<A>& key, std::uint32_t hash) noexcept {
    const unsigned at = count_++;
    Lookup<A>& lookup = scratch_.lists.lookups[at];
    lookup.key = &key;
    lookup.hash = hash;  // what is found comes later
    scratch_.lists.packets[at] = &packet;
}

/// A UDP flow whose backend has gone: it must find another (kube-proxy flushes such conntrack entries).
template <Address A>
bool Tracker<A>::is_stale(Connection<A>& connection) noexcept {
    if (connection.checked == now_.services_version || connection.backend.is_none()) return false;
    connection.checked = now_.services_version;
    if (connection.tcp != TcpState::none) return false;  // TCP ends by itself
    const Service* service = now_.frontends->by_id(connection.service);
    return service == nullptr || service->backends->find(connection.backend) == nullptr;
}

/// The client's packet begins anew: a port that comes round again, or a UDP flow that needs another backend.
template <Address A>
bool Tracker<A>::is_over(Connection<A>& connection, Direction from, const PacketMeta& meta) noexcept {
    if (from == Direction::reply) return false;
    const bool reopens = (meta.tcp_flags & TcpHeader::syn) != 0 && tcp_reopens(connection.tcp, from, meta.tcp_flags);
    return reopens || is_stale(connection);
}

/// Its record may serve another connection before this burst is done: earlier packets of the burst must let go of it.
template <Address A>
void Tracker<A>::end(Connection<A>& connection) noexcept {
    for (unsigned i = 0; i < count_; ++i)
        if (Packet& packet = *scratch_.lists.packets[i]; packet.treatment.connection == &connection)
            burst_.drop(packet, Drop::no_connection);
    connections_.erase(connection);
    erased_ = true;
}

template <Address A>
void Tracker<A>::found(Packet& packet, const Hit<A>& hit) noexcept {
    const PacketMeta& meta = packet.meta;
    Treatment& treatment = packet.treatment;
    Connection<A>& connection = *hit.connection;
    if (meta.whole_flow || meta.transport != Transport::icmp_error) {
        if (is_over(connection, hit.direction, meta)) {
            end(connection);
            return not_found(packet);
        }
        if (connection.last_seen != clock_) connection.last_seen = clock_;
        if (connection.tcp != TcpState::none && !is_quiet(connection, meta))
            connection.tcp = tcp_next(connection.tcp, hit.direction, meta.tcp_flags);
    }
    treatment.connection = &connection;
    ++burst_.tracked;
    treatment.direction = hit.direction;
    packet.network = hit.direction == Direction::original ? connection.reply.network : connection.original.network;
}

template <Address A>
void Tracker<A>::not_found(Packet& packet) noexcept {
    PacketMeta& meta = packet.meta;
    const bool error = meta.transport == Transport::icmp_error;
    if (shared() && (error || is_fragment(meta)) && meta.hops <= around_.slots->workers()) {
        ++meta.hops;  // once round, back to where the search began
        return hand_over(packet, static_cast<WorkerId>((around_.self + 1U) % around_.slots->workers()));
    }
    if (!error) {
        packet.treatment.unknown = true;
        ++burst_.unknown;
    } else if (!goes_on(packet.treatment.interest)) {
        burst_.drop(packet, Drop::no_connection);
    }
}

template <Address A>
void Tracker<A>::find() noexcept {
    connections_.find(std::span(scratch_.lists.lookups).first(count_), clock_);
    Packet* const* packet = scratch_.lists.packets.data();
    for (Lookup<A>& lookup : std::span(scratch_.lists.lookups).first(count_)) {
        // An earlier packet of this burst may have ended the connection that this one was found to have.
        if (erased_ && lookup.hit) [[unlikely]]
            lookup.hit = connections_.find(*lookup.key, lookup.hash, clock_);
        if (lookup.hit)
            found(**packet++, lookup.hit);
        else
            not_found(**packet++);
    }
}

template <Address A>
void track_family(Burst& burst, const Snapshot& now, Connections& connections, FragmentTable& fragments,
                  const Surroundings& around, Seconds clock) noexcept {
    Tracker<A> tracker(burst, now, connections.family<A>(), fragments, around, clock);
    burst.for_each_of<A>([&](Packet& packet) noexcept { tracker.collect(packet); });
    tracker.find();
}

}  // namespace

void track(Burst& burst, const Snapshot& now, Connections& connections, FragmentTable& fragments,
           const Surroundings& around, Seconds clock) noexcept {
    track_family<Ipv4>(burst, now, connections, fragments, around, clock);
    track_family<Ipv6>(burst, now, connections, fragments, around, clock);
    if (burst.decided) burst.sort_out();
}

}  // namespace viaduct
