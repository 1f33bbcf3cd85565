// Stage balance: what becomes of flows that nobody knows yet.
//
// Theory of operation. A service's flow gets a backend: the one its client is tied to (sessionAffinity), else Maglev's.
// Such a flow, and one from outside to a pod, also gets a source address and port of the gateway's own pod subnet, so
// that an unmodified node routes the answer back here. The port is a candidate computed from the flow's hash; it is
// taken when no connection has the resulting reply key. Then both keys go into the table, and the next packet is known.
#include "dataplane/stages.h"
#include "encap/flow_hash.h"
#include "encap/icmp.h"
#include "lb/nat.h"

namespace viaduct {
namespace {

constexpr unsigned port_attempts = 128;  // per flow; more would let one full backend cost too much

/// Independent of the bits that place the connection in its table.
std::uint32_t spread(std::uint32_t hash) noexcept { return (hash ^ (hash >> 15U)) * 0x9e3779b1U; }

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

    void admit(Slot slot) noexcept;

private:
    void to_service(Slot slot) noexcept;
    void to_backend(Slot slot, const Service& service) noexcept;
    void echo(Slot slot) noexcept;
    void refuse(Slot slot, Drop why, bool tell) noexcept;
    [[nodiscard]] const Backend& choose(const Service& service, const PacketMeta& meta) noexcept;
    [[nodiscard]] Connection<A>* open(Slot slot, A destination, Be16 port, NetworkId network) noexcept;
    void follow(Slot slot) noexcept;
    void enter(Slot slot, Connection<A>& connection) noexcept;

    Burst& burst_;
    const Snapshot& now_;
    ConnectionTable<A>& connections_;
    AffinityTable& affinities_;
    Originated& originated_;
    const Surroundings& around_;
    const Seconds clock_;
};

template <Address A>
void Balancer<A>::admit(Slot slot) noexcept {
    const PacketMeta& meta = burst_.meta[slot];
    const FlowKey<A>& key = meta.flow<A>();
    // An earlier packet of the same burst may have opened the connection.
    if (const Hit<A> hit = connections_.find(key, meta.hash, clock_)) {
        burst_.treatment[slot].direction = hit.direction;
        return enter(slot, *hit.connection);
    }
    switch (burst_.treatment[slot].interest) {
        case Interest::service:
        case Interest::node_port:
            return to_service(slot);
        case Interest::reply:
            return burst_.drop(slot, Drop::no_connection);
        case Interest::follow:
            return follow(slot);
        case Interest::masquerade:
            if (meta.transport == Transport::other) return burst_.drop(slot, Drop::protocol_unsupported);
            if (Connection<A>* connection = open(slot, key.destination, key.destination_port, key.network))
                enter(slot, *connection);
            return;
        case Interest::none:
            return;
    }
}

template <Address A>
void Balancer<A>::to_service(Slot slot) noexcept {
    const PacketMeta& meta = burst_.meta[slot];
    const FlowKey<A>& key = meta.flow<A>();
    const bool own_address = burst_.treatment[slot].interest == Interest::node_port;
    const Frontend* frontend = now_.frontends->find(key.destination, key.destination_port, key.protocol);
    if (frontend == nullptr || meta.transport == Transport::other) {
        if (own_address) return;  // the kernel's: SSH, BGP, ping
        if (meta.transport == Transport::echo_request) return echo(slot);
        const bool icmp = key.protocol == Protocol::icmp || key.protocol == Protocol::icmpv6;
        if (icmp) return burst_.drop(slot, Drop::icmp_unsupported);
        return refuse(slot, Drop::no_such_service_port, true);
    }
    const Service& service = now_.frontends->service(frontend->service);
    burst_.treatment[slot].service = frontend->service;
    if (meta.from_overlay && service.network != key.network) return burst_.drop(slot, Drop::wrong_network);
    if (frontend->check_source && !service.admits(key.source)) return burst_.drop(slot, Drop::source_range);
    if (!service.backends->empty()) return to_backend(slot, service);
    const bool reject = service.when_empty == WhenEmpty::reject;
    refuse(slot, reject ? Drop::no_endpoints : Drop::no_local_endpoints, reject);
}

/// A service's address answers ping by itself: it is up while the gateway is.
template <Address A>
void Balancer<A>::echo(Slot slot) noexcept {
    answer_echo(burst_.frame(slot), burst_.meta[slot]);
    burst_.meta[slot].ingress_peer = no_peer;  // it may go back where it came from
}

template <Address A>
void Balancer<A>::refuse(Slot slot, Drop why, bool tell) noexcept {
    if (tell) originated_.refuse(burst_, slot, clock_);
    burst_.drop(slot, why);
}

template <Address A>
const Backend& Balancer<A>::choose(const Service& service, const PacketMeta& meta) noexcept {
    const BackendSet& backends = *service.backends;
    if (service.affinity_seconds == 0) return backends.choose(spread(meta.hash));
    const A client = meta.flow<A>().source;
    const Backend* tied = backends.find(affinities_.find(service.id, client, clock_));
    const Backend& backend = tied != nullptr ? *tied : backends.choose(spread(address_hash(client)));
    affinities_.remember(service.id, client, backend.id, service.affinity_seconds, clock_);
    return backend;
}

template <Address A>
void Balancer<A>::to_backend(Slot slot, const Service& service) noexcept {
    const Backend& backend = choose(service, burst_.meta[slot]);
    A address;
    if constexpr (std::same_as<A, Ipv4>)
        address = backend.address.v4();
    else
        address = backend.address.v6();
    Connection<A>* connection = open(slot, address, backend.port, service.network);
    if (connection == nullptr) return;
    connection->service = service.id;
    connection->backend = backend.id;
    connection->checked = now_.services_version;
    enter(slot, *connection);
}

/// A connection to this destination with a free source of ours; nullptr: the packet has been dropped.
template <Address A>
Connection<A>* Balancer<A>::open(Slot slot, A destination, Be16 port, NetworkId network) noexcept {
    const PacketMeta& meta = burst_.meta[slot];
    const FlowKey<A>& key = meta.flow<A>();
    const SnatPool<A>& pool = now_.network(network).template family<A>().snat;
    const unsigned slot_number = around_.slots->own_slot(around_.self, spread(meta.hash));
    if (pool.count == 0) return burst_.drop(slot, Drop::snat_exhausted), nullptr;

    FlowKey<A> reply{destination, pool.choose(address_hash(key.source)), port, {}, key.protocol, network, 0};
    for (unsigned attempt = 0; attempt < port_attempts; ++attempt) {
        reply.destination_port = snat_port(slot_number, meta.hash, attempt);
        if (connections_.find(reply, flow_hash(reply), clock_)) continue;
        Connection<A>* connection = connections_.insert(key, reply, clock_);
        if (connection == nullptr) return burst_.drop(slot, Drop::connection_table_full), nullptr;
        prepare_translation(*connection);
        around_.counters->connections_opened.add(1);
        return connection;
    }
    return burst_.drop(slot, Drop::snat_exhausted), nullptr;
}

/// From a pod to the outside: nothing is translated, but the answers must not be masqueraded.
template <Address A>
void Balancer<A>::follow(Slot slot) noexcept {
    const FlowKey<A>& key = burst_.meta[slot].flow<A>();
    Connection<A>* connection = connections_.insert(key, key.mirrored(), clock_);
    if (connection == nullptr) return around_.counters->untracked.add(1);
    around_.counters->connections_opened.add(1);
    enter(slot, *connection);
}

/// The packet joins its connection.
template <Address A>
void Balancer<A>::enter(Slot slot, Connection<A>& connection) noexcept {
    const PacketMeta& meta = burst_.meta[slot];
    Treatment& treatment = burst_.treatment[slot];
    if (meta.protocol() == Protocol::tcp)
        connection.tcp = tcp_next(connection.tcp, treatment.direction, meta.tcp_flags);
    treatment.connection = &connection;
    treatment.network =
        treatment.direction == Direction::original ? connection.reply.network : connection.original.network;
}

}  // namespace

void balance(Burst& burst, const Snapshot& now, Connections& connections, AffinityTable& affinities,
             Originated& originated, const Surroundings& around, Seconds clock) noexcept {
    Balancer<Ipv4> v4(burst, now, connections.v4, affinities, originated, around, clock);
    Balancer<Ipv6> v6(burst, now, connections.v6, affinities, originated, around, clock);
    burst.for_each([&](Slot slot) noexcept {
        if (!burst.treatment[slot].unknown) return;
        if (burst.meta[slot].family == Family::v4)
            v4.admit(slot);
        else
            v6.admit(slot);
    });
}

}  // namespace viaduct
