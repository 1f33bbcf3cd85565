// What the builder makes of services: frontends, policies, backends and their identities.
#include "tables/build_services.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>

#include "tables/builder.h"
#include "tests/unit/tables/world.h"

namespace viaduct {
namespace {

template <class A>
class BuildServicesTest : public ::testing::Test {
protected:
    DesiredState state_ = small_cluster<A>();
    SnapshotBuilder builder_;
    std::shared_ptr<const Snapshot> now_;

    const Snapshot& build() {
        now_ = builder_.build(state_, now_);
        return *now_;
    }
    const BackendSet& set(std::size_t service) const { return *now_->frontends->services()[service].backends; }
    BackendId id_of(std::size_t service, std::uint8_t pod) const {
        for (const Backend& backend : set(service).backends())
            if (backend.address == IpAddress(address<A>(1, pod))) return backend.id;
        return {};
    }
    void add(const std::string& name, std::uint8_t host, std::uint8_t first, std::uint8_t last) {
        state_.services.push_back(web_service<A>(name, host, first, last));
    }
    const FrontendTarget* find(std::uint8_t host, std::uint16_t port) const {
        return now_->frontends->find(address<A>(200, host), Be16(port), Protocol::tcp);
    }
};
using Families = ::testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(BuildServicesTest, Families);

TYPED_TEST(BuildServicesTest, AServiceCarriesItsPolicy) {
    this->add("web", 1, 1, 3);
    DesiredService& desired = this->state_.services.edit(0);
    desired.when_empty = WhenEmpty::drop;
    desired.affinity_seconds = 90;
    desired.source_ranges = {subnet<TypeParam>(5)};
    this->build();
    const Service& service = this->now_->frontends->services()[0];
    EXPECT_EQ(service.id, service_id(desired));
    EXPECT_EQ(service.name, "default/web:http");
    EXPECT_EQ(service.network, first_network);
    EXPECT_EQ(service.when_empty, WhenEmpty::drop);
    EXPECT_EQ(service.affinity_seconds, 90U);
    EXPECT_TRUE(service.admits(address<TypeParam>(5, 1)));
    EXPECT_FALSE(service.admits(address<TypeParam>(6, 1)));
    EXPECT_EQ(service.backends->backends().size(), 3U);
    EXPECT_EQ(this->now_->frontends->by_id(service.id), &service);
}

TYPED_TEST(BuildServicesTest, FrontendKindsSetTheirMarks) {
    this->add("web", 1, 1, 1);
    this->state_.services.edit(0).frontends = {{address<TypeParam>(200, 1), 80, FrontendKind::cluster_ip},
                                               {address<TypeParam>(200, 2), 30080, FrontendKind::node_port},
                                               {address<TypeParam>(200, 3), 80, FrontendKind::external_ip},
                                               {address<TypeParam>(200, 4), 80, FrontendKind::load_balancer}};
    this->build();
    const auto checks_source = [&](std::uint8_t host, std::uint16_t port) {
        const FrontendTarget* frontend = this->find(host, port);
        return frontend != nullptr ? std::optional(frontend->check_source) : std::nullopt;
    };
    const auto owner = [&](std::uint8_t host) {
        return this->now_->frontends->owner_of(address<TypeParam>(200, host));
    };
    EXPECT_EQ(checks_source(1, 80), false);
    EXPECT_EQ(checks_source(2, 30080), false);
    EXPECT_EQ(checks_source(3, 80), false);
    EXPECT_EQ(checks_source(4, 80), true);
    EXPECT_EQ(checks_source(4, 81), std::nullopt);
    EXPECT_EQ(owner(1), AddressOwner::service);
    EXPECT_EQ(owner(2), AddressOwner::shared);
    EXPECT_EQ(owner(5), AddressOwner::nobody);
}

TYPED_TEST(BuildServicesTest, TheFirstServiceKeepsAFrontend) {
    this->add("first", 1, 1, 1);
    this->add("second", 1, 2, 2);
    this->build();
    EXPECT_EQ(this->find(1, 80)->service, 0U);
    EXPECT_EQ(this->now_->frontends->services().size(), 2U);
}

TYPED_TEST(BuildServicesTest, TheOtherFamilyIsLeftOut) {
    using Other = std::conditional_t<std::same_as<TypeParam, Ipv4>, Ipv6, Ipv4>;
    this->add("web", 1, 1, 2);
    this->state_.services.edit(0).backends.push_back({address<Other>(1, 1), 8080, 1});
    this->state_.services.edit(0).frontends.push_back({address<Other>(200, 1), 80, FrontendKind::cluster_ip});
    this->build();
    EXPECT_EQ(this->set(0).backends().size(), 2U);
    EXPECT_EQ(this->now_->frontends->frontends().size(), 1U);
}

TYPED_TEST(BuildServicesTest, OrderAndRepetitionOfBackendsDoNotMatter) {
    this->add("web", 1, 1, 5);
    this->build();
    const std::shared_ptr<const BackendSet> before = this->now_->frontends->services()[0].backends;
    auto& backends = this->state_.services.edit(0).backends;
    std::ranges::reverse(backends);
    backends.push_back(backends.front());
    this->build();
    EXPECT_EQ(this->now_->frontends->services()[0].backends, before);
    EXPECT_TRUE(std::ranges::is_sorted(before->backends(), {}, &Backend::address));
}

TYPED_TEST(BuildServicesTest, NoBackendsIsAnEmptySet) {
    this->add("web", 1, 1, 1);
    this->build();
    this->state_.services.edit(0).backends.clear();
    this->build();
    EXPECT_TRUE(this->set(0).empty());
}

TYPED_TEST(BuildServicesTest, ServicesWithEqualBackendsShareOneSet) {
    this->add("a", 1, 1, 3);
    this->add("b", 2, 1, 3);
    this->add("c", 3, 1, 4);
    this->build();
    EXPECT_EQ(&this->set(0), &this->set(1));
    EXPECT_NE(&this->set(0), &this->set(2));
    EXPECT_EQ(this->id_of(0, 1), this->id_of(2, 1)) << "a pod behind two services is one backend";
}

TYPED_TEST(BuildServicesTest, PortsOfOneServiceShareOneTable) {
    this->add("http", 1, 1, 3);
    this->add("metrics", 1, 1, 3);
    for (DesiredBackend& backend : this->state_.services.edit(1).backends) backend.port = 9090;
    this->add("other", 2, 1, 4);
    this->build();
    EXPECT_NE(&this->set(0), &this->set(1));
    EXPECT_EQ(this->set(0).table().data(), this->set(1).table().data());
    EXPECT_NE(this->set(0).table().data(), this->set(2).table().data());
    EXPECT_EQ(this->builder_.tables_built(), 2U);
    for (std::size_t slot = 0; slot < this->set(0).table().size(); ++slot) {
        const std::uint16_t position = this->set(1).table()[slot];
        EXPECT_EQ(this->set(1).backends()[position].address, this->set(0).backends()[position].address);
    }
}

TYPED_TEST(BuildServicesTest, ATableIsSharedAsLongAsItIsUsed) {
    this->add("http", 1, 1, 3);
    this->add("metrics", 1, 1, 3);
    for (DesiredBackend& backend : this->state_.services.edit(1).backends) backend.port = 9090;
    this->build();
    this->state_.services.edit(0).backends[0].weight = 2;
    this->build();
    EXPECT_EQ(this->builder_.tables_built(), 2U) << "weights count";
    this->state_.services.edit(0).backends[0].weight = 1;
    this->build();
    EXPECT_EQ(this->builder_.tables_built(), 2U) << "the other port had it still";
    this->state_.services.clear();
    this->build();
    this->add("http", 1, 1, 3);
    this->build();
    EXPECT_EQ(this->builder_.tables_built(), 3U) << "nobody had it any more";
}

TYPED_TEST(BuildServicesTest, NetworksDoNotShareBackends) {
    this->state_.networks.push_back(network("other", 2));
    this->add("a", 1, 1, 1);
    this->add("b", 2, 1, 1);
    this->state_.services.edit(1).network = NetworkId{1};
    this->build();
    EXPECT_NE(this->id_of(0, 1), this->id_of(1, 1));
}

TYPED_TEST(BuildServicesTest, ABackendKeepsItsIdentityWhileItStays) {
    this->add("web", 1, 1, 3);
    this->build();
    const BackendId second = this->id_of(0, 2);
    this->state_.services.replace(0, web_service<TypeParam>("web", 1, 2, 9));
    this->build();
    EXPECT_EQ(this->id_of(0, 2), second);
    EXPECT_NE(this->set(0).find(second), nullptr);
}

TYPED_TEST(BuildServicesTest, ABackendThatComesBackIsAnother) {
    this->add("web", 1, 1, 2);
    this->build();
    const BackendId old = this->id_of(0, 2);
    this->state_.services.replace(0, web_service<TypeParam>("web", 1, 1, 1));
    this->build();
    EXPECT_EQ(this->set(0).find(old), nullptr);
    this->state_.services.replace(0, web_service<TypeParam>("web", 1, 1, 2));
    this->build();
    EXPECT_EQ(this->id_of(0, 2), (BackendId{old.index, old.generation + 1})) << "the index is used again";
    EXPECT_EQ(this->set(0).find(old), nullptr);
}

TYPED_TEST(BuildServicesTest, ABackendLivesUntilItsLastServiceLetsItGo) {
    this->add("a", 1, 1, 2);
    this->add("b", 2, 2, 3);
    this->build();
    const BackendId shared = this->id_of(0, 2);
    this->state_.services.erase(0);
    this->build();
    EXPECT_EQ(this->id_of(0, 2), shared);
    this->state_.services.clear();
    this->build();
    this->add("b", 2, 2, 3);
    this->build();
    EXPECT_NE(this->id_of(0, 2), shared);
}

TYPED_TEST(BuildServicesTest, IdentitiesAreDistinctThroughChurn) {
    for (unsigned round = 0; round < 60; ++round) {
        this->state_.services.clear();
        for (unsigned s = 0; s < 6; ++s) {
            const auto first = static_cast<std::uint8_t>(1 + (round * 7 + s * 5) % 40);
            this->add("s" + std::to_string(s), static_cast<std::uint8_t>(s), first,
                      static_cast<std::uint8_t>(first + round % 9));
        }
        this->build();
        std::map<std::uint32_t, IpAddress> by_index;
        for (const Service& service : this->now_->frontends->services())
            for (const Backend& backend : service.backends->backends()) {
                const auto [entry, fresh] = by_index.try_emplace(backend.id.index, backend.address);
                ASSERT_TRUE(fresh || entry->second == backend.address);
            }
        ASSERT_LE(by_index.rbegin()->first, 100U) << "freed indexes are used again";
    }
}

TEST(ServiceIdTest, EveryPartOfTheKeyCounts) {
    const DesiredService base = web_service<Ipv4>("web", 1, 1, 1);
    std::vector<DesiredService> variants(6, base);
    variants[1].name = "default/wea:http";
    variants[2].group = "local";
    variants[3].network = NetworkId{1};
    variants[4].protocol = Protocol::udp;
    variants[5].family = Family::v6;
    for (std::size_t i = 0; i < variants.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) EXPECT_NE(service_id(variants[i]), service_id(variants[j])) << i << j;
    DesiredService other = base;
    other.frontends.clear();
    other.backends.clear();
    EXPECT_EQ(service_id(base), service_id(other)) << "content does not";
}

TEST(ServiceIdTest, TwoServicesNeverHaveOne) {
    DesiredState state = small_cluster<Ipv4>();
    state.services = {web_service<Ipv4>("web", 1, 1, 1), web_service<Ipv4>("web", 2, 2, 2)};
    SnapshotBuilder builder;
    const auto snapshot = builder.build(state, nullptr);
    const auto& services = snapshot->frontends->services();
    EXPECT_NE(services[0].id, services[1].id);
    EXPECT_EQ(snapshot->frontends->by_id(services[1].id), &services[1]);
    state.services.edit(1).backends.clear();
    const auto next = builder.build(state, snapshot);
    EXPECT_EQ(next->frontends->services()[1].id, services[1].id);

    const auto first = state.services.element(0), second = state.services.element(1);
    state.services = {web_service<Ipv4>("web", 3, 3, 3)};
    state.services.push_back(first);
    state.services.push_back(second);
    const auto third = builder.build(state, next);
    EXPECT_EQ(third->frontends->services()[1].id, services[0].id) << "who had it keeps it";
    EXPECT_EQ(third->frontends->services()[2].id, services[1].id);
    EXPECT_EQ(third->frontends->by_id(third->frontends->services()[0].id), &third->frontends->services()[0]);
}

}  // namespace
}  // namespace viaduct
