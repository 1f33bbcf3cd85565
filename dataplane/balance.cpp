// Stage balance: what becomes of flows that nobody knows yet.
//
// Theory of operation. A service's flow gets a backend: the one its client is tied to (sessionAffinity), else Maglev's.
// Such a flow, and one from outside to a pod, also gets a source address and port of the gateway's own pod subnet, so
// that an unmodified node routes the answer back here. The port is a candidate computed from the flow's hash; it is
// taken when no connection has the resulting reply key. Then both keys go into the table, and the next packet is known.
//
// A new flow is a chain of look-ups, each in a table too large for the caches: frontend, service, Maglev's slot, the
// backend, the connections that might have its reply key. So a burst goes through them together: a loop per table,
// which asks for the next one's memory, before the loop that decides, packet by packet. A loop that waits for memory is
// short, so that the processor sees many packets ahead; what is long and waits for nothing stands between two of them.
#include "dataplane/stages.h"
#include "encap/flow_hash.h"
#include "encap/icmp.h"
#include "lb/nat.h"
#include "lb/prefetch.h"

namespace viaduct {
namespace {

constexpr unsigned port_attempts = 128;  // per flow; more would let one full backend cost too much

/// Independent of the bits that place the connection in its table.
std::uint32_t spread(std::uint32_t hash) noexcept { return (hash ^ (hash >> 15U)) * 0x9e3779b1U; }

/// A packet of a flow that nobody knows, and what has been found out about it before it is its turn.
template <Address A>
struct Newcomer {
    Packet* packet = nullptr;
    const FrontendTarget* frontend = nullptr;
    const Service* service = nullptr;  // of its frontend; nullptr: not to a service's port
    const Backend* backend = nullptr;  // Maglev's; nullptr: none, or the client's affinity decides
    FlowKey<A> reply;                  // of its connection, if the first candidate port is free
};

template <Address A>
class Balancer {
public:
    Balancer(Burst& burst, const Snapshot& now, ConnectionTable<A>& connections, AffinityTable& affinities,
             Originated& originated, const Surroundings& around, Seconds clock) noexcept
        : burst_(burst),
          now_(now),
          connections_(connections),
          affinities_(affinities),
          originated_(originated),
          around_(around),
          clock_(clock) {}

    void collect(Packet& packet) noexcept;
    /// What was collected.
    void admit() noexcept {
        look_up();
        for (unsigned i = 0; i < count_; ++i) admit(newcomers_.list[i]);
    }

private:
    void look_up() noexcept;
    void find_service(Newcomer<A>& newcomer) noexcept;
    void begin_reply(Newcomer<A>& newcomer) noexcept;
    void find_backend(Newcomer<A>& newcomer) noexcept;

    void admit(Newcomer<A>& newcomer) noexcept;
    void to_service(Newcomer<A>& newcomer) noexcept;
    void to_no_frontend(Packet& packet) noexcept;
    void to_backend(Newcomer<A>& newcomer) noexcept;
    void echo(Packet& packet) noexcept;
    void refuse(Packet& packet, Drop why, bool tell) noexcept;
    [[nodiscard]] const Backend& choose_for_client(const Service& service, A client) noexcept;
    [[nodiscard]] FlowKey<A> reply_to_us(const Packet& packet, NetworkId network) const noexcept;
    static void comes_from(const Backend& backend, FlowKey<A>& reply) noexcept;
    [[nodiscard]] Connection<A>* open(Packet& packet, FlowKey<A> reply) noexcept;
    void follow(Packet& packet) noexcept;
    void enter(Packet& packet, Connection<A>& connection) noexcept;

    template <class Visit>
    void for_each_newcomer(Visit&& visit) noexcept {
        for (unsigned i = 0; i < count_; ++i) visit(newcomers_.list[i]);
    }
    [[nodiscard]] const FlowKey<A>& key_of(const Packet& packet) const noexcept {
        return packet.meta.template flow<A>();
    }

    Burst& burst_;
    const Snapshot& now_;
    ConnectionTable<A>& connections_;
    AffinityTable& affinities_;
    Originated& originated_;
    const Surroundings& around_;
    const Seconds clock_;
    union Unwritten {  // only what is used gets written: clearing all of it would cost every burst
        std::array<Newcomer<A>, Burst::capacity> list;
        Unwritten() {}
    } newcomers_;
    unsigned count_ = 0;
};

/// All that is known without deciding anything: nothing here depends on the burst's other packets.
template <Address A>
void Balancer<A>::look_up() noexcept {
    for_each_newcomer([&](Newcomer<A>& n) noexcept { find_service(n); });
    for (unsigned i = 0; i < count_; ++i) connections_.prefetch_free(i);
    for_each_newcomer([&](const Newcomer<A>& n) noexcept {
        if (n.service != nullptr) n.service->choice.prefetch(spread(n.packet->meta.hash));
    });
    for_each_newcomer([&](Newcomer<A>& n) noexcept { begin_reply(n); });
    for_each_newcomer([&](Newcomer<A>& n) noexcept { find_backend(n); });
    for_each_newcomer([&](Newcomer<A>& n) noexcept {
        if (n.backend != nullptr) comes_from(*n.backend, n.reply);
    });
    for_each_newcomer([&](const Newcomer<A>& n) noexcept { connections_.prefetch(flow_hash(n.reply)); });
}

template <Address A>
void Balancer<A>::collect(Packet& packet) noexcept {
    const FlowKey<A>& key = key_of(packet);
    now_.frontends->prefetch(key.destination, key.destination_port, key.protocol);
    newcomers_.list[count_++] = {.packet = &packet, .reply = {}};
}

template <Address A>
void Balancer<A>::find_service(Newcomer<A>& newcomer) noexcept {
    const Interest interest = newcomer.packet->treatment.interest;
    if (interest != Interest::service && interest != Interest::node_port) return;
    if (newcomer.packet->meta.transport == Transport::other) return;
    const FlowKey<A>& key = key_of(*newcomer.packet);
    newcomer.frontend = now_.frontends->find(key.destination, key.destination_port, key.protocol);
    if (newcomer.frontend == nullptr) return;
    newcomer.service = &now_.frontends->service(newcomer.frontend->service);
    newcomer.packet->treatment.service = newcomer.frontend->service;
    prefetch(newcomer.service);
}

/// The reply key, but for the backend in it.
template <Address A>
void Balancer<A>::begin_reply(Newcomer<A>& newcomer) noexcept {
    Packet& packet = *newcomer.packet;
    const FlowKey<A>& key = key_of(packet);
    if (newcomer.service != nullptr) {
        newcomer.reply = reply_to_us(packet, newcomer.service->network);
    } else if (packet.treatment.interest == Interest::masquerade) {
        newcomer.reply = reply_to_us(packet, key.network);
        newcomer.reply.source = key.destination;
        newcomer.reply.source_port = key.destination_port;
    } else {
        newcomer.reply = key.mirrored();
    }
}

template <Address A>
void Balancer<A>::find_backend(Newcomer<A>& newcomer) noexcept {
    if (newcomer.service == nullptr || newcomer.service->affinity_seconds != 0) return;
    const BackendChoice& backends = newcomer.service->choice;
    if (backends.empty()) return;
    newcomer.backend = &backends.choose(spread(newcomer.packet->meta.hash));
    prefetch(newcomer.backend);
}

template <Address A>
void Balancer<A>::admit(Newcomer<A>& newcomer) noexcept {
    Packet& packet = *newcomer.packet;
    const PacketMeta& meta = packet.meta;
    const FlowKey<A>& key = meta.flow<A>();
    // An earlier packet of the same burst may have opened the connection.
    if (const Hit<A> hit = connections_.find(key, meta.hash, clock_)) {
        packet.treatment.direction = hit.direction;
        return enter(packet, *hit.connection);
    }
    switch (packet.treatment.interest) {
        case Interest::service:
        case Interest::node_port:
            return newcomer.service != nullptr ? to_service(newcomer) : to_no_frontend(packet);
        case Interest::reply:
            return burst_.drop(packet, Drop::no_connection);
        case Interest::follow:
            return follow(packet);
        case Interest::masquerade:
            if (meta.transport == Transport::other) return burst_.drop(packet, Drop::protocol_unsupported);
            if (Connection<A>* connection = open(packet, newcomer.reply)) enter(packet, *connection);
            return;
        case Interest::none:
            return;
    }
}

/// To a service's address, but none of its ports.
template <Address A>
void Balancer<A>::to_no_frontend(Packet& packet) noexcept {
    if (packet.treatment.interest == Interest::node_port) return;  // the kernel's: SSH, BGP, ping
    if (packet.meta.transport == Transport::echo_request) return echo(packet);
    const Protocol protocol = key_of(packet).protocol;
    const bool icmp = protocol == Protocol::icmp || protocol == Protocol::icmpv6;
    if (icmp) return burst_.drop(packet, Drop::icmp_unsupported);
    refuse(packet, Drop::no_such_service_port, true);
}

template <Address A>
void Balancer<A>::to_service(Newcomer<A>& newcomer) noexcept {
    Packet& packet = *newcomer.packet;
    const Service& service = *newcomer.service;
    const FlowKey<A>& key = key_of(packet);
    if (packet.meta.from_overlay && service.network != key.network) return burst_.drop(packet, Drop::wrong_network);
    if (newcomer.frontend->check_source && !service.admits(key.source)) return burst_.drop(packet, Drop::source_range);
    if (!service.choice.empty()) return to_backend(newcomer);
    const bool reject = service.when_empty == WhenEmpty::reject;
    refuse(packet, reject ? Drop::no_endpoints : Drop::no_local_endpoints, reject);
}

/// A service's address answers ping by itself: it is up while the gateway is.
template <Address A>
void Balancer<A>::echo(Packet& packet) noexcept {
    answer_echo(packet.frame(), packet.meta);
    packet.meta.ingress_peer = no_peer;  // it may go back where it came from
}

template <Address A>
void Balancer<A>::refuse(Packet& packet, Drop why, bool tell) noexcept {
    if (tell) originated_.refuse(packet, clock_);
    burst_.drop(packet, why);
}

template <Address A>
const Backend& Balancer<A>::choose_for_client(const Service& service, A client) noexcept {
    const Backend* tied = service.backends->find(affinities_.find(service.id, client, clock_));
    const Backend& backend = tied != nullptr ? *tied : service.choice.choose(spread(address_hash(client)));
    affinities_.remember(service.id, client, backend.id, service.affinity_seconds, clock_);
    return backend;
}

template <Address A>
void Balancer<A>::to_backend(Newcomer<A>& newcomer) noexcept {
    Packet& packet = *newcomer.packet;
    const Service& service = *newcomer.service;
    if (newcomer.backend == nullptr) {
        newcomer.backend = &choose_for_client(service, key_of(packet).source);
        comes_from(*newcomer.backend, newcomer.reply);
    }
    Connection<A>* connection = open(packet, newcomer.reply);
    if (connection == nullptr) return;
    connection->service = service.id;
    connection->backend = newcomer.backend->id;
    connection->checked = now_.services_version;
    enter(packet, *connection);
}

/// How answers from this network look, but for who sends them, if the first candidate port is free.
template <Address A>
FlowKey<A> Balancer<A>::reply_to_us(const Packet& packet, NetworkId network) const noexcept {
    const PacketMeta& meta = packet.meta;
    const FlowKey<A>& key = meta.flow<A>();
    const SnatPool<A>& pool = now_.network(network).template family<A>().snat;
    const unsigned slot_number = around_.slots->own_slot(around_.self, spread(meta.hash));
    const Be16 port = snat_port(slot_number, meta.hash, 0);
    return {{}, pool.choose(address_hash(key.source)), {}, port, key.protocol, network, 0};
}

template <Address A>
void Balancer<A>::comes_from(const Backend& backend, FlowKey<A>& reply) noexcept {
    if constexpr (std::same_as<A, Ipv4>)
        reply.source = backend.address.v4();
    else
        reply.source = backend.address.v6();
    reply.source_port = backend.port;
}

/// A connection with these answers, or with another port of ours; nullptr: the packet has been dropped.
template <Address A>
Connection<A>* Balancer<A>::open(Packet& packet, FlowKey<A> reply) noexcept {
    const PacketMeta& meta = packet.meta;
    const FlowKey<A>& key = meta.flow<A>();
    if (now_.network(reply.network).template family<A>().snat.count == 0)
        return burst_.drop(packet, Drop::snat_exhausted), nullptr;

    const unsigned slot_number = slot_of_port(reply.destination_port);
    for (unsigned attempt = 0; attempt < port_attempts; ++attempt) {
        reply.destination_port = snat_port(slot_number, meta.hash, attempt);
        const std::uint32_t hash = flow_hash(reply);
        if (connections_.find(reply, hash, clock_)) continue;
        Connection<A>* connection = connections_.insert({&key, meta.hash}, {&reply, hash}, clock_);
        if (connection == nullptr) return burst_.drop(packet, Drop::connection_table_full), nullptr;
        prepare_translation(*connection);
        around_.counters->connections_opened.add(1);
        return connection;
    }
    return burst_.drop(packet, Drop::snat_exhausted), nullptr;
}

/// From a pod to the outside: nothing is translated, but the answers must not be masqueraded.
template <Address A>
void Balancer<A>::follow(Packet& packet) noexcept {
    const FlowKey<A>& key = packet.meta.flow<A>();
    Connection<A>* connection = connections_.insert(key, key.mirrored(), clock_);
    if (connection == nullptr) return around_.counters->untracked.add(1);
    around_.counters->connections_opened.add(1);
    enter(packet, *connection);
}

/// The packet joins its connection.
template <Address A>
void Balancer<A>::enter(Packet& packet, Connection<A>& connection) noexcept {
    const PacketMeta& meta = packet.meta;
    Treatment& treatment = packet.treatment;
    if (meta.protocol() == Protocol::tcp)
        connection.tcp = tcp_next(connection.tcp, treatment.direction, meta.tcp_flags);
    treatment.connection = &connection;
    ++burst_.tracked;
    packet.network =
        treatment.direction == Direction::original ? connection.reply.network : connection.original.network;
}

template <Address A>
void balance_family(Burst& burst, const Snapshot& now, Connections& connections, AffinityTable& affinities,
                    Originated& originated, const Surroundings& around, Seconds clock) noexcept {
    Balancer<A> balancer(burst, now, connections.family<A>(), affinities, originated, around, clock);
    burst.for_each_of<A>([&](Packet& packet) noexcept {
        if (packet.treatment.unknown) balancer.collect(packet);
    });
    balancer.admit();
}

}  // namespace

void balance(Burst& burst, const Snapshot& now, Connections& connections, AffinityTable& affinities,
             Originated& originated, const Surroundings& around, Seconds clock) noexcept {
    if (burst.unknown == 0) return;
    balance_family<Ipv4>(burst, now, connections, affinities, originated, around, clock);
    balance_family<Ipv6>(burst, now, connections, affinities, originated, around, clock);
    if (burst.decided) burst.sort_out();
}

}  // namespace viaduct
