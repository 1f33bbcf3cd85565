// The index below the connection table, with hashes chosen to collide.
#include "lb/flow_index.h"

#include <gtest/gtest.h>

namespace viaduct::test {
namespace {

std::uint32_t find(const FlowIndex& index, std::uint32_t hash, std::uint32_t entry) {
    return index.find(hash, [&](std::uint32_t candidate) { return candidate == entry; });
}

TEST(FlowIndex, EntriesOfOneHashSpillOverAndAreAllFound) {
    FlowIndex index(10'000);
    for (std::uint32_t entry = 0; entry < 100; ++entry) ASSERT_TRUE(index.add(0x12345678, entry));
    for (std::uint32_t entry = 0; entry < 100; ++entry) EXPECT_EQ(find(index, 0x12345678, entry), entry);
    EXPECT_EQ(find(index, 0x12345678, 100), FlowIndex::absent);
}

TEST(FlowIndex, ProbingIsBounded) {
    FlowIndex index(10'000);
    std::uint32_t added = 0;
    while (index.add(7, added)) ++added;
    EXPECT_EQ(added, 640U);
    EXPECT_EQ(find(index, 7, added), FlowIndex::absent);
    EXPECT_TRUE(index.add(0x80000000, 9'999)) << "flows with other hashes are not concerned";
}

TEST(FlowIndex, RemovalLeavesNoTrace) {
    FlowIndex index(10'000);
    for (std::uint32_t entry = 0; entry < 640; ++entry) ASSERT_TRUE(index.add(0xfffffff0, entry)) << "wraps around";
    EXPECT_EQ(index.first(0xffff1111), FlowIndex::elsewhere);
    for (std::uint32_t entry = 0; entry < 640; ++entry) {
        index.remove(0xfffffff0, entry);
        ASSERT_EQ(find(index, 0xfffffff0, entry), FlowIndex::absent);
    }
    EXPECT_EQ(index.first(0xfffffff0), FlowIndex::absent);
}

TEST(FlowIndex, TheFreePlaceMarkIsNobodysTag) {
    FlowIndex index(10);
    EXPECT_EQ(index.first(0x00010000), FlowIndex::absent) << "low bits are zero";
    ASSERT_TRUE(index.add(0x00010000, 5));
    EXPECT_EQ(index.first(0x00010000), 5U);
    index.remove(0x00010000, 5);
    EXPECT_EQ(index.first(0x00010000), FlowIndex::absent);
}

TEST(FlowIndex, TheSmallestFillsUpWhateverTheHashes) {
    FlowIndex index(2);
    std::uint32_t added = 0;
    while (index.add(added * 0x9e3779b9U, added)) ++added;
    EXPECT_EQ(added, 10U);
    for (std::uint32_t entry = 0; entry < added; ++entry) EXPECT_EQ(find(index, entry * 0x9e3779b9U, entry), entry);
}

}  // namespace
}  // namespace viaduct::test
