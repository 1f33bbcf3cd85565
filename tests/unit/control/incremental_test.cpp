// Random histories of a cluster: what is computed from change to change equals what is computed from the beginning.
#include <gtest/gtest.h>

#include <random>

#include "control/desired/desired_state.h"
#include "encap/net_text.h"
#include "tables/builder.h"
#include "tests/unit/control/cluster_text.h"

namespace viaduct {
namespace {

class History {
public:
    explicit History(unsigned seed) : random_(seed) {
        for (const char* name : {"a", "b"}) {
            NetworkConfig& network = config.networks.emplace_back();
            network.name = name;
            network.node_name = "node1";
            network.local_policy = LocalPolicy::node;
        }
        config.networks[1].vni = Vni(7);
        ports.resize(1);
        ports[0].name = "outside";
        ports[0].interface_index = 2;
        kernel.addresses = {{2, Ipv4(198, 51, 100, 1), 24, false}};
        sources = {{"a", &objects[0]}, {"a", &objects[1]}, {"b", &objects[2]}};
    }
    unsigned chance(unsigned n) { return static_cast<unsigned>(random_() % n); }

    void change() {
        Objects& some = objects[chance(3) == 0 ? 1 + chance(2) : 0];
        switch (chance(12)) {
            case 0:
                return void(some.erase(service_key()));
            case 1:
                return void(some.erase(slice_key()));
            case 2:
                return void(some.erase({ObjectKind::node, "", node_name()}));
            case 3:
            case 4:
                return void(some.put(node()));
            case 5:
                return void(some.put(endpoints()));
            case 6:
            case 7:
                return void(some.put(service()));
            case 8:
                return assign();
            case 9:
                return shuffle(some);
            default:
                return void(some.put(slice()));
        }
    }

    Config config;
    Objects objects[3];
    std::vector<SourceObjects> sources;
    KernelState kernel;
    std::vector<PortFacts> ports;
    Assignments assigned;

private:
    std::string name() { return std::string(1, static_cast<char>('a' + chance(6))); }
    std::string node_name() { return "node" + std::to_string(1 + chance(5)); }
    ObjectKey service_key() { return {ObjectKind::service, "shop", name()}; }
    ObjectKey slice_key() { return {ObjectKind::endpoint_slice, "shop", name() + std::to_string(chance(3))}; }

    Object node() {
        auto one = std::make_shared<NodeObject>();
        one->key = {ObjectKind::node, "", node_name()};
        one->zone = chance(2) == 0 ? "x" : "y";
        const std::string number = std::to_string(1 + chance(6));
        one->pod_cidrs = {"10.244." + number + ".0/24"};
        one->flannel = {
            true, "vxlan", R"({"VNI":1,"VtepMAC":"12:00:00:00:00:0)" + number + "\"}", "", "192.0.2." + number,
            "",   false};
        return Shared<NodeObject>(one);
    }
    Object service() {
        auto one = std::make_shared<ServiceObject>();
        one->key = service_key();
        // Few addresses and ports, so that many are claimed twice.
        if (chance(4) != 0) one->cluster_ips = {Ipv4(10, 96, 0, static_cast<std::uint8_t>(chance(5)))};
        if (chance(3) == 0) one->external_ips = {Ipv4(203, 0, 113, static_cast<std::uint8_t>(chance(3)))};
        if (chance(5) == 0) one->external_policy = TrafficPolicy::local;
        one->headless = chance(9) == 0;
        for (unsigned i = 0; i <= chance(2); ++i)
            one->ports.push_back({chance(2) == 0 ? "http" : "dns", chance(4) == 0 ? Protocol::udp : Protocol::tcp,
                                  static_cast<std::uint16_t>(80 + chance(2)),
                                  static_cast<std::uint16_t>(chance(3) == 0 ? 30'000 + chance(2) : 0)});
        return Shared<ServiceObject>(one);
    }
    void add_endpoints(EndpointSlice& slice) {
        slice.family = Family::v4;
        slice.ports = {{"http", Protocol::tcp, 8080}};
        if (chance(2) == 0) slice.ports.push_back({"dns", Protocol::udp, 53});
        for (unsigned i = chance(5); i != 0; --i) {
            Endpoint& endpoint = slice.endpoints.emplace_back();
            endpoint.address = Ipv4(10, 244, 1, static_cast<std::uint8_t>(chance(20)));
            endpoint.ready = chance(3) != 0;
            endpoint.terminating = !endpoint.ready && chance(2) == 0;
            endpoint.node_name = node_name();
            if (chance(2) == 0) endpoint.zone_hints = {chance(2) == 0 ? "x" : "y"};
        }
    }
    Object slice() {
        auto one = std::make_shared<EndpointSlice>();
        one->key = slice_key();
        one->service = name();
        add_endpoints(*one);
        return Shared<EndpointSlice>(one);
    }
    Object endpoints() {
        auto one = std::make_shared<Endpoints>();
        one->key = {ObjectKind::endpoints, "shop", name()};
        add_endpoints(one->slices.emplace_back());
        one->skip_mirror = chance(4) == 0;
        return Shared<Endpoints>(one);
    }
    void assign() {
        const NetworkService owner{chance(4) == 0 ? "b" : "a", service_key()};
        if (chance(3) == 0)
            assigned.erase(owner);
        else
            assigned[owner] = {Ipv4(203, 0, 113, static_cast<std::uint8_t>(100 + chance(3)))};
    }
    /// A source that reads everything again: all objects anew, in another order, or an address of ours more or less.
    void shuffle(Objects& some) {
        if (chance(2) == 0) {
            kernel.addresses.resize(1);
            if (chance(2) == 0) kernel.addresses.push_back({2, Ipv4(198, 51, 100, 2), 24, false});
        }
        Objects fresh;
        for (const auto& one : some.nodes) fresh.put(std::make_shared<const NodeObject>(*one));
        for (const auto& one : some.services) fresh.put(std::make_shared<const ServiceObject>(*one));
        for (const auto& one : some.slices) fresh.put(std::make_shared<const EndpointSlice>(*one));
        for (const auto& one : some.endpoints) fresh.put(one);
        some = std::move(fresh);
    }

    std::mt19937 random_;
};

/// What a client sees of Services: where each frontend leads.
std::map<std::string, std::vector<IpAddress>> forwarding(const Snapshot& snapshot) {
    std::map<std::string, std::vector<IpAddress>> all;
    for (const Frontend& frontend : snapshot.frontends->frontends()) {
        const Service& service = snapshot.frontends->service(frontend.service);
        std::vector<IpAddress>& backends = all[to_string(frontend.address) + " " + std::to_string(frontend.port) + " " +
                                               to_string(frontend.protocol) + " " + std::string(service.name.view())];
        for (const Backend& backend : service.backends->backends()) backends.push_back(backend.address);
    }
    return all;
}

/// Services by name: from change to change they keep their places.
DesiredState in_order(const DesiredState& state) {
    std::vector<DesiredService> services(state.services.begin(), state.services.end());
    // A name alone may be that of two ports.
    std::ranges::sort(services, {}, [](const DesiredService& one) {
        return std::tuple(one.network, one.name, one.group, one.protocol, one.family, one.frontends.front().address,
                          one.frontends.front().port);
    });
    DesiredState ordered = state;
    ordered.services.clear();
    for (DesiredService& one : services) ordered.services.push_back(std::move(one));
    return ordered;
}

class IncrementalTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(IncrementalTest, EqualsAComputationFromTheBeginning) {
    History history(GetParam());
    DesiredStateKeeper keeper;
    SnapshotBuilder builder;
    DesiredState former;
    std::shared_ptr<const Snapshot> snapshot;
    std::size_t services = 0, findings = 0, kept = 0;
    for (int step = 0; step < 150; ++step) {
        for (unsigned i = history.chance(4); i != 0; --i) history.change();
        const DesiredInput input{history.config, history.sources, history.kernel,
                                 history.ports,  &former,         &history.assigned};
        const DesiredOutput whole = desired_state(input);
        const DesiredState& state = keeper.update(input);
        ASSERT_EQ(in_order(state), in_order(whole.state)) << "step " << step;
        ASSERT_EQ(text_of(keeper.findings()), text_of(whole.findings)) << "step " << step;
        const auto next = builder.build(state, snapshot);
        const auto anew = SnapshotBuilder().build(whole.state, nullptr);
        ASSERT_EQ(forwarding(*next), forwarding(*anew)) << "step " << step;
        ASSERT_EQ(next->peers.size(), anew->peers.size());
        ASSERT_EQ(next->frontends->services().size(), anew->frontends->services().size());
        for (const Service& one : anew->frontends->services()) {
            const Service* same = next->frontends->by_id(one.id);
            ASSERT_NE(same, nullptr) << one.name.view();
            ASSERT_TRUE(std::ranges::equal(same->backends->table(), one.backends->table()) && same->name == one.name);
        }
        if (state.services.size() == former.services.size()) {
            std::size_t differing = 0;
            state.services.for_each_unshared(former.services, [&](std::size_t) { ++differing; });
            kept += state.services.size() - differing;
        }
        services += state.services.size();
        findings += whole.findings.size();
        former = state;
        snapshot = next;
    }
    EXPECT_GT(services, 300U);
    EXPECT_GT(findings, 100U) << "conflicts are part of it";
    EXPECT_GT(kept, services / 4) << "what did not change is shared";
}
INSTANTIATE_TEST_SUITE_P(Seeds, IncrementalTest, ::testing::Range(1U, 31U, unsigned{EVERY}));

}  // namespace
}  // namespace viaduct
