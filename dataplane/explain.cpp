// See explain.h. The recorder only reads what the stages left in the burst: no decision is made twice.
#include "dataplane/explain.h"

#include <spdlog/fmt/fmt.h>

#include <memory>
#include <stdexcept>

#include "dataplane/pipeline.h"
#include "dataplane/synthetic.h"
#include "encap/ecn.h"
#include "encap/net_text.h"

namespace viaduct {
namespace {

class Recorder final : public StageObserver {
public:
    Recorder(const Snapshot& now, Explanation& out) : now_(now), out_(out) {}
    void after(Stage stage, const Burst& burst) noexcept override;

private:
    std::string text(Stage stage, const Packet& packet);
    template <Address A>
    std::string flow(const FlowKey<A>& key) const;
    std::string flow(const PacketMeta& meta) const {
        return meta.family == Family::v4 ? flow(meta.key.v4) : flow(meta.key.v6);
    }
    std::string tracked(const Packet& packet) const;
    template <Address A>
    std::string balanced(const Packet& packet);
    std::string routed(const Packet& packet);
    std::string encapsulated(const Packet& packet) const;
    std::string network_name(NetworkId id) const {
        return id == NetworkId::none ? "none" : now_.network(id).settings.name;
    }

    const Snapshot& now_;
    Explanation& out_;
    bool decided_ = false;
};

void Recorder::after(Stage stage, const Burst& burst) noexcept {
    if (decided_ || stage == Stage::transmit) return;  // that one has let go of the packet
    const Packet& packet = burst.packets[0];
    decided_ = packet.treatment.verdict != Verdict::travelling;
    const bool dropped = packet.treatment.verdict == Verdict::drop;
    if (dropped) out_.drop = name(packet.reason);
    std::string what = dropped ? fmt::format("dropped: {}", drop_texts[static_cast<std::size_t>(packet.reason)].meaning)
                               : text(stage, packet);
    out_.steps.push_back({std::string(name(stage)), std::move(what)});
    switch (packet.treatment.verdict) {
        case Verdict::drop:
            out_.verdict = "drop";
            break;
        case Verdict::kernel:
            out_.verdict = "kernel";
            break;
        case Verdict::held:
            out_.verdict = "held";
            break;
        case Verdict::hand_over:
            out_.verdict = "hand_over";
            break;
        case Verdict::travelling:
        case Verdict::forward:
            out_.verdict = "forward";
            break;
    }
}

std::string Recorder::text(Stage stage, const Packet& packet) {
    const PacketMeta& meta = packet.meta;
    if (stage == Stage::parse) {
        if (packet.treatment.verdict == Verdict::kernel) return "not for forwarding: to the kernel";
        return fmt::format("{}, {} bytes, from port {}", flow(meta), meta.ip_length, now_.port(meta.ingress).name);
    }
    if (stage == Stage::decapsulate)
        return meta.from_overlay ? fmt::format("from peer {} in network {}: {}", now_.peers[meta.ingress_peer].name,
                                               network_name(meta.network()), flow(meta))
                                 : "not a tunnel packet";
    if (stage == Stage::track) return tracked(packet);
    if (stage == Stage::balance) return meta.family == Family::v4 ? balanced<Ipv4>(packet) : balanced<Ipv6>(packet);
    if (stage == Stage::translate)
        return packet.treatment.connection != nullptr ? "rewritten as chosen" : "nothing to rewrite";
    if (stage == Stage::route) return routed(packet);
    return encapsulated(packet);
}

template <Address A>
std::string Recorder::flow(const FlowKey<A>& key) const {
    const auto end = [](const A& address, Be16 port) {
        constexpr auto form = std::same_as<A, Ipv6> ? "[{}]:{}" : "{}:{}";
        return fmt::format(form, to_string(address), port.value());
    };
    return fmt::format("{} {} → {}", to_string(key.protocol), end(key.source, key.source_port),
                       end(key.destination, key.destination_port));
}

std::string Recorder::tracked(const Packet& packet) const {
    switch (packet.treatment.interest) {
        case Interest::none:
            return "no connection needed: routed as it is";
        case Interest::service:
            return "to a Service's address: a new flow";
        case Interest::node_port:
            return "to an address that NodePorts share with the kernel: a new flow";
        case Interest::reply:
            return "to an SNAT address: a reply";
        case Interest::masquerade:
            return "from outside to a pod: a new flow that needs an SNAT address";
        case Interest::follow:
            return "from a pod to the outside: a new flow, remembered for its replies";
    }
    return {};
}

template <Address A>
std::string Recorder::balanced(const Packet& packet) {
    const Treatment& treatment = packet.treatment;
    const Connection<A>* connection = treatment.tracked<A>();
    if (treatment.service != no_service) out_.service = now_.frontends->service(treatment.service).name.view();
    if (connection == nullptr)
        return treatment.interest == Interest::service ? "a ping of a Service's address: answered here"
                                                       : "nothing to choose";
    if (!connection->translated) return "followed without translation";
    const std::string backend = fmt::format(std::same_as<A, Ipv6> ? "[{}]:{}" : "{}:{}",
                                            to_string(connection->reply.source), connection->reply.source_port.value());
    const std::string source = fmt::format("source becomes {} port {}", to_string(connection->reply.destination),
                                           connection->reply.destination_port.value());
    if (treatment.service == no_service) return source;
    out_.backend = backend;
    const BackendSet& set = *now_.frontends->service(treatment.service).backends;
    return fmt::format("Service {}: {} of {} backends by Maglev ({} slots); {}", out_.service, backend,
                       set.backends().size(), set.table().size(), source);
}

std::string Recorder::routed(const Packet& packet) {
    const std::string network = network_name(packet.network);
    if (packet.treatment.verdict == Verdict::held)
        return "the next hop's MAC address is not known: waits while ARP or ND ask";
    if (static_cast<std::size_t>(packet.egress) < now_.ports.size()) out_.port = now_.port(packet.egress).name;
    if (const Peer* peer = packet.peer; peer != nullptr) {
        out_.peer = peer->name;
        out_.mtu = peer->mtu;
        return fmt::format("network {}: behind peer {} ({}), MTU {}", network, peer->name, to_string(peer->underlay),
                           out_.mtu);
    }
    switch (packet.target.kind) {
        case RouteKind::via:
            out_.mtu = now_.port(packet.egress).mtu;
            return fmt::format("by gateway {} on port {}", to_string(packet.hop->address), out_.port);
        case RouteKind::connected:
            out_.mtu = now_.port(packet.egress).mtu;
            return fmt::format("a neighbour on port {}", out_.port);
        case RouteKind::kernel:
            return "an address of this host: to the kernel";
        case RouteKind::peer:
        case RouteKind::unreachable:
        case RouteKind::none:
            break;
    }
    return "no route";
}

std::string Recorder::encapsulated(const Packet& packet) const {
    if (packet.peer == nullptr) return "an Ethernet header in front";
    const Peer& peer = *packet.peer;
    return fmt::format("VXLAN, VNI {}, UDP port {}, to {}; {} bytes on port {}",
                       now_.network(peer.network).settings.vni.value(), now_.network(peer.network).settings.udp_port,
                       to_string(peer.underlay), rte_pktmbuf_pkt_len(packet.mbuf), out_.port);
}

std::uint16_t swallow(void*, rte_mbuf** packets, std::uint16_t count) noexcept {
    rte_pktmbuf_free_bulk(packets, count);
    return count;
}

}  // namespace

Explanation explain(const Question& question, const Snapshot& snapshot, rte_mempool* pool) {
    Explanation explanation;
    const auto counters = std::make_unique<WorkerCounters>();
    const SlotMap slots(1);
    Surroundings around;
    around.slots = &slots;
    around.counters = counters.get();
    around.pool = pool;
    around.transmit.fill({swallow, nullptr});

    const auto pipeline = std::make_unique<Pipeline>(around, PipelineSizes{16, 16, 16, 16, 1}, Timeouts{});
    const auto burst = std::make_unique<Burst>();
    burst->mbufs[0] = synthetic_packet(question, snapshot, pool, burst->ingress);
    burst->count = 1;
    Recorder recorder(snapshot, explanation);
    pipeline->observe(&recorder);
    pipeline->run(*burst, snapshot, 1);
    return explanation;
}

}  // namespace viaduct
