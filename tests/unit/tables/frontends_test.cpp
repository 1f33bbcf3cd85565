// The frontend and neighbour tables: exact answers, whatever the hashes do.
#include "tables/frontends.h"

#include <gtest/gtest.h>

#include "tables/neighbours.h"
#include "tests/unit/tables/world.h"

namespace viaduct {
namespace {

std::vector<Service> services(std::size_t count) {
    std::vector<Service> all(count);
    for (std::size_t i = 0; i < count; ++i) all[i].id = 1000 + i;
    return all;
}

template <class A>
class FrontendsTest : public ::testing::Test {
protected:
    static Frontend frontend(std::uint8_t host, std::uint16_t port, ServiceIndex service, bool own = false) {
        return {address<A>(200, host), port, Protocol::tcp, service, own, false};
    }
    static FrontendTable table(const std::vector<Frontend>& frontends) { return {services(4), frontends}; }
    static const FrontendTarget* find(const FrontendTable& table, std::uint8_t host, std::uint16_t port,
                                      Protocol protocol = Protocol::tcp) {
        return table.find(address<A>(200, host), Be16(port), protocol);
    }
};
using Families = ::testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(FrontendsTest, Families);

TYPED_TEST(FrontendsTest, FindsByAddressPortAndProtocol) {
    const FrontendTable table =
        this->table({this->frontend(1, 80, 0), this->frontend(1, 443, 1), this->frontend(2, 80, 2)});
    ASSERT_NE(this->find(table, 1, 443), nullptr);
    EXPECT_EQ(this->find(table, 1, 443)->service, 1U);
    EXPECT_EQ(this->find(table, 2, 80)->service, 2U);
    EXPECT_EQ(this->find(table, 2, 443), nullptr);
    EXPECT_EQ(this->find(table, 3, 80), nullptr);
    EXPECT_EQ(this->find(table, 1, 80, Protocol::udp), nullptr);
}

TYPED_TEST(FrontendsTest, TheFirstOfTwoEqualFrontendsStays) {
    const FrontendTable table = this->table({this->frontend(1, 80, 0), this->frontend(1, 80, 1, true)});
    EXPECT_EQ(this->find(table, 1, 80)->service, 0U);
    EXPECT_EQ(table.frontends().size(), 1U);
    EXPECT_EQ(table.owner_of(address<TypeParam>(200, 1)), AddressOwner::service) << "a frontend left out owns nothing";
}

TYPED_TEST(FrontendsTest, AnAddressWithANodePortIsShared) {
    const FrontendTable table =
        this->table({this->frontend(1, 80, 0), this->frontend(1, 30080, 1, true), this->frontend(2, 80, 2)});
    EXPECT_EQ(table.owner_of(address<TypeParam>(200, 1)), AddressOwner::shared);
    EXPECT_EQ(table.owner_of(address<TypeParam>(200, 2)), AddressOwner::service);
    EXPECT_EQ(table.owner_of(address<TypeParam>(200, 3)), AddressOwner::nobody);
}

TYPED_TEST(FrontendsTest, AnEmptyTableOwnsNothing) {
    const FrontendTable table;
    for (unsigned host = 0; host < 256; ++host)
        EXPECT_EQ(table.owner_of(address<TypeParam>(200, static_cast<std::uint8_t>(host))), AddressOwner::nobody);
    EXPECT_EQ(this->find(table, 1, 80), nullptr);
    EXPECT_EQ(table.by_id(0), nullptr);
}

TYPED_TEST(FrontendsTest, TenThousandAddressesAreFoundAndNoOthers) {
    const auto spread_out = [](unsigned i) {
        TypeParam a = address<TypeParam>(static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i));
        a.bytes[1] = static_cast<std::uint8_t>(i >> 16U);
        return a;
    };
    std::vector<Frontend> frontends;
    for (unsigned i = 0; i < 100'000; i += 10) frontends.push_back({spread_out(i), 80, Protocol::tcp, 0, false, false});
    const FrontendTable table = this->table(frontends);
    for (unsigned i = 0; i < 100'000; ++i) {
        const bool is_one = i % 10 == 0;
        ASSERT_EQ(table.owner_of(spread_out(i)), is_one ? AddressOwner::service : AddressOwner::nobody);
        ASSERT_EQ(table.find(spread_out(i), Be16(80), Protocol::tcp) != nullptr, is_one);
    }
}

TEST(FrontendTableTest, FamiliesDoNotMix) {
    const std::vector<Frontend> frontends{{address<Ipv4>(200, 1), 80, Protocol::tcp, 0, false, false},
                                          {address<Ipv6>(200, 1), 80, Protocol::tcp, 1, false, false}};
    const FrontendTable table(services(2), frontends);
    EXPECT_EQ(table.find(address<Ipv4>(200, 1), Be16(80), Protocol::tcp)->service, 0U);
    EXPECT_EQ(table.find(address<Ipv6>(200, 1), Be16(80), Protocol::tcp)->service, 1U);
    EXPECT_EQ(table.owner_of(Ipv6{}), AddressOwner::nobody);
}

TEST(FrontendTableTest, FindsServicesById) {
    const FrontendTable table(services(1000), {});
    for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(table.by_id(1000 + i), &table.services()[i]);
    EXPECT_EQ(table.by_id(999), nullptr);
    EXPECT_EQ(table.by_id(2000), nullptr);
}

TEST(NeighbourTableTest, KnowsAnAddressPerPort) {
    const std::vector<NeighbourTable::Entry> entries{{outside_port, underlay<Ipv4>(1), mac(1)},
                                                     {underlay_port, underlay<Ipv4>(1), mac(2)},
                                                     {underlay_port, underlay<Ipv6>(1), mac(3)},
                                                     {underlay_port, underlay<Ipv6>(1), mac(4)}};
    const NeighbourTable table(entries);
    EXPECT_EQ(table.size(), 3U);
    EXPECT_EQ(*table.find(outside_port, underlay<Ipv4>(1)), mac(1));
    EXPECT_EQ(*table.find(underlay_port, underlay<Ipv4>(1)), mac(2));
    EXPECT_EQ(*table.find(underlay_port, underlay<Ipv6>(1)), mac(4)) << "the latest news count";
    EXPECT_EQ(table.find(outside_port, underlay<Ipv6>(1)), nullptr);
    EXPECT_EQ(NeighbourTable().find(outside_port, underlay<Ipv4>(1)), nullptr);
}

}  // namespace
}  // namespace viaduct
