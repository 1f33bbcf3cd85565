// All writers of one cluster together: who writes what, with one gateway and with two.
#include "control/writers/cluster_writers.h"

#include <gtest/gtest.h>

#include "fake_api.h"

namespace viaduct {
namespace {

using namespace std::chrono_literals;

/// A gateway, the server's Lease between it and others, and everything else that it wrote.
struct Gateway {
    Gateway(const Config& config, FakeClock& clock, const std::string& name) : network(config.networks.front()) {
        network.node_name = options.identity = name;
        writers.emplace(config, network, options, api, clock.timing());
    }
    void turn(FakeLeaseServer& server, const ClusterView& view) {
        writers->update(view);
        writers->tell(view.objects, findings);
        writers->run();
        while (!api.waiting.empty()) {
            const ApiRequest& request = api.waiting.front().request;
            const bool about_lease = request.path.ends_with("/leases") || request.path.ends_with("/leases/gateway");
            const ApiAnswer answer = about_lease ? server.take(request) : ApiAnswer{200, "{}", {}};
            if (!about_lease) written.push_back(request.method + " " + request.path);
            (void)api.answer(answer.status, answer.body);
            writers->run();
        }
    }
    FakeApi api;
    NetworkConfig network;
    std::vector<Finding> findings;
    ClusterWriterOptions options;
    std::optional<ClusterWriters> writers;
    std::vector<std::string> written;
};

class ClusterWritersTest : public ::testing::Test {
protected:
    ClusterWritersTest() {
        NetworkConfig& network = config_.networks.emplace_back();
        network.name = "demo";
        config_.pools.emplace_back().name = "public";
        network_.vtep_v4 = Ipv4(192, 0, 2, 10);
        ServiceObject service;
        service.key = {ObjectKind::service, "shop", "web"};
        service.uid = "u-1";
        service.load_balancer = true;
        assigned_[{"demo", service.key}] = {Ipv4(203, 0, 113, 1)};
        objects_.services.push_back(std::make_shared<const ServiceObject>(service));
    }
    void run(std::chrono::seconds time, std::initializer_list<Gateway*> gateways) {
        for (const TimePoint end = clock_.now + time; clock_.now < end; clock_.now += 500ms)
            for (Gateway* one : gateways) one->turn(server_, {objects_, network_, assigned_, 1});
    }
    Config config_;
    FakeClock clock_;
    FakeLeaseServer server_;
    Objects objects_;
    DesiredNetwork network_;
    Assignments assigned_;
};

const std::string status_path = "PATCH /api/v1/namespaces/shop/services/web/status";

TEST_F(ClusterWritersTest, OfTwoGatewaysOneWritesStatuses) {
    Gateway a(config_, clock_, "gw-a"), b(config_, clock_, "gw-b");
    run(8s, {&a, &b});
    EXPECT_EQ(a.written, std::vector{status_path});
    EXPECT_TRUE(b.written.empty());
    a.writers->release();
    run(8s, {&a, &b});
    EXPECT_EQ(a.written.size(), 1U);
    EXPECT_EQ(b.written, std::vector{status_path});
}

TEST_F(ClusterWritersTest, FindingsBecomeEventsOfTheLeader) {
    Gateway a(config_, clock_, "gw-a"), b(config_, clock_, "gw-b");
    a.findings = b.findings = {{Severity::error, "Service shop/web", "is odd", "mend it"}};
    run(8s, {&a, &b});
    EXPECT_EQ(a.written.back(), "POST /apis/events.k8s.io/v1/namespaces/shop/events");
    EXPECT_TRUE(b.written.empty());
}

TEST_F(ClusterWritersTest, EachGatewaySpeaksOfItsOwnNode) {
    config_.networks.front().join = Join::node;
    config_.pools.clear();
    assigned_.clear();
    Gateway a(config_, clock_, "gw-a"), b(config_, clock_, "gw-b");
    run(1s, {&a, &b});
    EXPECT_EQ(a.written, std::vector<std::string>{"POST /api/v1/nodes"});
    EXPECT_EQ(b.written, a.written);
    NodeObject node;
    node.key = {ObjectKind::node, "", "gw-a"};
    node.is_gateway = true;
    node.flannel = {true, "vxlan", R"({"VNI":0,"VtepMAC":"00:00:00:00:00:00"})", "", "192.0.2.10", ""};
    objects_.nodes.push_back(std::make_shared<const NodeObject>(node));
    run(25s, {&a});
    EXPECT_EQ(
        std::ranges::count(a.written, "PATCH /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/gw-a"), 3);
    EXPECT_EQ(std::ranges::count(a.written, "POST /api/v1/nodes"), 1);
}

TEST_F(ClusterWritersTest, WithNothingToSayNothingIsSent) {
    config_.pools.clear();
    assigned_.clear();
    Gateway a(config_, clock_, "gw-a");
    a.options.events = false;
    a.writers.emplace(config_, a.network, a.options, a.api, clock_.timing());
    run(30s, {&a});
    EXPECT_TRUE(a.written.empty());
    EXPECT_TRUE(server_.lease.is_null());
    EXPECT_EQ(a.writers->due(), TimePoint::max());
}

}  // namespace
}  // namespace viaduct
