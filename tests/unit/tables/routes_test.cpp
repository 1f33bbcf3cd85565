// Longest-prefix match against the obvious implementation, and its corner cases.
#include "tables/routes.h"

#include <gtest/gtest.h>

#include <random>

namespace viaduct {
namespace {

template <class A>
class RoutesTest : public ::testing::Test {
protected:
    using Routes = std::vector<Route<A>>;
    std::mt19937_64 random_{7};

    /// Few distinct bytes, so that prefixes overlap and destinations hit.
    A any_address() {
        A address;
        for (auto& byte : address.bytes) byte = static_cast<std::uint8_t>(random_() % 3 * 0x55);
        return address;
    }
    Routes any_routes(std::size_t count) {
        Routes routes;
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto length = static_cast<std::uint8_t>(random_() % (A::bits + 1U));
            routes.push_back({Prefix<A>(any_address(), length), {RouteKind::peer, i}});
        }
        return routes;
    }
    static RouteTarget naive(const Routes& routes, A destination) {
        const Route<A>* best = nullptr;
        for (const Route<A>& route : routes)
            if (route.prefix.contains(destination) && (best == nullptr || route.prefix.length > best->prefix.length))
                best = &route;
        return best != nullptr ? best->target : RouteTarget{};
    }
};
using Families = ::testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(RoutesTest, Families);

TYPED_TEST(RoutesTest, AgreesWithTheNaiveMatch) {
    for (const std::size_t count : {1U, 2U, 10U, 100U, 2000U}) {
        const auto routes = this->any_routes(count);
        const RouteTable<TypeParam> table(routes);
        for (int i = 0; i < 2000; ++i) {
            const TypeParam destination = this->any_address();
            ASSERT_EQ(table.lookup(destination), this->naive(routes, destination));
        }
    }
}

TYPED_TEST(RoutesTest, EveryLengthFindsItsOwnNetworkAddress) {
    const TypeParam address = this->any_address();
    for (unsigned length = 0; length <= TypeParam::bits; ++length) {
        const Prefix<TypeParam> prefix(address, static_cast<std::uint8_t>(length));
        const std::vector<Route<TypeParam>> routes{{prefix, {RouteKind::via, length}}};
        const RouteTable<TypeParam> table(routes);
        EXPECT_EQ(table.lookup(address), (RouteTarget{RouteKind::via, length}));
        TypeParam other = address;
        other.bytes[0] ^= 0x80;
        EXPECT_EQ(table.lookup(other).kind, length == 0 ? RouteKind::via : RouteKind::none);
    }
}

TYPED_TEST(RoutesTest, NoRoutesMeansNoRoute) {
    EXPECT_EQ(RouteTable<TypeParam>().lookup(this->any_address()).kind, RouteKind::none);
    EXPECT_EQ(RouteTable<TypeParam>().size(), 0U);
}

TYPED_TEST(RoutesTest, TheFirstOfTwoEqualPrefixesStays) {
    const Prefix<TypeParam> prefix(this->any_address(), 20);
    const std::vector<Route<TypeParam>> routes{{prefix, {RouteKind::peer, 1}}, {prefix, {RouteKind::peer, 2}}};
    const RouteTable<TypeParam> table(routes);
    EXPECT_EQ(table.lookup(prefix.address).index, 1U);
    EXPECT_EQ(table.size(), 1U);
}

TYPED_TEST(RoutesTest, ARouteToNowhereIsLeftOut) {
    const Prefix<TypeParam> prefix(this->any_address(), 20);
    const std::vector<Route<TypeParam>> routes{{prefix, {}}, {prefix, {RouteKind::kernel, 0}}};
    EXPECT_EQ(RouteTable<TypeParam>(routes).lookup(prefix.address).kind, RouteKind::kernel);
}

TYPED_TEST(RoutesTest, ListsShortestFirstAndKeepsEveryPrefix) {
    const auto given = this->any_routes(300);
    const RouteTable<TypeParam> table(given);
    const auto listed = table.routes();
    ASSERT_EQ(listed.size(), table.size());
    for (std::size_t i = 1; i < listed.size(); ++i) EXPECT_LE(listed[i - 1].prefix.length, listed[i].prefix.length);
    const RouteTable<TypeParam> again(listed);
    for (const auto& route : given) EXPECT_EQ(again.lookup(route.prefix.address), table.lookup(route.prefix.address));
}

}  // namespace
}  // namespace viaduct
