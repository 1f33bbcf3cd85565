// A gateway without a data plane, for tests of the local API: two ports, one dual-stack network, two nodes, three
// services, one worker with counters to play with.
#pragma once

#include <map>
#include <stdexcept>

#include "control/api/server.h"
#include "encap/net_text.h"
#include "tables/builder.h"
#include "temporary_directory.h"

namespace viaduct {

class FakeView : public GatewayView {
public:
    [[nodiscard]] std::vector<PortFacts> ports() const override {
        PortFacts outside, underlay;
        outside.name = "outside";
        outside.device = "af_xdp:eth0";
        outside.driver = "net_af_xdp";
        outside.interface_name = "eth0";
        outside.mac = Mac{{2, 0, 0, 0, 0, 1}};
        underlay.name = "underlay";
        underlay.link_up = false;
        return {outside, underlay};
    }
    [[nodiscard]] std::vector<WorkerFacts> workers() const override {
        return {{.id = 0, .cpu = 3, .counters = &counters, .connection_capacity_v4 = 64, .connection_capacity_v6 = 32}};
    }
    std::vector<std::pair<PortId, IpAddress>> take_neighbour_requests() override { return {}; }
    void steer(const Snapshot&) override {}
    std::vector<ConnectionRow> connections(std::size_t limit) override {
        std::vector<ConnectionRow> rows = connection_rows;
        if (rows.size() > limit) rows.resize(limit);
        return rows;
    }
    Explanation explain(const Question& question, const Snapshot&) override {
        if (!question.peer.empty() && question.peer != "node1") {
            throw std::invalid_argument("there is no peer '" + question.peer + "'");
        }
        asked = question;
        return {.steps = {{"parse", "IPv4, TCP"}, {"balance", "service shop/web:http, 2 backends"}},
                .verdict = "forward",
                .drop = "",
                .service = "shop/web:http",
                .backend = "10.244.1.5:8080",
                .peer = "node1",
                .port = "underlay",
                .mtu = 1450};
    }

    WorkerCounters counters;
    std::vector<ConnectionRow> connection_rows;
    Question asked;
};

/// Never lets go of a snapshot.
class EndlessPeriod : public GracePeriod {
public:
    std::uint64_t start() override { return 0; }
    bool elapsed(std::uint64_t) override { return false; }
};

inline DesiredService desired_service(const std::string& name, const std::string& frontend,
                                      const std::vector<std::string>& backends) {
    DesiredService service;
    service.name = name;
    service.network = NetworkId{0};
    service.protocol = Protocol::tcp;
    const IpAddress address = *parse_ip(frontend);
    service.family = address.is_v4() ? Family::v4 : Family::v6;
    service.frontends.push_back({address, 80, FrontendKind::cluster_ip});
    for (const std::string& backend : backends) service.backends.push_back({*parse_ip(backend), 8080});
    return service;
}

inline DesiredPeer desired_peer(const std::string& name, const std::string& underlay, const std::string& v4,
                                const std::string& v6) {
    return {.name = name,
            .network = NetworkId{0},
            .underlay = *parse_ip(underlay),
            .vtep_mac = Mac{{2, 0, 0, 0, 1, static_cast<std::uint8_t>(name.back())}},
            .pod_subnets = {*parse_prefix(v4), *parse_prefix(v6)}};
}

/// node1 is resolved, node2 is not.
inline DesiredState fake_cluster() {
    DesiredState state;
    DesiredPort outside, underlay;
    outside.name = "outside";
    underlay.name = "underlay";
    state.ports = {outside, underlay};
    DesiredNetwork network;
    network.name = "demo";
    network.vni = Vni(1);
    network.vtep_v4 = parse_ip("192.168.1.9")->v4();
    network.pod_subnet_v4 = parse_prefix("10.244.9.0/24")->v4();
    network.pod_subnet_v6 = parse_prefix("fd00:9::/64")->v6();
    network.cluster_cidrs = {*parse_prefix("10.244.0.0/16"), *parse_prefix("fd00::/16")};
    state.networks = {network};
    state.peers = {desired_peer("node1", "192.168.1.1", "10.244.1.0/24", "fd00:1::/64"),
                   desired_peer("node2", "192.168.1.2", "10.244.2.0/24", "fd00:2::/64")};
    state.services = {desired_service("shop/web:http", "10.96.0.10", {"10.244.1.5", "10.244.2.5"}),
                      desired_service("shop/web:http", "fd00:96::a", {"fd00:1::5", "fd00:2::5"}),
                      desired_service("shop/empty:http", "10.96.0.11", {})};
    state.routes = {{.prefix = *parse_prefix("192.168.1.0/24"),
                     .kind = DesiredRoute::Kind::connected,
                     .port = PortId{1},
                     .gateway = {}}};
    state.neighbours = {{PortId{1}, *parse_ip("192.168.1.1"), Mac{{2, 0, 0, 0, 2, 1}}}};
    return state;
}

/// The whole: a served API on a socket in a directory of its own.
struct FakeGateway {
    FakeGateway() {
        published.publish(SnapshotBuilder().build(fake_cluster(), published.current()));
        status.version = 1;
        status.sources = {{.name = "cluster",
                           .type = "directory",
                           .network = "demo",
                           .location = "/etc/viaduct/cluster.d",
                           .synced = true,
                           .objects = {{"Node", 2}, {"Service", 3}},
                           .errors = {}}};
    }
    [[nodiscard]] ApiSubject subject() {
        return {view, published, [this] { return status; }};
    }

    FakeView view;
    EndlessPeriod period;
    Published published{period};
    ControlStatus status;
    TemporaryDirectory directory;
    std::string socket = directory.path() / "viaduct.sock";
};

}  // namespace viaduct
