// Successive snapshots: versions, and what they share with each other by pointer.
#include <gtest/gtest.h>

#include "tables/builder.h"
#include "tests/unit/tables/world.h"

namespace viaduct {
namespace {

template <class A>
class SharingTest : public ::testing::Test {
protected:
    DesiredState state_ = small_cluster<A>();
    SnapshotBuilder builder_;
    std::shared_ptr<const Snapshot> before_, after_;

    void SetUp() override {
        state_.services = {web_service<A>("a", 'a', 1, 3), web_service<A>("b", 'b', 11, 13),
                           web_service<A>("c", 'c', 21, 23)};
        after_ = builder_.build(state_, nullptr);
        rebuild();
    }
    void rebuild() {
        before_ = after_;
        after_ = builder_.build(state_, before_);
    }
    bool shares_routes() const { return family<A>(*before_).routes == family<A>(*after_).routes; }
    bool shares_neighbours() const { return before_->neighbours == after_->neighbours; }
    bool shares_frontends() const { return before_->frontends == after_->frontends; }
    const Service& service(const Snapshot& snapshot, const std::string& name) {
        for (const Service& s : snapshot.frontends->services())
            if (s.name.view() == "default/" + name + ":http") return s;
        throw std::out_of_range(name);
    }
    bool shares_backends(const std::string& name) {
        return service(*before_, name).backends == service(*after_, name).backends;
    }
};
using Families = ::testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(SharingTest, Families);

TYPED_TEST(SharingTest, NothingChanged) {
    EXPECT_TRUE(this->shares_routes() && this->shares_neighbours() && this->shares_frontends());
    EXPECT_EQ(this->after_->version, this->before_->version + 1);
    EXPECT_EQ(this->after_->services_version, this->before_->services_version);
    EXPECT_EQ(this->after_->peer_of(first_network, underlay<TypeParam>(2)), 1U);
    EXPECT_EQ(this->after_->desired(), this->state_);
}

TYPED_TEST(SharingTest, OneEndpointRebuildsOneSet) {
    this->state_.services.edit(1).backends.pop_back();
    this->rebuild();
    EXPECT_TRUE(this->shares_backends("a") && this->shares_backends("c"));
    EXPECT_FALSE(this->shares_backends("b"));
    EXPECT_TRUE(this->shares_routes() && this->shares_neighbours());
    EXPECT_EQ(this->after_->services_version, this->before_->services_version + 1);
    EXPECT_EQ(this->before_->frontends->services()[1].backends->backends().size(), 3U) << "the old one is immutable";
    EXPECT_EQ(this->after_->frontends->find(address<TypeParam>(200, 'b'), Be16(80), Protocol::tcp)->service, 1U);
}

TYPED_TEST(SharingTest, APolicyIsAChangeButNotOfBackends) {
    this->state_.services.edit(1).affinity_seconds = 60;
    this->rebuild();
    EXPECT_TRUE(this->shares_backends("b"));
    EXPECT_EQ(this->service(*this->after_, "b").affinity_seconds, 60U);
    EXPECT_EQ(this->after_->services_version, this->before_->services_version + 1);
}

TYPED_TEST(SharingTest, AFrontendIsFoundAsSoonAsItIsThere) {
    this->state_.services.edit(1).frontends.push_back({address<TypeParam>(200, 7), 80, FrontendKind::external_ip});
    this->rebuild();
    EXPECT_EQ(this->before_->frontends->owner_of(address<TypeParam>(200, 7)), AddressOwner::nobody);
    EXPECT_EQ(this->after_->frontends->owner_of(address<TypeParam>(200, 7)), AddressOwner::service);
    EXPECT_TRUE(this->shares_backends("b"));
}

TYPED_TEST(SharingTest, AnotherOrderOfServicesIsNoChange) {
    const auto first = this->state_.services.element(0);
    this->state_.services.replace(0, this->state_.services.element(2));
    this->state_.services.replace(2, first);
    this->rebuild();
    EXPECT_EQ(this->after_->services_version, this->before_->services_version);
    EXPECT_TRUE(this->shares_backends("a") && this->shares_backends("b") && this->shares_backends("c"));
    EXPECT_EQ(this->after_->frontends->find(address<TypeParam>(200, 'a'), Be16(80), Protocol::tcp)->service, 2U);
    EXPECT_EQ(this->service(*this->after_, "a").id, this->service(*this->before_, "a").id);
}

TYPED_TEST(SharingTest, ServicesComeAndGoWithoutTouchingOthers) {
    this->state_.services.erase(0);
    this->state_.services.push_back(web_service<TypeParam>("d", 'd', 1, 2));
    this->rebuild();
    EXPECT_TRUE(this->shares_backends("b") && this->shares_backends("c"));
    EXPECT_EQ(this->after_->frontends->owner_of(address<TypeParam>(200, 'a')), AddressOwner::nobody);
    EXPECT_EQ(this->after_->services_version, this->before_->services_version + 1);
}

TYPED_TEST(SharingTest, ANeighbourRebuildsHeadersNotRoutes) {
    this->state_.neighbours[0].mac = mac(0x77);
    this->rebuild();
    EXPECT_TRUE(this->shares_routes() && this->shares_frontends());
    EXPECT_FALSE(this->shares_neighbours());
    EXPECT_NE(this->after_->peers[0].headers.bytes, this->before_->peers[0].headers.bytes);
    EXPECT_EQ(this->after_->services_version, this->before_->services_version);
}

TYPED_TEST(SharingTest, BorrowedRoutesKeepTheirNextHops) {
    const Prefix<TypeParam> everywhere(TypeParam{}, 0);
    this->state_.routes.push_back(
        {everywhere, DesiredRoute::Kind::gateway, outside_port, address<TypeParam>(99, 1), NetworkId::none});
    this->rebuild();
    EXPECT_FALSE(this->shares_routes());
    this->state_.neighbours.insert(this->state_.neighbours.begin(),
                                   {outside_port, address<TypeParam>(99, 1), mac(0x55)});
    this->rebuild();
    ASSERT_TRUE(this->shares_routes());
    const RouteTarget target = family<TypeParam>(*this->after_).routes->lookup(address<TypeParam>(98, 1));
    ASSERT_EQ(target.kind, RouteKind::via);
    EXPECT_EQ(this->after_->next_hops[target.index].ethernet.destination, mac(0x55));
    EXPECT_FALSE(this->before_->next_hops[target.index].resolved);
}

TYPED_TEST(SharingTest, ABuildThatWasNeverPublishedDoesNoHarm) {
    const auto published = this->after_;
    const Service& old = this->service(*published, "b");
    this->state_.services.edit(1).backends.clear();
    (void)this->builder_.build(this->state_, published);
    this->state_.services.replace(1, published->desired().services[1]);
    const auto next = this->builder_.build(this->state_, published);
    EXPECT_EQ(next->version, published->version + 1);
    EXPECT_NE(next->services_version, published->services_version);
    EXPECT_EQ(this->service(*next, "a").backends, this->service(*published, "a").backends);
    for (const Backend& backend : this->service(*next, "b").backends->backends())
        EXPECT_EQ(old.backends->find(backend.id), nullptr) << "they were gone in between";
}

TEST(SnapshotTest, TheEmptyOneAnswersEverythingWithNo) {
    const Snapshot empty;
    EXPECT_EQ(empty.version, 0U);
    EXPECT_EQ(empty.network_of(Ipv4(192, 0, 2, 9), 8472, Vni(1)), nullptr);
    EXPECT_FALSE(empty.is_vtep(underlay<Ipv4>(9), Be16(8472)));
    EXPECT_EQ(empty.frontends->owner_of(address<Ipv6>(200, 1)), AddressOwner::nobody);
    EXPECT_EQ(empty.neighbours->find(outside_port, underlay<Ipv6>(1)), nullptr);
    EXPECT_EQ(empty.desired(), DesiredState{});
}

}  // namespace
}  // namespace viaduct
