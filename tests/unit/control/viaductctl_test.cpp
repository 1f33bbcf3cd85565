// viaductctl as its users see it: text, JSON, errors and exit codes.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "control/viaductctl/command_line.h"
#include "control/viaductctl/table.h"
#include "control/viaductctl/top.h"
#include "control/viaductctl/viaductctl.h"
#include "tests/unit/control/fake_gateway.h"

namespace viaduct {
namespace {

struct Outcome {
    int code = 0;
    std::string out, err;
};

Outcome run(const std::vector<std::string>& arguments) {
    std::ostringstream out, err;
    const int code = run_viaductctl(arguments, false, out, err);
    return {code, out.str(), err.str()};
}

class ViaductctlTest : public ::testing::Test {
protected:
    /// Against the fake gateway; it must work.
    std::string ask(std::vector<std::string> arguments) {
        const Outcome outcome = try_to(std::move(arguments));
        EXPECT_EQ(outcome.code, 0) << outcome.err;
        EXPECT_EQ(outcome.err, "");
        return outcome.out;
    }
    Outcome try_to(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"--socket", gateway.socket});
        return run(arguments);
    }
    FakeGateway gateway;
    ApiServer server{gateway.socket, gateway.subject()};
};

TEST(Table, AlignsColumnsAndContinuesCells) {
    Table table({{"NAME"}, {"PACKETS", Align::right}, {"NOTE"}});
    table.add({"a", "5", "short"});
    table.add({"longer", "1234567890", "one\ntwo\n"});
    table.add({"", "", "x"});
    std::ostringstream out;
    table.print(out);
    EXPECT_EQ(out.str(),
              "NAME       PACKETS  NOTE\n"
              "a                5  short\n"
              "longer  1234567890  one\n"
              "                    two\n"
              "-                -  x\n");
}

TEST_F(ViaductctlTest, ShowsServices) {
    EXPECT_EQ(ask({"show", "services"}),
              "NAME             PROTOCOL  NETWORK  FRONTENDS        BACKENDS  WHEN EMPTY  AFFINITY S\n"
              "shop/empty:http  TCP       demo     10.96.0.11:80           0  reject               0\n"
              "shop/web:http    TCP       demo     10.96.0.10:80           2  reject               0\n"
              "shop/web:http    TCP       demo     [fd00:96::a]:80         2  reject               0\n");
}

TEST_F(ViaductctlTest, ShowsPeersWithASubnetPerLine) {
    EXPECT_EQ(ask({"show", "peers"}),
              "NAME   NETWORK  UNDERLAY     VTEP MAC           POD SUBNETS    PORT      NEXT HOP     REACHABLE\n"
              "node1  demo     192.168.1.1  02:00:00:00:01:31  10.244.1.0/24  underlay  192.168.1.1  yes\n"
              "                                                fd00:1::/64\n"
              "node2  demo     192.168.1.2  02:00:00:00:01:32  10.244.2.0/24  underlay  192.168.1.2  no\n"
              "                                                fd00:2::/64\n");
}

TEST_F(ViaductctlTest, ShowsEverySubjectAsTextAndAsJson) {
    for (const char* subject : {"ports", "networks", "peers", "routes", "services", "backends", "connections", "drops",
                                "workers", "stages", "sources"}) {
        EXPECT_FALSE(ask({"show", subject}).empty());
        const Json answer = Json::parse(ask({"-j", "show", subject}), nullptr, false);
        ASSERT_TRUE(answer.is_object()) << subject;
        EXPECT_TRUE(answer.contains(subject));
    }
}

TEST_F(ViaductctlTest, LimitsLongLists) {
    EXPECT_EQ(Json::parse(ask({"show", "backends", "--limit", "3", "-j"}))["backends"].size(), 3);
    EXPECT_EQ(Json::parse(ask({"show", "backends", "-j"}))["backends"].size(), 4);
}

TEST_F(ViaductctlTest, FetchesListsLongerThanAPage) {
    DesiredState state = fake_cluster();
    for (std::uint32_t i = 0; i < 12'000; ++i) {
        state.routes.push_back({.prefix = Prefix<Ipv4>(Ipv4::from_host(0x64000000 + i * 256), 24),
                                .kind = DesiredRoute::Kind::unreachable,
                                .gateway = {}});
    }
    gateway.published.publish(SnapshotBuilder().build(state, gateway.published.current()));
    const Json answer = Json::parse(ask({"show", "routes", "-j"}));
    EXPECT_GT(answer["routes"].size(), 12'000);
    EXPECT_EQ(answer["routes"].size(), answer["total"]);
}

TEST_F(ViaductctlTest, ShowsOnlyDropsThatOccurred) {
    EXPECT_EQ(ask({"show", "drops"}), "No packet was dropped. --all lists every reason.\n");
    gateway.view.counters.drops[static_cast<std::size_t>(Drop::no_route)].add(1234);
    EXPECT_EQ(ask({"show", "drops"}),
              "REASON    PACKETS  MEANING\n"
              "no_route     1234  no route to the destination; the sender was told\n");
    const std::string all = ask({"show", "drops", "--all"});
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(all, '\n')), drop_count + 1);
}

TEST_F(ViaductctlTest, ShowsWhereTheTimeGoes) {
    WorkerCounters& counters = gateway.view.counters;
    counters.timed_bursts.add(2);
    counters.timed_packets.add(60);
    counters.stages[static_cast<std::size_t>(Stage::parse)].cycles.add(1'800);
    counters.stages[static_cast<std::size_t>(Stage::parse)].packets.add(60);
    counters.stages[static_cast<std::size_t>(Stage::route)].cycles.add(600);
    counters.stages[static_cast<std::size_t>(Stage::route)].packets.add(45);
    EXPECT_EQ(ask({"show", "stages"}),
              "WORKER  STAGE        SHARE %  CYCLES/PACKET  PACKETS/BURST\n"
              "     0  parse           75.0           30.0           30.0\n"
              "     0  decapsulate      0.0            0.0            0.0\n"
              "     0  track            0.0            0.0            0.0\n"
              "     0  balance          0.0            0.0            0.0\n"
              "     0  translate        0.0            0.0            0.0\n"
              "     0  route           25.0           10.0           22.5\n"
              "     0  encapsulate      0.0            0.0            0.0\n"
              "     0  transmit         0.0            0.0            0.0\n"
              "     0  all            100.0           40.0           30.0\n"
              "\n"
              "2 bursts were timed, one in 256. Cycles are of the TSC, per packet of the whole burst.\n");
}

TEST_F(ViaductctlTest, ShowsSourcesWithWhatIsWrong) {
    gateway.status.sources[0].errors = {"web.yaml:12: no such field"};
    gateway.status.findings = {{Severity::warning, "Node node2", "its subnet overlaps", "give it another"}};
    EXPECT_EQ(ask({"show", "sources"}),
              "NAME     TYPE       NETWORK  LOCATION                SYNCED  AGE      LAST CHANGE  OBJECTS\n"
              "cluster  directory  demo     /etc/viaduct/cluster.d  yes     current  never        Node 2, Service 3\n"
              "\n"
              "Snapshot 1 published never, built in 0 us; ready.\n"
              "error: web.yaml:12: no such field\n"
              "warning: Node node2: its subnet overlaps; give it another\n");
}

TEST_F(ViaductctlTest, TellsHowOldTheStateIsWhileTheServerIsAway) {
    ResourceStatus& nodes = gateway.status.sources[0].resources.emplace_back();
    nodes.last_heard = std::chrono::system_clock::now() - std::chrono::minutes(150);
    EXPECT_NE(ask({"show", "sources"}).find("current"), std::string::npos) << "nothing is wrong: it is only quiet";
    nodes.error = "Connection refused";
    EXPECT_NE(ask({"show", "sources"}).find(" 2 h "), std::string::npos);
    gateway.status.sources[0].synced = false;
    EXPECT_NE(ask({"show", "sources"}).find("unread"), std::string::npos);
}

TEST_F(ViaductctlTest, Explains) {
    EXPECT_EQ(
        ask({"explain", "--from", "192.0.2.7", "--to", "10.96.0.10:80"}),
        "parse    IPv4, TCP\n"
        "balance  service shop/web:http, 2 backends\n"
        "verdict  forward, service shop/web:http, backend 10.244.1.5:8080, peer node1, port underlay, MTU 1450\n");
    EXPECT_EQ(Json::parse(ask({"explain", "--from", "[fd00::1]:7", "--to", "[fd00:96::a]:80", "-j"}))["mtu"], 1450);
    EXPECT_EQ(gateway.view.asked.source_port, 7);
}

TEST_F(ViaductctlTest, PassesOnWhatTheGatewayDidNotUnderstand) {
    const Outcome outcome = try_to({"explain", "--from", "192.0.2.7", "--to", "10.96.0.10"});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.err,
              "viaductctl: 'to' has no port\n"
              "  write the destination as address:port, or use icmp\n");
}

TEST_F(ViaductctlTest, WaitsUntilReady) {
    EXPECT_EQ(ask({"wait"}), "ready: snapshot 1\n");
    EXPECT_EQ(Json::parse(ask({"wait", "-j"}))["ready"], true);
}

TEST(ViaductctlWait, WaitsForAGatewayThatIsNotThereYet) {
    FakeGateway gateway;
    Outcome outcome;
    std::jthread waiting([&] { outcome = run({"wait", "--timeout", "60", "--socket", gateway.socket}); });
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    const ApiServer server(gateway.socket, gateway.subject());
    waiting.join();
    EXPECT_EQ(outcome.code, 0) << outcome.err;
}

TEST_F(ViaductctlTest, SaysWhatIsMissingWhenItHasWaitedInVain) {
    gateway.status.sources[0].synced = false;
    const Outcome outcome = try_to({"wait", "--timeout", "0.1"});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.err,
              "viaductctl: the gateway is not ready: source cluster is not read yet\n"
              "  see `viaductctl show sources`\n");
}

TEST_F(ViaductctlTest, ShowsRatesOncePerPicture) {
    const std::string text = ask({"top", "--count", "2", "--interval", "0.05"});
    std::size_t pictures = 0;
    for (auto at = text.find("RX PPS"); at != std::string::npos; at = text.find("PORT ", at + 1)) ++pictures;
    EXPECT_EQ(pictures, 2) << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << "no terminal, no control sequences";
    const Json rates = Json::parse(ask({"top", "-j", "--count", "1", "--interval", "0.05"}));
    EXPECT_EQ(rates["ports"][0]["name"], "outside");
}

Sample sample_at(int second, std::uint64_t packets, const std::vector<std::string>& clients) {
    Sample sample;
    sample.when = std::chrono::steady_clock::time_point(std::chrono::seconds(second));
    sample.ports = {{{"name", "outside"}, {"link", "up"}, {"rx_packets", packets}, {"rx_bytes", packets * 100}}};
    sample.workers = {{{"id", 0}, {"cpu", 1}, {"rx", packets}, {"turns", packets}, {"busy_turns", packets / 4}}};
    sample.drops = {{{"name", "vlan"}, {"packets", 3}}, {{"name", "no_route"}, {"packets", packets}}};
    sample.connections = Json::array();
    for (const std::string& client : clients) {
        sample.connections.push_back({{"protocol", "TCP"},
                                      {"network", "demo"},
                                      {"client", client},
                                      {"frontend", "10.96.0.10:80"},
                                      {"service", "shop/web:http"}});
    }
    return sample;
}

TEST(Top, ComputesRates) {
    std::ostringstream out;
    print_rates(sample_at(0, 0, {"a"}), sample_at(2, 400'000, {"a", "b", "c"}), out);
    EXPECT_EQ(out.str(),
              "PORT     LINK  RX PPS  RX BIT/S  TX PPS  TX BIT/S\n"
              "outside  up      200k      160M       0         0\n"
              "\n"
              "WORKER  CPU  BUSY %  RX PPS  HANDED OVER PPS  NEW/S  CONNECTIONS\n"
              "     0    1      25    200k                0      0            0\n"
              "\n"
              "SERVICE        NEW/S  CONNECTIONS\n"
              "shop/web:http      1            3\n"
              "\n"
              "DROP       PPS  PACKETS\n"
              "no_route  200k   400000\n"
              "vlan         0        3\n"
              "\n");
}

TEST(Top, TakesARestartForStandstill) {
    const Json rates = rates_json(sample_at(0, 1'000, {}), sample_at(1, 10, {}));
    EXPECT_EQ(rates["ports"][0]["rx_pps"], 0);
}

TEST(Viaductctl, SaysHowToReachAGateway) {
    const Outcome absent = run({"show", "ports", "--socket", "/nowhere/viaduct.sock"});
    EXPECT_EQ(absent.code, 1);
    EXPECT_NE(absent.err.find("there is no such socket\n  start it with `viaduct --config"), std::string::npos);
    FakeGateway gateway;
    std::ofstream(gateway.socket) << "";
    const Outcome dead = run({"show", "ports", "--socket", gateway.socket});
    EXPECT_EQ(dead.code, 1);
    EXPECT_NE(dead.err.find("nobody listens\n  the gateway has died"), std::string::npos) << dead.err;
}

TEST(Viaductctl, RefusesWhatMakesNoSense) {
    const auto refused = [](const std::vector<std::string>& arguments) {
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.code, 2);
        EXPECT_EQ(outcome.out, "");
        return outcome.err.substr(0, outcome.err.find('\n'));
    };
    EXPECT_EQ(refused({"list"}), "viaductctl: there is no command 'list'");
    EXPECT_EQ(refused({"show"}).substr(0, 25), "viaductctl: show what? On");
    EXPECT_EQ(refused({"show", "porks"}).substr(0, 38), "viaductctl: 'porks' cannot be shown; o");
    EXPECT_EQ(refused({"show", "ports", "peers"}), "viaductctl: 'peers' is one word too many");
    EXPECT_EQ(refused({"show", "ports", "--interval", "1"}), "viaductctl: unrecognised option '--interval'");
    EXPECT_EQ(refused({"explain", "--to", "10.96.0.10:80"}), "viaductctl: explain needs --from, an address");
    EXPECT_EQ(refused({"explain", "--from", "192.0.2.7"}), "viaductctl: explain needs --to, an address");
    EXPECT_EQ(refused({"top", "--interval", "0"}), "viaductctl: --interval must be more than 0 seconds");
    EXPECT_EQ(refused({}).substr(0, 17), "Usage: viaductctl");
}

TEST(Viaductctl, HelpsWithExamples) {
    for (const char* command : {"show", "top", "explain", "wait"}) {
        const Outcome help = run({command, "--help"});
        EXPECT_EQ(help.code, 0);
        EXPECT_NE(help.out.find(std::string("Examples:\n  viaductctl ")), std::string::npos) << command;
        EXPECT_NE(run({"--help"}).out.find(std::string("  ") + command), std::string::npos);
    }
}

/// What bash would offer after these words, in one line.
std::string completions(const std::string& words) {
    const std::string script = "source '" COMPLETION "'; COMP_WORDS=(" + words +
                               "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1));"
                               "_viaductctl x \"${COMP_WORDS[-1]}\" \"${COMP_WORDS[-2]}\"; echo -n ${COMPREPLY[@]}";
    const std::string file = std::string(::testing::TempDir()) + "viaductctl-completion." + std::to_string(getpid());
    std::ofstream(file) << script;
    FILE* const bash = popen(("bash " + file).c_str(), "r");
    std::string text(4096, '\0');
    text.resize(fread(text.data(), 1, text.size(), bash));
    pclose(bash);
    std::filesystem::remove(file);
    return text;
}

TEST(Completion, KnowsCommandsSubjectsAndOptions) {
    std::string subjects;
    for (const std::string& subject : show_subjects()) subjects += subject + ' ';
    EXPECT_EQ(completions("viaductctl show ''").substr(0, subjects.size()), subjects);
    EXPECT_EQ(completions("viaductctl s"), "show");
    EXPECT_EQ(completions("viaductctl -j explain --p"), "--proto --port --peer");
    std::istringstream words(completions("viaductctl explain --"));
    for (std::string word; words >> word;) EXPECT_NE(help_of("explain").find(word), std::string::npos) << word;
}

TEST_F(ViaductctlTest, CompletesNamesOfTheRunningGateway) {
    const std::string program = "'" VIADUCTCTL "' --socket '" + gateway.socket + "' explain ";
    EXPECT_EQ(completions(program + "--peer ''"), "node1 node2");
    EXPECT_EQ(completions(program + "--port o"), "outside");
}

TEST_F(ViaductctlTest, TellsBothVersions) {
    EXPECT_NE(ask({"--version"}).find("\ngateway    "), std::string::npos);
    EXPECT_EQ(Json::parse(ask({"--version", "-j"}))["gateway"]["snapshot"], 1);
}

}  // namespace
}  // namespace viaduct
