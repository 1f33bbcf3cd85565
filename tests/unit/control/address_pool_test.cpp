// Address pools as rows: pools and Services in, addresses and complaints out; and what must not change between runs.
#include "control/writers/address_pool.h"

#include <gtest/gtest.h>

#include <set>

#include "control/config_values.h"
#include "control/writers/pool_ranges.h"
#include "encap/net_text.h"
#include "tests/unit/control/cluster_text.h"

namespace viaduct {
namespace {

/// A pool whose name begins with '!' gives only on request.
PoolConfig pool(const std::string& name, const std::string& ranges, const std::string& namespaces = "") {
    PoolConfig pool;
    pool.name = name;
    pool.automatic = name.front() != '!';
    pool.ranges = parse_ranges(ranges);
    if (!namespaces.empty()) pool.namespaces.push_back(namespaces);
    return pool;
}

class AddressPool : public ::testing::Test {
protected:
    AddressPool() {
        config_.networks.emplace_back().name = "demo";
        config_.default_load_balancer = true;
    }
    void add(const std::string& name, const std::string& spec, const std::string& annotations = "",
             const std::string& status = "") {
        const std::string text = "kind: Service\nmetadata: {name: " + name + ", namespace: shop, annotations: {" +
                                 annotations + "}}\nspec: {type: LoadBalancer, " + spec +
                                 "}\nstatus: {loadBalancer: {ingress: [" + status + "]}}\n";
        for (const Object& object : objects_in(text))
            services_.emplace_back("demo", std::get<Shared<ServiceObject>>(object));
    }
    /// "a: 203.0.113.1 2001:db8::1; b:"
    std::string assign(bool complete = true) {
        PoolOutput out = assign_addresses({config_, services_, namespaces_, before_, complete});
        before_ = out.assigned;
        findings_.clear();
        for (const Finding& one : out.findings) findings_ += one.subject + " " + one.text + "\n";
        std::string text;
        for (const auto& [owner, addresses] : out.assigned) {
            text += (text.empty() ? "" : "; ") + owner.second.name + ":";
            for (const IpAddress& address : addresses) text += " " + to_string(address);
        }
        return text;
    }
    Config config_;
    std::vector<std::pair<std::string, Shared<ServiceObject>>> services_;
    Namespaces namespaces_;
    Assignments before_;
    std::string findings_;
};

const std::string http = "ports: [{port: 80}]";

struct Row {
    const char* name;
    const char *spec, *annotations, *status;  // of Service a, the only one
    const char* addresses;
    const char* finding;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class OneService : public AddressPool, public ::testing::WithParamInterface<Row> {};

TEST_P(OneService, GetsWhatItMayHave) {
    config_.pools = {pool("one", "203.0.113.1"), pool("six", "2001:db8::1"), pool("!vip", "198.51.100.1-198.51.100.9"),
                     pool("others", "192.0.2.1", "elsewhere")};
    add("a", GetParam().spec + std::string(", ") + http, GetParam().annotations, GetParam().status);
    EXPECT_EQ(assign(), GetParam().addresses);
    EXPECT_NE(findings_.find(GetParam().finding), std::string::npos) << findings_;
    EXPECT_EQ(findings_.empty(), std::string(GetParam().finding).empty()) << findings_;
}
INSTANTIATE_TEST_SUITE_P(
    Rows, OneService,
    ::testing::Values(
        Row{"no families set", "a: 1", "", "", "a: 203.0.113.1 2001:db8::1", ""},
        Row{"no families, single stack", "ipFamilyPolicy: SingleStack", "", "", "a: 203.0.113.1", ""},
        Row{"IPv4", "ipFamilies: [IPv4]", "", "", "a: 203.0.113.1", ""},
        Row{"IPv6", "ipFamilies: [IPv6]", "", "", "a: 2001:db8::1", ""},
        Row{"IPv6 first", "ipFamilies: [IPv6, IPv4]", "", "", "a: 2001:db8::1 203.0.113.1", ""},
        Row{"as its clusterIPs", "clusterIPs: [\"fd00::1\"]", "", "", "a: 2001:db8::1", ""},
        Row{"dual stack required", "ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4]", "", "",
            "a: 203.0.113.1 2001:db8::1", ""},
        Row{"class of ours", "loadBalancerClass: viaduct.dev/gateway, ipFamilies: [IPv4]", "", "", "a: 203.0.113.1",
            ""},
        Row{"class of others", "loadBalancerClass: x/y", "", "", "", ""},
        Row{"status wins", "ipFamilies: [IPv4]", "viaduct.dev/pool: \"!vip\"", "{ip: 198.51.100.7}", "a: 198.51.100.7",
            ""},
        Row{"status outside of all pools", "ipFamilies: [IPv4]", "", "{ip: 10.0.0.1}", "a: 203.0.113.1", ""},
        Row{"status of a pool that was not asked for", "ipFamilies: [IPv4]", "", "{ip: 198.51.100.7}", "a: 203.0.113.1",
            ""},
        Row{"loadBalancerIP", "ipFamilies: [IPv4], loadBalancerIP: 198.51.100.5", "", "", "a: 198.51.100.5", ""},
        Row{"annotation", "loadBalancerIP: 198.51.100.5", "viaduct.dev/addresses: \"2001:db8::1, 198.51.100.6\"", "",
            "a: 198.51.100.6 2001:db8::1", ""},
        Row{"wish wins over status", "ipFamilies: [IPv4], loadBalancerIP: 198.51.100.5", "", "{ip: 203.0.113.1}",
            "a: 198.51.100.5", ""},
        Row{"wish of one family", "a: 1", "viaduct.dev/addresses: 198.51.100.6", "", "a: 198.51.100.6 2001:db8::1", ""},
        Row{"wish outside", "ipFamilies: [IPv4], loadBalancerIP: 10.9.9.9", "", "", "a:",
            "Service shop/a does not get the address 10.9.9.9 that it asks for: no pool that is open to it has it"},
        Row{"wish for another namespace's", "ipFamilies: [IPv4], loadBalancerIP: 192.0.2.1", "", "",
            "a:", "no pool that is open to it has it"},
        Row{"wish that is no address", "ipFamilies: [IPv4]", "viaduct.dev/addresses: web", "", "a: 203.0.113.1",
            "asks for the address 'web', which it cannot have"},
        Row{"two wishes of one family", "ipFamilies: [IPv4]", "viaduct.dev/addresses: \"198.51.100.1,198.51.100.2\"",
            "", "a: 198.51.100.1", "'198.51.100.2'"},
        Row{"unknown pool", "ipFamilies: [IPv4]", "viaduct.dev/pool: nowhere", "",
            "a:", "gets no IPv4 load-balancer address: no pool that is open to it has any"},
        Row{"family without a pool", "ipFamilies: [IPv4, IPv6], ipFamilyPolicy: PreferDualStack",
            "viaduct.dev/pool: one", "", "a: 203.0.113.1", "gets no IPv6 load-balancer address"}));

TEST_F(AddressPool, NamespacesAreChosenByNameOrByLabels) {
    config_.pools = {pool("one", "203.0.113.1", "elsewhere")};
    config_.pools[0].namespace_selector = parse_selector("team=web,!closed");
    const auto label = [&](const std::string& network, const std::string& name, Labels labels) {
        auto one = std::make_shared<NamespaceObject>();
        one->key = {ObjectKind::name_space, "", name};
        one->labels = std::move(labels);
        namespaces_ = {{network, std::move(one)}};
    };
    add("a", "ipFamilies: [IPv4], " + http);
    EXPECT_EQ(assign(), "a:") << "nothing is known of its namespace";
    label("demo", "shop", {{"team", "db"}});
    EXPECT_EQ(assign(), "a:");
    label("demo", "shop", {{"team", "web"}, {"more", "x"}});
    EXPECT_EQ(assign(), "a: 203.0.113.1");
    label("demo", "shop", {{"team", "web"}, {"closed", ""}});
    EXPECT_EQ(assign(), "a:");
    label("other", "shop", {{"team", "web"}});
    EXPECT_EQ(assign(), "a:") << "another cluster's";
    config_.pools[0].namespaces = {"shop"};
    EXPECT_EQ(assign(), "a: 203.0.113.1") << "by name";
}

TEST(LabelSelectorTest, ReadsWhatKubernetesWrites) {
    const Labels labels{{"team", "web"}, {"example.com/tier", "front"}, {"public", ""}};
    for (const auto& [text, expected] :
         std::initializer_list<std::pair<const char*, bool>>{{"team=web", true},
                                                             {"team==web", true},
                                                             {"team=db", false},
                                                             {"team!=db", true},
                                                             {"team!=web", false},
                                                             {"none!=x", true},
                                                             {"public", true},
                                                             {"!public", false},
                                                             {"!none", true},
                                                             {"public=", true},
                                                             {"team = web , example.com/tier=front", true},
                                                             {"team=web,!public", false}})
        EXPECT_EQ(matches(parse_label_selector(text), labels), expected) << text;
    for (const char* wrong : {"", ",", "=web", "team=web,", "team in (web,db)", "!team=web=x y"})
        EXPECT_THROW((void)parse_label_selector(wrong), std::invalid_argument) << wrong;
}

TEST_F(AddressPool, NothingIsGivenAwayBeforeAllServicesAreKnown) {
    config_.pools = {pool("one", "203.0.113.0/29")};
    add("new", http);
    add("old", http, "", "{ip: 203.0.113.3}");
    EXPECT_EQ(assign(false), "new:; old: 203.0.113.3");
    EXPECT_EQ(findings_, "");
    EXPECT_NE(assign(true).find("new: 203.0.113."), std::string::npos);
}

TEST_F(AddressPool, ANewcomerTakesNothingFromAnybody) {
    config_.pools = {pool("one", "203.0.113.1-203.0.113.2")};
    add("m", http);
    add("n", http);
    const std::string first = assign();
    add("a", "loadBalancerIP: 203.0.113.1, " + http);
    EXPECT_EQ(assign(), "a:; " + first);
    EXPECT_NE(findings_.find("it is Service shop/"), std::string::npos) << findings_;
    add("z", http);
    EXPECT_EQ(assign(), "a:; " + first + "; z:");
    EXPECT_NE(findings_.find("Service shop/z gets no IPv4 load-balancer address: the pools that are open to it have "
                             "none left"),
              std::string::npos)
        << findings_;
}

TEST_F(AddressPool, TwoStatusesWithOneAddressAreSettledByName) {
    config_.pools = {pool("one", "203.0.113.1-203.0.113.2")};
    add("b", http, "", "{ip: 203.0.113.1}");
    add("a", http, "", "{ip: 203.0.113.1}");
    EXPECT_EQ(assign(), "a: 203.0.113.1; b: 203.0.113.2");
}

TEST_F(AddressPool, SharingNeedsOneKeyAndPortsOfTheirOwn) {
    config_.pools = {pool("one", "203.0.113.1")};
    const std::string key = "viaduct.dev/share: k";
    add("a", http, key);
    add("b", "ports: [{port: 443}]", key);
    add("c", "ports: [{port: 80, protocol: UDP}]", key);
    add("d", http, key);
    add("e", "ports: [{port: 8080}]", "viaduct.dev/share: other");
    add("f", "ports: [{port: 8081}]");
    EXPECT_EQ(assign(), "a: 203.0.113.1; b: 203.0.113.1; c: 203.0.113.1; d:; e:; f:");
}

TEST_F(AddressPool, AllSharersFindEachOtherInALargePool) {
    config_.pools = {pool("one", "203.0.113.0/24")};
    for (const char* name : {"a", "b", "c"})
        add(name, "ports: [{port: " + std::to_string(80 + name[0]) + "}]", "viaduct.dev/share: k");
    (void)assign();
    for (const auto& [owner, addresses] : before_) EXPECT_EQ(addresses, before_.begin()->second);
}

TEST_F(AddressPool, EveryAddressOfAPoolIsGivenOnceAndARestartFindsTheSame) {
    config_.pools = {pool("one", "203.0.113.250-203.0.114.5,2001:db8::fffa-2001:db8::1:5")};
    for (int i = 0; i < 12; ++i) add("s" + std::to_string(i), http);
    const std::string first = assign();
    EXPECT_EQ(findings_, "");
    std::set<IpAddress> given;
    for (const auto& [owner, addresses] : before_) given.insert(addresses.begin(), addresses.end());
    EXPECT_EQ(given.size(), 24U);
    EXPECT_EQ(assign(), first);
    before_.clear();
    EXPECT_EQ(assign(), first);
}

TEST_F(AddressPool, AServiceFindsItsAddressAgainWhateverElseCameAndWent) {
    config_.pools = {pool("one", "10.0.0.0/8,2001:db8::/32")};
    add("web", http);
    const std::string alone = assign();
    before_.clear();
    add("api", http);
    add("zoo", http);
    EXPECT_NE(assign().find(alone), std::string::npos);
}

TEST_F(AddressPool, ClasslessServicesAreLeftAloneUnlessConfigured) {
    config_.default_load_balancer = false;
    config_.pools = {pool("one", "203.0.113.1")};
    add("a", http);
    EXPECT_EQ(assign(), "");
}

TEST(PoolRanges, AreOneRowForEachFamily) {
    const auto ranges = parse_ranges("203.0.113.254-203.0.114.1, 2001:db8::/64, 198.51.100.7, ::/0");
    EXPECT_EQ(size_of(ranges, Family::v4), 5U);
    EXPECT_EQ(size_of(ranges, Family::v6), ~std::uint64_t{0});
    EXPECT_EQ(to_string(address_at(ranges, Family::v4, 2)), "203.0.114.0");
    EXPECT_EQ(to_string(address_at(ranges, Family::v4, 4)), "198.51.100.7");
    EXPECT_EQ(to_string(address_at(ranges, Family::v6, 0x1'0000'0001)), "2001:db8::1:0:1");
    EXPECT_TRUE(contains(ranges, *parse_ip("203.0.114.1")));
    EXPECT_FALSE(contains(ranges, *parse_ip("203.0.114.2")));
    EXPECT_THROW((void)parse_ranges("203.0.113.9-203.0.113.1"), BadValue);
    EXPECT_THROW((void)parse_ranges("203.0.113.9-2001:db8::1"), BadValue);
}

}  // namespace
}  // namespace viaduct
