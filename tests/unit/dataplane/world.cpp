// See world.h.
#include "tests/unit/dataplane/world.h"

#include <gtest/gtest.h>
#include <rte_ring.h>

#include "tests/support/eal_environment.h"

namespace viaduct::test {
namespace {

using P4 = Place<Ipv4>;
using P6 = Place<Ipv6>;

constexpr Prefix<Ipv6> v6_net(std::uint16_t net, std::uint16_t subnet, std::uint8_t length) {
    return {v6_at(net, subnet, 0), length};
}

DesiredPort port(std::string name, Mac mac, std::vector<IpAddress> addresses) {
    DesiredPort p;
    p.name = std::move(name);
    p.mac = mac;
    p.network = default_network;
    p.kernel_port = host;
    p.flow_stable = true;
    p.addresses = std::move(addresses);
    return p;
}

DesiredNetwork network(std::string name, Vni vni) {
    DesiredNetwork n;
    n.name = std::move(name);
    n.vni = vni;
    n.vtep_v4 = P4::vtep;
    n.vtep_v6 = P6::vtep;
    n.vtep_mac = vtep_mac;
    n.pod_subnet_v4 = Prefix<Ipv4>({10, 244, 9, 0}, 24);
    n.pod_subnet_v6 = v6_net(0x244, 9, 64);
    n.cluster_cidrs = {Prefix<Ipv4>({10, 244, 0, 0}, 16), v6_net(0x244, 0, 48)};
    n.host_port = host;
    return n;
}

void add_peer(DesiredState& d, NetworkId net, const std::string& name, std::uint8_t number, Mac vtep) {
    d.peers.push_back({name,
                       net,
                       Ipv4(192, 0, 2, static_cast<std::uint8_t>(10 + number)),
                       vtep,
                       {Prefix<Ipv4>({10, 244, number, 0}, 24)},
                       1450});
    d.peers.push_back({name + "-v6",
                       net,
                       v6_at(0x77, 0, static_cast<std::uint8_t>(10 + number)),
                       vtep,
                       {v6_net(0x244, number, 64)},
                       1430});
}

template <Address A>
DesiredService service(const std::string& name, A vip, std::uint16_t port, Protocol protocol, std::vector<A> pods) {
    DesiredService s;
    s.name = name;
    s.network = default_network;
    s.protocol = protocol;
    s.family = family_of<A>;
    s.frontends = {{vip, port, FrontendKind::load_balancer}};
    for (const A& pod : pods) s.backends.push_back({pod, 8080, 1});
    return s;
}

template <Address A>
void add_services(DesiredState& d) {
    using P = Place<A>;
    DesiredService web = service<A>("shop/web:http", P::vip, 80, Protocol::tcp, {P::pod1, P::pod2});
    web.frontends.push_back({P::gateway_outside, 30080, FrontendKind::node_port});
    d.services.push_back(web);
    d.services.push_back(service<A>("shop/empty:http", P::empty_vip, 80, Protocol::tcp, {}));
    d.services.push_back(service<A>("shop/empty:udp", P::empty_vip, 53, Protocol::udp, {}));
    d.services.push_back(service<A>("shop/dns:dns", P::udp_vip, 53, Protocol::udp, {P::pod1, P::pod2}));
    DesiredService guarded = service<A>("shop/guarded:http", P::guarded_vip, 80, Protocol::tcp, {P::pod1});
    guarded.source_ranges = {IpPrefix(P::client, IpAddress(P::client).bits())};
    d.services.push_back(guarded);
    DesiredService sticky = service<A>("shop/sticky:http", P::sticky_vip, 80, Protocol::tcp, {P::pod1, P::pod2});
    sticky.affinity_seconds = 60;
    d.services.push_back(sticky);
    DesiredService tenant = service<A>("tenant/web:http", P::tenant_vip, 80, Protocol::tcp, {P::pod1});
    tenant.network = tenant_network;
    d.services.push_back(tenant);
}

}  // namespace

DesiredState desired_world() {
    using Kind = DesiredRoute::Kind;
    DesiredState d;
    d.ports = {port("outside", outside_mac, {P4::gateway_outside, P6::gateway_outside}),
               port("underlay", underlay_mac, {P4::vtep, P6::vtep}), port("viaduct0", vtep_mac, {})};
    d.ports[2].host = true;
    d.ports[2].kernel_port = PortId::none;
    d.networks = {network("default", Vni(1)), network("tenant", Vni(7))};
    add_peer(d, default_network, "node1", 1, node1_vtep);
    add_peer(d, default_network, "node2", 2, node2_vtep);
    add_peer(d, default_network, "node3", 3, node2_vtep);  // its underlay address does not answer
    add_peer(d, tenant_network, "tenant-node", 1, node1_vtep);
    add_services<Ipv4>(d);
    add_services<Ipv6>(d);

    const auto connected = [&](IpPrefix prefix, PortId id) {
        d.routes.push_back({prefix, Kind::connected, id, {}, NetworkId::none});
    };
    connected(Prefix<Ipv4>({198, 51, 100, 0}, 24), outside);
    connected(Prefix<Ipv4>({192, 0, 2, 0}, 24), underlay);
    connected(v6_net(0x100, 0, 64), outside);
    connected(v6_net(0x77, 0, 64), underlay);
    for (const IpAddress own :
         {IpAddress(P4::gateway_outside), IpAddress(P4::vtep), IpAddress(P6::gateway_outside), IpAddress(P6::vtep)})
        d.routes.push_back({IpPrefix(own, own.bits()), Kind::kernel, PortId::none, {}, NetworkId::none});

    const auto neighbour = [&](PortId id, IpAddress address, Mac mac) { d.neighbours.push_back({id, address, mac}); };
    neighbour(outside, P4::client, outside_client_mac);
    neighbour(outside, P6::client, outside_client_mac);
    neighbour(underlay, P4::node1, node1_mac);
    neighbour(underlay, P6::node1, node1_mac);
    neighbour(underlay, P4::node2, node2_mac);
    neighbour(underlay, P6::node2, node2_mac);
    return d;
}

World::World(unsigned workers, const DesiredState& desired, PipelineSizes sizes) : slots_(workers) {
    rebuild(desired);
    static unsigned ring_number = 0;
    for (unsigned i = 0; i < workers; ++i) {
        const std::string name = "test_handover_" + std::to_string(ring_number++);
        rings_.push_back(rte_ring_create(name.c_str(), 64, SOCKET_ID_ANY, RING_F_SC_DEQ));
        counters_.push_back(std::make_unique<WorkerCounters>());
    }
    for (std::size_t i = 0; i < queues_.size(); ++i) queues_[i] = {this, static_cast<PortId>(i)};
    for (unsigned i = 0; i < workers; ++i) {
        Surroundings around;
        around.self = static_cast<WorkerId>(i);
        around.slots = &slots_;
        around.counters = counters_[i].get();
        around.pool = test_pool();
        for (std::size_t p = 0; p < desired.ports.size(); ++p) around.transmit[p] = {take, &queues_[p]};
        for (unsigned w = 0; w < workers; ++w) around.workers[w] = rings_[w];
        around.neighbour_requests = &requests;
        pipelines_.push_back(std::make_unique<Pipeline>(around, sizes, Timeouts{}));
    }
}

World::~World() {
    clock += 60;  // whatever still waits is given up, so that no buffer leaks
    for (int i = 0; i < 8; ++i) tidy();
    for (rte_ring* ring : rings_) rte_ring_free(ring);
}

void World::rebuild(const DesiredState& desired) { snapshot_ = builder_.build(desired, snapshot_); }

std::uint16_t World::take(void* context, rte_mbuf** packets, std::uint16_t count) noexcept {
    const Queue& queue = *static_cast<Queue*>(context);
    if (queue.world->refuse_all) return 0;
    for (std::uint16_t i = 0; i < count; ++i) {
        Bytes frame(packets[i]->pkt_len);
        const void* data = rte_pktmbuf_read(packets[i], 0, packets[i]->pkt_len, frame.data());
        if (data != frame.data()) std::memcpy(frame.data(), data, frame.size());
        queue.world->sent_.push_back({queue.port, std::move(frame)});
    }
    rte_pktmbuf_free_bulk(packets, count);
    return count;
}

std::vector<World::Sent> World::receive(PortId port, const std::vector<Bytes>& frames, WorkerId worker) {
    const auto burst = std::make_unique<Burst>();
    for (const Bytes& frame : frames) {
        rte_mbuf* mbuf = rte_pktmbuf_alloc(test_pool());
        std::memcpy(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(frame.size())), frame.data(), frame.size());
        shape(mbuf);
        burst->mbufs[burst->count++] = mbuf;
    }
    burst->ingress = port;
    counters_[worker]->rx.add(burst->count);
    pipelines_[worker]->run(*burst, *snapshot_, clock);
    run_handed_over();
    return std::exchange(sent_, {});
}

void World::run_handed_over() {
    const auto burst = std::make_unique<Burst>();
    for (bool busy = !pause_handed_over; busy;) {
        busy = false;
        for (std::size_t w = 0; w < rings_.size(); ++w) {
            burst->count = rte_ring_dequeue_burst(rings_[w], reinterpret_cast<void**>(burst->mbufs.data()),
                                                  Burst::capacity, nullptr);
            if (burst->count == 0) continue;
            busy = true;
            pipelines_[w]->resume(*burst, *snapshot_, clock);
        }
    }
}

std::vector<World::Sent> World::tidy() {
    for (const auto& pipeline : pipelines_) pipeline->tidy(*snapshot_, clock);
    run_handed_over();
    return std::exchange(sent_, {});
}

std::uint64_t World::drops(Drop why) const { return totals().drops[static_cast<std::size_t>(why)]; }

CounterTotals World::totals() const {
    CounterTotals sum;
    for (const auto& c : counters_) {
        sum.rx += c->rx.read();
        sum.tx += c->tx.read();
        sum.punt += c->punt.read();
        sum.originated += c->originated.read();
        sum.held += c->held.read();
        for (std::size_t i = 0; i < drop_count; ++i) sum.drops[i] += c->drops[i].read();
    }
    return sum;
}

}  // namespace viaduct::test
