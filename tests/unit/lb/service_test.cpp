// Backend sets: the same on every gateway, whatever order the backends came in.
#include "lb/service.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace viaduct {
namespace {

Backend backend(std::uint8_t host, std::uint16_t port, std::uint32_t id, std::uint32_t weight = 1) {
    return {Ipv4(10, 244, 0, host), Be16(port), weight, {id, 1}};
}

std::vector<Backend> ten() {
    std::vector<Backend> backends;
    for (std::uint8_t i = 0; i < 10; ++i) backends.push_back(backend(i, 80, 100U - i));
    return backends;
}

TEST(BackendSet, TheOrderOfArrivalDoesNotMatter) {
    auto backends = ten();
    const BackendSet sorted(backends);
    std::mt19937 random(1);
    for (int i = 0; i < 10; ++i) {
        std::shuffle(backends.begin(), backends.end(), random);
        const BackendSet shuffled(backends);
        EXPECT_TRUE(std::ranges::equal(shuffled.table(), sorted.table()));
        EXPECT_TRUE(
            std::ranges::equal(shuffled.backends(), sorted.backends(), {}, &Backend::address, &Backend::address));
    }
}

TEST(BackendSet, SortedByAddressThenPort) {
    const BackendSet set({backend(2, 80, 1), backend(1, 443, 2), backend(1, 80, 3)});
    ASSERT_EQ(set.backends().size(), 3U);
    EXPECT_EQ(set.backends()[0].id.index, 3U);
    EXPECT_EQ(set.backends()[1].id.index, 2U);
    EXPECT_EQ(set.backends()[2].id.index, 1U);
}

TEST(BackendSet, TheFirstOfDuplicatesCounts) {
    const BackendSet set({backend(1, 80, 7, 3), backend(2, 80, 8), backend(1, 80, 9, 1)});
    ASSERT_EQ(set.backends().size(), 2U);
    EXPECT_EQ(set.backends()[0].weight, 3U);
    EXPECT_EQ(set.find({9, 1}), nullptr);
}

TEST(BackendSet, FoundByIdentityAndGeneration) {
    const BackendSet set(ten());
    for (const Backend& b : set.backends()) EXPECT_EQ(set.find(b.id), &b);
    EXPECT_EQ(set.find({100, 2}), nullptr);
    EXPECT_EQ(set.find({50, 1}), nullptr);
    EXPECT_EQ(set.find(BackendId{}), nullptr);
}

TEST(BackendSet, EmptyIsAValue) {
    const BackendSet set({});
    EXPECT_TRUE(set.empty());
    EXPECT_TRUE(set.table().empty());
    EXPECT_EQ(set.find({1, 1}), nullptr);
}

TEST(BackendSet, EveryHashHasASlotAndEveryBackendIsChosen) {
    const BackendSet set(ten());
    EXPECT_EQ(set.choice().slot(0), 0U);
    EXPECT_EQ(set.choice().slot(0xffffffff), set.table().size() - 1);
    std::mt19937 random(2);
    std::vector<unsigned> chosen(101);
    for (int i = 0; i < 10'000; ++i) ++chosen[set.choice().choose(static_cast<std::uint32_t>(random())).id.index];
    for (std::uint32_t id = 91; id <= 100; ++id) EXPECT_NEAR(chosen[id], 1'000, 150);
}

TEST(BackendSet, AWeightOfZeroCountsAsOne) {
    const BackendSet set({backend(1, 80, 1, 0), backend(2, 80, 2, 1)});
    const auto first = std::ranges::count(set.table(), 0);
    EXPECT_NEAR(static_cast<double>(first), static_cast<double>(set.table().size()) / 2, 1);
}

TEST(BackendSet, ThePortHasNoPartInTheTable) {
    auto others = ten();
    for (Backend& b : others) b.port = Be16(8443);
    EXPECT_TRUE(std::ranges::equal(BackendSet(others).table(), BackendSet(ten()).table()));
}

TEST(BackendSet, TwoPortsOfOneAddressShareEvenly) {
    const BackendSet set({backend(1, 80, 1), backend(1, 81, 2), backend(2, 80, 3)});
    std::vector<double> shares(3);
    for (const std::uint16_t position : set.table()) ++shares[position];
    for (const double share : shares) EXPECT_NEAR(share, static_cast<double>(set.table().size()) / 3, 1);
}

TEST(BackendSet, BothFamiliesInOneSet) {
    Ipv6 address;
    address.bytes = {0xfd, 0x00, 0x02, 0x44};
    const BackendSet set({{address, Be16(80), 1, {2, 1}}, backend(1, 80, 1)});
    EXPECT_TRUE(set.backends()[0].address.is_v4());
    EXPECT_EQ(set.find({2, 1})->address, IpAddress(address));
}

TEST(BackendSet, MoreBackendsThanATableCanName) {
    std::vector<Backend> backends;
    for (std::uint32_t i = 0; i < 70'000; ++i)
        backends.push_back({Ipv4::from_host(0x0a000000 + i), Be16(80), 1, {i, 1}});
    const BackendSet set(std::move(backends));
    EXPECT_EQ(set.backends().size(), 65'535U);
    EXPECT_NE(set.find({65'534, 1}), nullptr);
}

TEST(Service, SourceRangesAdmit) {
    Service service;
    EXPECT_TRUE(service.admits(Ipv4(8, 8, 8, 8)));
    service.source_ranges = {Prefix<Ipv4>(Ipv4(10, 0, 0, 0), 8)};
    EXPECT_TRUE(service.admits(Ipv4(10, 9, 9, 9)));
    EXPECT_FALSE(service.admits(Ipv4(11, 0, 0, 1)));
    EXPECT_FALSE(service.admits(Ipv6{}));
}

}  // namespace
}  // namespace viaduct
