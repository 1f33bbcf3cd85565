// What the local API answers: every path, its limits, and metrics.
#include <gtest/gtest.h>

#include "api_fixture.h"
#include "control/age_text.h"

namespace viaduct {
namespace {

TEST_F(ApiTest, TellsItsVersion) {
    const Json version = get("/v1/version");
    EXPECT_EQ(version["snapshot"], 1);
    EXPECT_EQ(version["pid"], getpid());
}

TEST_F(ApiTest, ShowsPortsWithTheirTraffic) {
    gateway.view.counters.ports[0].rx_packets.add(7);
    gateway.view.counters.ports[1].tx_bytes.add(900);
    const Json ports = get("/v1/ports")["ports"];
    ASSERT_EQ(ports.size(), 2);
    EXPECT_EQ(ports[0]["name"], "outside");
    EXPECT_EQ(ports[0]["interface"], "eth0");
    EXPECT_EQ(ports[0]["mac"], "02:00:00:00:00:01");
    EXPECT_EQ(ports[0]["rx_packets"], 7);
    EXPECT_EQ(ports[1]["link"], "down");
    EXPECT_EQ(ports[1]["tx_bytes"], 900);
}

TEST_F(ApiTest, ShowsNetworks) {
    const Json network = get("/v1/networks")["networks"][0];
    EXPECT_EQ(network["name"], "demo");
    EXPECT_EQ(network["vni"], 1);
    EXPECT_EQ(network["vteps"], Json::array({"192.168.1.9"}));
    EXPECT_EQ(network["pod_subnets"], Json::array({"10.244.9.0/24", "fd00:9::/64"}));
    EXPECT_EQ(network["cluster_cidrs"], Json::array({"10.244.0.0/16", "fd00::/16"}));
    EXPECT_EQ(network["host_port"], "");
}

TEST_F(ApiTest, ShowsPeersAndWhetherTheyCanBeReached) {
    const Json peers = get("/v1/peers")["peers"];
    ASSERT_EQ(peers.size(), 2);
    EXPECT_EQ(peers[0]["name"], "node1");
    EXPECT_EQ(peers[0]["underlay"], "192.168.1.1");
    EXPECT_EQ(peers[0]["pod_subnets"], Json::array({"10.244.1.0/24", "fd00:1::/64"}));
    EXPECT_EQ(peers[0]["port"], "underlay");
    EXPECT_EQ(peers[0]["reachable"], true);
    EXPECT_EQ(peers[1]["next_hop"], "192.168.1.2");
    EXPECT_EQ(peers[1]["reachable"], false) << "nobody knows its MAC address";
}

TEST_F(ApiTest, ShowsRoutesOfBothFamilies) {
    const Json routes = get("/v1/routes")["routes"];
    const auto find = [&](const std::string& prefix) {
        const auto found = std::ranges::find_if(routes, [&](const Json& r) { return r["prefix"] == prefix; });
        return found == routes.end() ? Json() : *found;
    };
    EXPECT_EQ(find("10.244.1.0/24")["kind"], "peer");
    EXPECT_EQ(find("10.244.1.0/24")["next"], "node1");
    EXPECT_EQ(find("fd00:2::/64")["next"], "node2");
    EXPECT_EQ(find("192.168.1.0/24")["kind"], "connected");
    EXPECT_EQ(find("192.168.1.0/24")["port"], "underlay");
}

TEST_F(ApiTest, ShowsServicesAndBackends) {
    const Json services = get("/v1/services")["services"];
    ASSERT_EQ(services.size(), 3);
    EXPECT_EQ(services[0]["backends"], 0) << "by name, wherever they are in the snapshot";
    EXPECT_EQ(services[0]["when_empty"], "reject");
    EXPECT_EQ(services[1]["name"], "shop/web:http");
    EXPECT_EQ(services[1]["protocol"], "TCP");
    EXPECT_EQ(services[1]["frontends"], Json::array({"10.96.0.10:80"}));
    EXPECT_EQ(services[2]["frontends"], Json::array({"[fd00:96::a]:80"}));
    const Json backends = get("/v1/backends");
    EXPECT_EQ(backends["total"], 4);
    EXPECT_EQ(backends["backends"][0]["address"], "10.244.1.5:8080");
    EXPECT_EQ(backends["backends"][2]["address"], "[fd00:1::5]:8080");
}

TEST_F(ApiTest, CutsLongListsIntoPages) {
    const Json page = get("/v1/backends?offset=1&limit=2");
    EXPECT_EQ(page["total"], 4);
    ASSERT_EQ(page["backends"].size(), 2);
    EXPECT_EQ(page["backends"][0]["address"], "10.244.2.5:8080");
    EXPECT_TRUE(get("/v1/backends?offset=99")["backends"].empty());
    EXPECT_EQ(error("/v1/backends?limit=many", 400)["message"], "'many' is no limit");
    EXPECT_EQ(error("/v1/backends?limit=10001", 400)["remedy"], "use a number from 0 to 10000");
}

TEST_F(ApiTest, ShowsConnectionsByTheNamesOfTheirServices) {
    ConnectionRow row;
    row.protocol = Protocol::tcp;
    row.network = NetworkId{0};
    row.client = *parse_ip("192.0.2.7");
    row.client_port = 40'000;
    row.frontend = *parse_ip("10.96.0.10");
    row.frontend_port = 80;
    row.service = gateway.published.current()->frontends->services()[0].id;
    row.state = "established";
    gateway.view.connection_rows = {row, row};
    const Json connections = get("/v1/connections?limit=1")["connections"];
    ASSERT_EQ(connections.size(), 1);
    EXPECT_EQ(connections[0]["client"], "192.0.2.7:40000");
    EXPECT_EQ(connections[0]["service"], "shop/web:http");
    EXPECT_EQ(connections[0]["state"], "established");
    EXPECT_EQ(connections[0]["snat"], "");
    EXPECT_EQ(get("/v1/connections")["connections"].size(), 2);
}

TEST_F(ApiTest, ShowsEveryDropReason) {
    gateway.view.counters.drops[static_cast<std::size_t>(Drop::no_route)].add(4);
    const Json drops = get("/v1/drops")["drops"];
    ASSERT_EQ(drops.size(), drop_count);
    for (const Json& drop : drops) EXPECT_EQ(drop["packets"], drop["name"] == "no_route" ? 4 : 0);
}

TEST_F(ApiTest, ShowsWorkers) {
    gateway.view.counters.rx.add(12);
    gateway.view.counters.connections_v6.set(5);
    const Json worker = get("/v1/workers")["workers"][0];
    EXPECT_EQ(worker["cpu"], 3);
    EXPECT_EQ(worker["rx"], 12);
    EXPECT_EQ(worker["connections_v6"], 5);
    EXPECT_EQ(worker["connection_capacity_v4"], 64);
}

/// Two bursts of eight packets were timed: a route of 300 cycles for all of them, an encapsulation of 100 for half.
void time_two_bursts(WorkerCounters& counters) {
    counters.timed_bursts.add(2);
    counters.timed_packets.add(16);
    StageCounters& route = counters.stages[static_cast<std::size_t>(Stage::route)];
    StageCounters& encapsulate = counters.stages[static_cast<std::size_t>(Stage::encapsulate)];
    route.cycles.add(300);
    route.packets.add(16);
    encapsulate.cycles.add(100);
    encapsulate.packets.add(8);
}

TEST_F(ApiTest, ShowsWhatEachStageTook) {
    time_two_bursts(gateway.view.counters);
    const Json stages = get("/v1/stages")["stages"];
    ASSERT_EQ(stages.size(), stage_count);
    EXPECT_EQ(stages[0]["stage"], "parse");
    EXPECT_EQ(stages[0]["cycles"], 0);
    const Json& encapsulate = stages[static_cast<std::size_t>(Stage::encapsulate)];
    EXPECT_EQ(encapsulate["worker"], 0);
    EXPECT_EQ(encapsulate["cycles"], 100);
    EXPECT_EQ(encapsulate["share"], 0.25);
    EXPECT_EQ(encapsulate["cycles_per_packet"], 6.25);
    EXPECT_EQ(encapsulate["packets_per_burst"], 4);
}

TEST_F(ApiTest, HasStagesInItsMetrics) {
    time_two_bursts(gateway.view.counters);
    const std::string text = request("/metrics")->body;
    EXPECT_NE(text.find("\nviaduct_stage_cycles_total{worker=\"0\",stage=\"route\"} 300\n"), std::string::npos) << text;
    EXPECT_NE(text.find("\nviaduct_stage_packets_total{worker=\"0\",stage=\"encapsulate\"} 8\n"), std::string::npos);
    EXPECT_NE(text.find("\nviaduct_timed_packets_total{worker=\"0\"} 16\n"), std::string::npos);
}

TEST_F(ApiTest, ChecksTheConservationLaw) {
    WorkerCounters& counters = gateway.view.counters;
    counters.rx.add(10);
    counters.tx.add(5);
    counters.punt.add(2);
    counters.held.set(1);
    counters.drops[static_cast<std::size_t>(Drop::ttl_exceeded)].add(2);
    const Json totals = get("/v1/totals");
    EXPECT_EQ(totals["rx"], 10);
    EXPECT_EQ(totals["dropped"], 2);
    EXPECT_EQ(totals["drops"], Json({{"ttl_exceeded", 2}}));
    EXPECT_EQ(totals["conserved"], true);
    counters.rx.add(1);
    EXPECT_EQ(get("/v1/totals")["conserved"], false);
}

TEST_F(ApiTest, ShowsSourcesAndFindings) {
    gateway.status.findings = {{Severity::warning, "Node node2", "its subnet overlaps node1's", "give it another"}};
    gateway.status.last_publication = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
    const Json answer = get("/v1/sources");
    EXPECT_EQ(answer["ready"], true);
    EXPECT_EQ(answer["last_publication"], 1.7e9);
    EXPECT_EQ(answer["sources"][0]["objects"]["Service"], 3);
    EXPECT_EQ(answer["sources"][0]["last_change"], nullptr);
    EXPECT_EQ(answer["findings"][0]["severity"], "warning");
    EXPECT_EQ(answer["findings"][0]["subject"], "Node node2");
}

TEST_F(ApiTest, ReplacesBytesThatAreNoText) {
    gateway.status.findings = {{Severity::note, "Node \xff", "", ""}};
    EXPECT_EQ(get("/v1/sources")["findings"][0]["subject"], "Node \xef\xbf\xbd");
}

TEST_F(ApiTest, ExplainsAPacket) {
    const Json answer = get("/v1/explain?from=192.0.2.7&to=10.96.0.10:80&port=outside&length=1500&ttl=3");
    EXPECT_EQ(answer["verdict"], "forward");
    EXPECT_EQ(answer["steps"][1]["stage"], "balance");
    EXPECT_EQ(answer["mtu"], 1450);
    const Question& asked = gateway.view.asked;
    EXPECT_EQ(to_string(asked.source), "192.0.2.7");
    EXPECT_EQ(asked.source_port, 40'000) << "the default";
    EXPECT_EQ(asked.destination_port, 80);
    EXPECT_EQ(asked.port, "outside");
    EXPECT_EQ(asked.length, 1500);
    EXPECT_EQ(asked.ttl, 3);
}

TEST_F(ApiTest, ExplainsIpv6AndIcmp) {
    get("/v1/explain?from=%5B2001:db8::7%5D:53&to=%5Bfd00:96::a%5D:80&proto=udp");
    EXPECT_EQ(to_string(gateway.view.asked.destination), "fd00:96::a");
    EXPECT_EQ(gateway.view.asked.source_port, 53);
    EXPECT_EQ(gateway.view.asked.protocol, Protocol::udp);
    get("/v1/explain?from=2001:db8::7&to=fd00:96::a&proto=icmp&peer=node1");
    EXPECT_EQ(gateway.view.asked.protocol, Protocol::icmpv6);
    EXPECT_EQ(gateway.view.asked.peer, "node1");
}

TEST_F(ApiTest, RejectsQuestionsItDoesNotUnderstand) {
    const auto message = [&](const std::string& query) {
        return error("/v1/explain?" + query, 400)["message"].get<std::string>();
    };
    EXPECT_EQ(message("to=10.0.0.1:80"), "no 'from' address was given");
    EXPECT_EQ(message("from=10.0.0.1&to=10.0.0.2"), "'to' has no port");
    EXPECT_EQ(message("from=10.0.0.1&to=fd00::1"), "the two addresses are of different families");
    EXPECT_EQ(message("from=10.0.0.x&to=10.0.0.2:80"), "'10.0.0.x' is not an address");
    EXPECT_EQ(message("from=10.0.0.1:&to=10.0.0.2:80"), "'10.0.0.1:' ends in a colon without a port");
    EXPECT_EQ(message("from=10.0.0.1&to=10.0.0.2:65536"), "'65536' is no to port");
    EXPECT_EQ(message("from=10.0.0.1&to=10.0.0.2:80&proto=gre"), "'gre' is not a protocol that explain knows");
    EXPECT_EQ(message("from=10.0.0.1&to=10.0.0.2:80&peer=node7"), "there is no peer 'node7'");
    EXPECT_EQ(message("from=10.0.0.1&to=10.0.0.2:80&peer=node1&port=outside"),
              "a packet cannot arrive both on a port and from a peer");
}

TEST_F(ApiTest, ServesMetrics) {
    gateway.view.counters.rx.add(3);
    gateway.view.counters.drops[static_cast<std::size_t>(Drop::no_route)].add(2);
    const std::string text = request("/metrics")->body;
    EXPECT_NE(text.find("\nviaduct_received_packets_total 3\n"), std::string::npos) << text;
    EXPECT_NE(text.find("\nviaduct_dropped_packets_total{reason=\"no_route\"} 2\n"), std::string::npos);
    EXPECT_NE(text.find("\nviaduct_port_received_packets_total{port=\"outside\"} 0\n"), std::string::npos);
    EXPECT_NE(text.find("# TYPE viaduct_connections gauge\n"), std::string::npos);
}

TEST_F(ApiTest, MetricsUseTheNamesOfKubeProxy) {
    gateway.status.builds.add(0.0015);
    gateway.status.builds.add(400);
    gateway.status.size.backends = 7;
    gateway.status.tables_built = 5;
    ResourceStatus& nodes = gateway.status.sources.front().resources.emplace_back();
    nodes.name = "nodes";
    nodes.watches = 2;
    nodes.malformed = 3;
    const std::string text = request("/metrics")->body, name = "kubeproxy_sync_proxy_rules_duration_seconds";
    EXPECT_NE(text.find("# TYPE " + name + " histogram\n" + name + "_bucket{le=\""), std::string::npos) << text;
    EXPECT_NE(text.find("\n" + name + "_bucket{le=\"0.001\"} 0\n"), std::string::npos);
    EXPECT_NE(text.find("\n" + name + "_bucket{le=\"0.002\"} 1\n"), std::string::npos);
    EXPECT_NE(text.find("\n" + name + "_bucket{le=\"300\"} 1\n"), std::string::npos);
    EXPECT_NE(text.find("\n" + name + "_bucket{le=\"+Inf\"} 2\n" + name + "_sum 400.0015\n" + name + "_count 2\n"),
              std::string::npos);
    EXPECT_NE(text.find("\nviaduct_snapshot_objects{kind=\"backend\"} 7\n"), std::string::npos);
    EXPECT_NE(text.find("\nviaduct_maglev_tables_built_total 5\n"), std::string::npos);
    EXPECT_NE(text.find("\nviaduct_source_malformed_objects{source=\"cluster\",resource=\"nodes\"} 3\n"),
              std::string::npos);
    EXPECT_NE(text.find("\nviaduct_source_watches_total{source=\"cluster\",resource=\"nodes\"} 2\n"),
              std::string::npos);
}

TEST_F(ApiTest, MetricsTellHowOldTheStateIs) {
    std::vector<ResourceStatus>& all = gateway.status.sources.front().resources;
    const auto now = std::chrono::system_clock::now();
    all.resize(3);
    all[0].last_heard = now - std::chrono::hours(5);
    all[1].last_heard = now - std::chrono::seconds(7'200);
    all[1].error = "Connection refused";
    all[2].error = "404: never read";
    const std::string text = request("/metrics")->body,
                      name = "\nviaduct_source_state_age_seconds{source=\"cluster\"} ";
    const std::size_t at = text.find(name);
    ASSERT_NE(at, std::string::npos) << text;
    const int age = std::stoi(text.substr(at + name.size()));
    EXPECT_GE(age, 7'200);
    EXPECT_LT(age, 7'300);
}

TEST(AgeText, IsInTheLargestUnit) {
    using std::chrono::seconds;
    for (const auto& [age, text] :
         {std::pair{59, "59 s"}, {60, "1 min"}, {3'599, "59 min"}, {7'200, "2 h"}, {200'000, "2 d"}})
        EXPECT_EQ(age_text(seconds(age)), text);
}

TEST_F(ApiTest, NamesWhatItOffersWhenAskedForMore) {
    EXPECT_EQ(error("/v2/ports", 404)["message"], "no answer to GET /v2/ports");
    const Json remedy = error("/v2/ports", 404)["remedy"];
    EXPECT_NE(remedy.get<std::string>().find("explain"), std::string::npos);
}

TEST_F(ApiTest, RefusesHugeRequests) { EXPECT_EQ(request("/v1/ports?" + std::string(100'000, 'x'))->status, 414); }

}  // namespace
}  // namespace viaduct
