// Session affinity: kept while it is used, forgotten in time, and bounded.
#include "lb/affinity.h"

#include <gtest/gtest.h>

namespace viaduct {
namespace {

IpAddress client(std::uint32_t n) { return Ipv4::from_host(0x0a000000 + n); }

TEST(Affinity, RemembersByServiceAndClient) {
    AffinityTable table(100);
    table.remember(1, client(1), {10, 1}, 60, 0);
    table.remember(2, client(1), {20, 1}, 60, 0);
    EXPECT_EQ(table.find(1, client(1), 1), (BackendId{10, 1}));
    EXPECT_EQ(table.find(2, client(1), 1), (BackendId{20, 1}));
    EXPECT_TRUE(table.find(3, client(1), 1).is_none());
    EXPECT_TRUE(table.find(1, client(2), 1).is_none());
}

TEST(Affinity, BothFamilies) {
    AffinityTable table(100);
    Ipv6 v6;
    v6.bytes = {0xfd, 1};
    table.remember(1, v6, {6, 1}, 60, 0);
    EXPECT_EQ(table.find(1, v6, 1), (BackendId{6, 1}));
    EXPECT_TRUE(table.find(1, client(1), 1).is_none());
}

TEST(Affinity, EachNewConnectionStartsTheTimeAnew) {
    AffinityTable table(100);
    table.remember(1, client(1), {10, 1}, 60, 0);
    EXPECT_FALSE(table.find(1, client(1), 59).is_none());
    EXPECT_TRUE(table.find(1, client(1), 60).is_none());
    table.remember(1, client(1), {10, 1}, 60, 59);
    EXPECT_FALSE(table.find(1, client(1), 118).is_none());
    EXPECT_TRUE(table.find(1, client(1), 119).is_none());
}

TEST(Affinity, ANewBackendReplacesTheOld) {
    AffinityTable table(100);
    table.remember(1, client(1), {10, 1}, 60, 0);
    table.remember(1, client(1), {11, 4}, 60, 1);
    EXPECT_EQ(table.find(1, client(1), 2), (BackendId{11, 4}));
}

TEST(Affinity, AFullBucketForgetsTheOldest) {
    AffinityTable table(1);  // a single bucket of eight
    for (std::uint32_t n = 0; n < 8; ++n) table.remember(1, client(n), {n, 1}, 60, 8 - n);
    table.remember(1, client(8), {8, 1}, 60, 9);
    EXPECT_TRUE(table.find(1, client(7), 10).is_none()) << "remembered first, at second 1";
    for (const std::uint32_t n : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 8U})
        EXPECT_EQ(table.find(1, client(n), 10), (BackendId{n, 1})) << n;
}

TEST(Affinity, AnExpiredEntryGivesWayBeforeALiveOne) {
    AffinityTable table(1);
    for (std::uint32_t n = 0; n < 8; ++n) table.remember(1, client(n), {n, 1}, n == 5 ? 2 : 60, 0);
    table.remember(1, client(8), {8, 1}, 60, 10);
    for (const std::uint32_t n : {0U, 1U, 2U, 3U, 4U, 6U, 7U, 8U})
        EXPECT_EQ(table.find(1, client(n), 11), (BackendId{n, 1})) << n;
}

TEST(Affinity, NearlyAllOfTheCapacityIsRemembered) {
    constexpr std::uint32_t capacity = 20'000;
    AffinityTable table(capacity);
    for (std::uint32_t n = 0; n < capacity; ++n) table.remember(7, client(n), {n, 1}, 60, 0);
    std::uint32_t kept = 0;
    for (std::uint32_t n = 0; n < capacity; ++n) kept += table.find(7, client(n), 1) == BackendId{n, 1} ? 1U : 0U;
    EXPECT_GT(kept, capacity * 98 / 100);
}

}  // namespace
}  // namespace viaduct
