// Random histories of services that come, go and move: the table that is changed answers as one made anew does.
#include "tables/frontend_edit.h"

#include <gtest/gtest.h>

#include <random>

#include "tables/builder.h"
#include "tests/unit/tables/world.h"

namespace viaduct {
namespace {

template <class A>
class FrontendEditTest : public ::testing::Test {
protected:
    unsigned chance(unsigned n) { return static_cast<unsigned>(random_() % n); }

    /// Of 60 addresses with two ports each; of two services that want the same, in a history with `conflicts` both do.
    DesiredService service(bool conflicts) {
        DesiredService one = web_service<A>("s" + std::to_string(++made_), 0, 1, static_cast<std::uint8_t>(chance(4)));
        one.frontends.clear();
        for (unsigned n = 1 + chance(3); n != 0; --n) {
            const auto host = static_cast<std::uint8_t>(chance(60));
            const auto port = static_cast<std::uint16_t>(80 + chance(2));
            const bool is_taken = std::ranges::any_of(
                state_.services, [&](const DesiredService& other) { return holds(other, host, port); });
            if (holds(one, host, port) || (is_taken && !conflicts)) continue;
            const auto kind = host < 10        ? FrontendKind::node_port
                              : chance(2) == 0 ? FrontendKind::cluster_ip
                                               : FrontendKind::load_balancer;
            one.frontends.push_back({address<A>(200, host), port, kind});
        }
        return one;
    }
    static bool holds(const DesiredService& service, std::uint8_t host, std::uint16_t port) {
        return std::ranges::any_of(service.frontends, [&](const DesiredFrontend& one) {
            return one.address == IpAddress(address<A>(200, host)) && one.port == port;
        });
    }
    void change(bool conflicts) {
        auto& services = state_.services;
        const std::size_t at = services.empty() ? 0 : chance(static_cast<unsigned>(services.size()));
        switch (services.empty() ? 0 : chance(4)) {
            case 0:
            case 1:
                return services.push_back(service(conflicts));
            case 2:  // the last one takes its place
                services.replace(at, services.element(services.size() - 1));
                return services.pop_back();
            default:
                services.edit(at).frontends.clear();
                services.edit(at).frontends = service(conflicts).frontends;
        }
    }
    void run(bool conflicts) {
        SnapshotBuilder builder;
        std::shared_ptr<const Snapshot> now;
        for (int step = 0; step < 200; ++step) {
            for (unsigned n = chance(3); n != 0; --n) change(conflicts);
            now = builder.build(state_, now);
            const auto anew = SnapshotBuilder().build(state_, nullptr);
            ASSERT_NO_FATAL_FAILURE(compare(*now->frontends, *anew->frontends)) << "step " << step;
        }
    }
    void compare(const FrontendTable& now, const FrontendTable& anew) {
        for (unsigned host = 0; host < 60; ++host) {
            const A at = address<A>(200, static_cast<std::uint8_t>(host));
            ASSERT_EQ(now.owner_of(at), anew.owner_of(at));
            for (std::uint16_t port = 80; port < 82; ++port) {
                const FrontendTarget *a = now.find(at, Be16(port), Protocol::tcp),
                                     *b = anew.find(at, Be16(port), Protocol::tcp);
                ASSERT_EQ(a == nullptr, b == nullptr);
                if (a == nullptr) continue;
                ASSERT_EQ(a->service, b->service);
                ASSERT_EQ(a->check_source, b->check_source);
            }
        }
        ASSERT_EQ(now.frontends().size(), anew.frontends().size());
        ASSERT_EQ(now.services().size(), anew.services().size());
        for (std::size_t i = 0; i < anew.services().size(); ++i) {
            ASSERT_EQ(now.services()[i].name, anew.services()[i].name);
            ASSERT_EQ(now.by_id(now.services()[i].id), &now.services()[i]);
            ASSERT_EQ(now.services()[i].backends->backends().size(), anew.services()[i].backends->backends().size());
        }
    }

    std::mt19937 random_{11};
    unsigned made_ = 0;
    DesiredState state_ = small_cluster<A>();
};
using Families = ::testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(FrontendEditTest, Families);

TYPED_TEST(FrontendEditTest, AnswersAsATableMadeAnew) { this->run(false); }

TYPED_TEST(FrontendEditTest, WhatTwoServicesClaimIsTheFirstOnes) { this->run(true); }

TYPED_TEST(FrontendEditTest, AServiceThatComesCostsNoLookAtTheOthers) {
    for (std::uint8_t n = 1; n < 200; ++n)
        this->state_.services.push_back(web_service<TypeParam>("s" + std::to_string(n), n, 1, 2));
    SnapshotBuilder builder;
    const auto before = builder.build(this->state_, nullptr);
    this->state_.services.replace(7, this->state_.services.element(198));
    this->state_.services.pop_back();
    const auto after = builder.build(this->state_, before);
    EXPECT_EQ(&after->frontends->services()[100], &before->frontends->services()[100]) << "pages are shared";
    EXPECT_EQ(after->frontends->services()[7].name, before->frontends->services()[198].name);
    EXPECT_EQ(after->frontends->services()[7].id, before->frontends->services()[198].id);
    EXPECT_EQ(after->frontends->owner_of(address<TypeParam>(200, 8)), AddressOwner::nobody);
    EXPECT_EQ(before->frontends->owner_of(address<TypeParam>(200, 8)), AddressOwner::service) << "it is immutable";
    EXPECT_EQ(after->services_version, before->services_version + 1);
}

}  // namespace
}  // namespace viaduct
