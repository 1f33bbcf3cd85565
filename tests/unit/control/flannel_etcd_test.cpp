// flannel's keys and rules, without etcd: texts, subnets, and a lease whose day passes at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "control/objects/net_conf.h"
#include "control/sources/base64.h"
#include "control/sources/flannel_etcd/choose_subnet.h"
#include "control/sources/flannel_etcd/etcd_json.h"
#include "control/sources/flannel_etcd/subnet_lease.h"
#include "encap/net_text.h"

namespace viaduct {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::HasSubstr;

FlannelConfig conf(const std::string& json) { return read_net_conf({}, json); }
const char* const dual =
    R"({"Network":"10.5.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48","Backend":{"Type":"vxlan"}})";

template <class Throws>
std::string problem_of(Throws throws) {
    try {
        throws();
    } catch (const std::exception& wrong) {
        return wrong.what();
    }
    return "";
}

TEST(Base64, IsRfc4648s) {
    for (const auto& [bytes, text] :
         {std::pair("", ""), {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}}) {
        EXPECT_EQ(to_base64(bytes), text);
        EXPECT_EQ(from_base64(text), bytes);
    }
    EXPECT_EQ(from_base64(to_base64(std::string("\0\xff\x80", 3))), std::string("\0\xff\x80", 3));
    EXPECT_FALSE(from_base64("Zm9%"));
}

TEST(SubnetRecord, KeysAreNamedAfterSubnets) {
    const SubnetPair v4{*parse_prefix("10.5.52.0/24"), {}},
        both{*parse_prefix("10.5.52.0/24"), parse_prefix("fc00:0:0:5::/64")};
    EXPECT_EQ(subnet_key(v4), "10.5.52.0-24");
    EXPECT_EQ(subnet_key(both), "10.5.52.0-24&fc00:0:0:5::-64");
    EXPECT_EQ(parse_subnet_key("10.5.52.0-24"), v4);
    EXPECT_EQ(parse_subnet_key("10.5.52.0-24&fc00:0:0:5::-64"), both);
    for (const char* bad : {"", "10.5.52.0", "10.5.52.0-33", "fc00::-64", "10.5.52.0-24&10.5.53.0-24", "lost+found"})
        EXPECT_FALSE(parse_subnet_key(bad)) << bad;
}

TEST(SubnetRecord, LeasesReadAsFlanneldWritesThem) {
    const Mac mac = *parse_mac("c6:d2:32:6f:8f:44");
    EXPECT_EQ(
        lease_text({{192, 168, 64, 3}, {}, Vni(1), mac}),
        R"({"PublicIP":"192.168.64.3","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"c6:d2:32:6f:8f:44"}})");
    EXPECT_EQ(
        lease_text({{192, 168, 64, 3}, parse_ip("fc00:1::3")->v6(), Vni(7), mac}),
        R"({"PublicIP":"192.168.64.3","PublicIPv6":"fc00:1::3","BackendType":"vxlan","BackendData":{"VNI":7,"VtepMAC":"c6:d2:32:6f:8f:44"},"BackendV6Data":{"VNI":7,"VtepMAC":"c6:d2:32:6f:8f:44"}})");
}

TEST(SubnetRecord, ALeaseIsANode) {
    const SubnetPair both{*parse_prefix("10.5.52.0/24"), parse_prefix("fc00:0:0:5::/64")};
    const std::string text =
        lease_text({{192, 168, 64, 3}, parse_ip("fc00:1::3")->v6(), Vni(7), *parse_mac("c6:d2:32:6f:8f:44")});
    const NodeObject node = node_of_lease("n", both, text);
    EXPECT_EQ(node.pod_cidrs, (std::vector<std::string>{"10.5.52.0/24", "fc00:0:0:5::/64"}));
    EXPECT_TRUE(node.flannel.managed);
    EXPECT_EQ(node.flannel.public_ip, "192.168.64.3");
    EXPECT_EQ(node.flannel.public_ipv6, "fc00:1::3");
    EXPECT_EQ(node.flannel.backend_data, R"({"VNI":7,"VtepMAC":"c6:d2:32:6f:8f:44"})");
    EXPECT_EQ(node.flannel.backend_v6_data, node.flannel.backend_data);
    EXPECT_FALSE(node.flannel.v4_alone);
    EXPECT_THAT(problem_of([&] { (void)node_of_lease("n", both, "{"); }), HasSubstr("is no lease of flannel's"));
    EXPECT_THAT(problem_of([&] { (void)node_of_lease("n", both, R"({"PublicIP":7})"); }), HasSubstr("is no lease"));
}

TEST(SubnetRange, IsFlannelsByDefault) {
    const auto range = [](const std::string& json, Family family = Family::v4) {
        const SubnetRange subnets = subnet_range(conf(json), family);
        return to_string(subnets.first) + " " + to_string(subnets.last);
    };
    EXPECT_EQ(range(dual), "10.5.1.0/24 10.5.255.0/24");
    EXPECT_EQ(range(dual, Family::v6), "fc00:0:0:1::/64 fc00:0:0:ffff::/64");
    EXPECT_EQ(range(R"({"Network":"10.5.0.0/23"})"), "10.5.0.128/25 10.5.1.128/25") << "four nodes at least";
    EXPECT_EQ(range(R"({"Network":"10.5.0.0/16","SubnetLen":20,"SubnetMin":"10.5.32.0","SubnetMax":"10.5.64.0"})"),
              "10.5.32.0/20 10.5.64.0/20");
}

TEST(SubnetRange, RefusesWhatFlanneldRefuses) {
    const auto problem = [](const std::string& json) {
        return problem_of([&] { (void)subnet_range(conf(json), Family::v4); });
    };
    EXPECT_THAT(problem(R"({"EnableIPv4":true})"), HasSubstr("Network is missing: add it"));
    EXPECT_THAT(problem(R"({"Network":"10.5.0.0/29"})"), HasSubstr("too small"));
    EXPECT_THAT(problem(R"({"Network":"10.5.0.0/16","SubnetLen":17})"), HasSubstr("write one from 18 to 30"));
    EXPECT_THAT(problem(R"({"Network":"10.5.0.0/16","SubnetMin":"10.6.0.0"})"), HasSubstr("SubnetMin is 10.6.0.0"));
    EXPECT_THAT(problem(R"({"Network":"10.5.0.0/16","SubnetMax":"10.5.9.7"})"), HasSubstr("SubnetMax is 10.5.9.7"));
}

TEST(ChooseSubnet, TakesNothingThatIsTaken) {
    const FlannelConfig network =
        conf(R"({"Network":"10.5.0.0/16","SubnetLen":24,"SubnetMin":"10.5.4.0","SubnetMax":"10.5.7.0"})");
    std::vector<SubnetPair> taken{{*parse_prefix("10.5.4.0/23"), {}}, {*parse_prefix("10.5.6.0/25"), {}}};
    for (const double chance : {0.0, 0.5, 0.999})
        EXPECT_EQ(subnet_key(choose_subnet(network, taken, chance)), "10.5.7.0-24");
    taken.push_back({*parse_prefix("10.5.7.0/24"), {}});
    EXPECT_THAT(problem_of([&] { (void)choose_subnet(network, taken, 0); }), HasSubstr("are taken: widen the network"));
}

TEST(ChooseSubnet, ChoosesInBothFamilies) {
    const std::vector<SubnetPair> taken{{*parse_prefix("10.5.1.0/24"), parse_prefix("fc00:0:0:1::/64")}};
    const FlannelConfig network = conf(dual);
    EXPECT_EQ(subnet_key(choose_subnet(network, taken, 0)), "10.5.2.0-24&fc00:0:0:2::-64");
    EXPECT_EQ(subnet_key(choose_subnet(network, taken, 0.999)), "10.5.101.0-24&fc00:0:0:65::-64") << "the hundredth";
    EXPECT_TRUE(fits(network, *parse_subnet_key("10.5.2.0-24&fc00:0:0:2::-64")));
    EXPECT_FALSE(fits(network, *parse_subnet_key("10.5.2.0-24"))) << "it has no IPv6";
    EXPECT_FALSE(fits(network, *parse_subnet_key("10.5.0.0-24&fc00:0:0:2::-64"))) << "the network's first";
    EXPECT_FALSE(fits(network, *parse_subnet_key("10.5.2.0-25&fc00:0:0:2::-64")));
}

TEST(EtcdJson, WatchMessages) {
    const EtcdWatchMessage events = read_watch_message(
        R"({"result":{"header":{"cluster_id":"9","revision":"12"},"events":[{"kv":{"key":"L2E=","value":"eA==","mod_revision":"11","lease":"7"}},{"type":"DELETE","kv":{"key":"L2I=","mod_revision":"12"}}]}})");
    EXPECT_EQ(events.header.revision, 12);
    ASSERT_EQ(events.events.size(), 2U);
    EXPECT_FALSE(events.events[0].erased);
    EXPECT_EQ(events.events[0].key.key, "/a");
    EXPECT_EQ(events.events[0].key.lease, 7);
    EXPECT_TRUE(events.events[1].erased);
    const EtcdWatchMessage compacted =
        read_watch_message(R"({"result":{"header":{},"canceled":true,"compact_revision":"5"}})");
    EXPECT_TRUE(compacted.canceled);
    EXPECT_EQ(compacted.compacted, 5);
    EXPECT_THAT(problem_of([] {
                    (void)read_watch_message(R"({"error":{"message":"etcdserver: no leader","http_code":503}})");
                }),
                HasSubstr("etcdserver: no leader"));
    for (const char* bad :
         {"", "x", "[]", R"({"result":{"header":{"revision":"x"}}})", R"({"result":{"header":{},"events":[{}]}})",
          R"({"result":{"header":{},"events":[{"kv":{"key":"%"}}]}})"})
        EXPECT_NE(problem_of([&] { (void)read_watch_message(bad); }), "") << bad;
}

/// An etcd that says what a test says, and time that passes when the test says so.
class SubnetLeaseTest : public ::testing::Test, protected EtcdTransport {
protected:
    bool ready() override { return true; }
    void refused() override {}
    std::unique_ptr<Exchange> post(const std::string& path, const std::string& body, ResponseHandler& handler,
                                   bool) override {
        paths_ += path.substr(path.rfind('/') + 1) + " ";
        body_ = nlohmann::json::parse(body);
        handler_ = &handler;
        return std::make_unique<Exchange>();
    }
    void answer(const std::string& body, int status = 200) {
        ResponseHandler& handler = *std::exchange(handler_, nullptr);
        handler.on_response(status, {});
        handler.on_data(body);
        handler.on_end("");
    }
    void answer_put(bool succeeded) {
        ++revision_;
        answer(nlohmann::json{{"header", {{"revision", std::to_string(revision_)}}}, {"succeeded", succeeded}}.dump());
    }
    std::string asked_key() const { return *from_base64(body_["success"][0]["request_put"]["key"].get<std::string>()); }
    void tick() { lease_.tick(conf_, {keys_, revision_}); }
    void pass(std::chrono::seconds time) { now_ += time, tick(); }
    /// Takes a subnet, and hears of it.
    void take() {
        tick();
        answer(R"({"ID":"77"})");
        const std::string key = asked_key(),
                          value = *from_base64(body_["success"][0]["request_put"]["value"].get<std::string>());
        answer_put(true);
        keys_[key] = {key, value, revision_, 77};
        tick();
        paths_.clear();
    }

    TimePoint now_{hours(1)};
    Timing timing_{[this] { return now_; }, [] { return 0.0; }};
    FlannelConfig conf_ = conf(R"({"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}})");
    std::map<std::string, EtcdKeyValue> keys_;
    std::int64_t revision_ = 10;
    std::string paths_;
    nlohmann::json body_;
    ResponseHandler* handler_ = nullptr;
    SubnetLease lease_{
        "source etcd", "/n/subnets/", {{192, 0, 2, 10}, {}, *parse_mac("02:00:00:00:00:01")}, *this, timing_};
};

TEST_F(SubnetLeaseTest, IsWrittenAnewAnHourBeforeItsDayEnds) {
    take();
    pass(hours(22));
    EXPECT_EQ(paths_, "");
    EXPECT_EQ(lease_.due(), now_ + hours(1));
    pass(hours(1));
    EXPECT_EQ(paths_, "grant ");
    answer(R"({"ID":"78"})");
    EXPECT_EQ(asked_key(), "/n/subnets/10.5.1.0-24");
    EXPECT_EQ(body_["success"][0]["request_put"]["lease"], "78");
    EXPECT_EQ(body_["compare"][0]["mod_revision"], "11") << "not if somebody else has written it";
}

TEST_F(SubnetLeaseTest, IsTriedAgainWhenTheRenewalFails) {
    take();
    pass(hours(23));
    answer(R"({"message":"etcdserver: no leader"})", 503);
    EXPECT_THAT(lease_.problem(), HasSubstr("no leader"));
    pass(seconds(1));
    EXPECT_EQ(paths_, "grant grant ");
}

TEST_F(SubnetLeaseTest, TheLoserChoosesAgainAndGivesItsEtcdLeaseBack) {
    tick();
    answer(R"({"ID":"77"})");
    EXPECT_EQ(asked_key(), "/n/subnets/10.5.1.0-24");
    EXPECT_EQ(body_["compare"][0]["mod_revision"], "0") << "only where there is none";
    answer_put(false);
    EXPECT_EQ(body_["ID"], "77");
    answer("{}");
    keys_["/n/subnets/10.5.1.0-24"] = {"/n/subnets/10.5.1.0-24", R"({"PublicIP":"192.0.2.11"})", revision_, 5};
    lease_.keys_changed();
    pass(seconds(1));
    answer(R"({"ID":"78"})");
    EXPECT_EQ(asked_key(), "/n/subnets/10.5.2.0-24");
    EXPECT_EQ(paths_, "grant txn revoke grant txn ");
}

TEST_F(SubnetLeaseTest, WaitsUntilItHasHeardOfItsOwnKey) {
    tick();
    answer(R"({"ID":"77"})");
    answer_put(true);
    const std::int64_t written = std::exchange(revision_, 10);  // the watch lags
    tick();
    pass(seconds(1));
    EXPECT_EQ(paths_, "grant txn ") << "no second subnet";
    revision_ = written;
    keys_["/n/subnets/10.5.1.0-24"] = {"/n/subnets/10.5.1.0-24",
                                       lease_text({{192, 0, 2, 10}, {}, Vni(1), *parse_mac("02:00:00:00:00:01")}),
                                       written, 77};
    pass(seconds(1));
    EXPECT_EQ(paths_, "grant txn ");
}

TEST_F(SubnetLeaseTest, AReservationStaysOne) {
    keys_["/n/subnets/10.5.9.0-24"] = {"/n/subnets/10.5.9.0-24", R"({"PublicIP":"192.0.2.10"})", 5, 0};
    tick();
    EXPECT_EQ(paths_, "txn ") << "no etcd lease";
    EXPECT_EQ(body_["success"][0]["request_put"]["lease"], "0");
    answer_put(true);
    keys_["/n/subnets/10.5.9.0-24"] = {"/n/subnets/10.5.9.0-24",
                                       lease_text({{192, 0, 2, 10}, {}, Vni(1), *parse_mac("02:00:00:00:00:01")}),
                                       revision_, 0};
    tick();
    EXPECT_EQ(lease_.due(), TimePoint::max()) << "it needs no renewal";
}

TEST_F(SubnetLeaseTest, TakesTheFormerSubnetAgain) {
    conf_ = conf(R"({"Network":"10.5.0.0/16","SubnetMin":"10.5.7.0","Backend":{"Type":"vxlan"}})");
    take();
    conf_ = conf(R"({"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}})");
    keys_.clear();
    ++revision_;
    lease_.keys_changed();
    tick();
    answer(R"({"ID":"78"})");
    EXPECT_EQ(asked_key(), "/n/subnets/10.5.7.0-24");
}

TEST_F(SubnetLeaseTest, WhatDoesNotFitTheNetworkIsErased) {
    take();
    conf_ = conf(R"({"Network":"10.6.0.0/16","Backend":{"Type":"vxlan"}})");
    lease_.keys_changed();
    tick();
    EXPECT_EQ(*from_base64(body_["success"][0]["request_delete_range"]["key"].get<std::string>()),
              "/n/subnets/10.5.1.0-24");
    answer_put(true);
    keys_.clear();
    pass(seconds(1));
    answer(R"({"ID":"78"})");
    EXPECT_EQ(asked_key(), "/n/subnets/10.6.1.0-24");
}

TEST_F(SubnetLeaseTest, ADualStackNetworkNeedsBothAddresses) {
    conf_ = conf(dual);
    tick();
    EXPECT_EQ(paths_, "");
    EXPECT_THAT(lease_.problem(), HasSubstr("set vtep-v6"));
}

}  // namespace
}  // namespace viaduct
