// Memory that is there from the start.
#include "lb/huge_array.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace viaduct {
namespace {

TEST(HugeArray, IsZeroedAlignedAndPresent) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{1'000}, std::size_t{1'000'000}}) {
        const HugeArray<std::uint64_t> array(count);
        EXPECT_EQ(array.size(), count);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.begin()) % 4096, 0U);
        EXPECT_TRUE(std::all_of(array.begin(), array.end(), [](std::uint64_t v) { return v == 0; }));
        EXPECT_GE(array.memory(), count * 8);
        std::vector<unsigned char> present((array.memory() + 4095) / 4096);
        ASSERT_EQ(mincore(array.begin(), array.memory(), present.data()), 0);
        EXPECT_TRUE(std::all_of(present.begin(), present.end(), [](unsigned char page) { return (page & 1U) != 0; }));
    }
}

TEST(HugeArray, MovesAndKeepsItsContent) {
    HugeArray<int> one(10);
    one[3] = 42;
    HugeArray<int> other(std::move(one));
    EXPECT_EQ(other[3], 42);
    HugeArray<int> third(5);
    third = std::move(other);
    EXPECT_EQ(third[3], 42);
    EXPECT_EQ(third.size(), 10U);
}

TEST(HugeArray, SaysWhenMemoryIsNotToBeHad) {
    EXPECT_THROW(HugeArray<std::uint64_t>(SIZE_MAX / 4), std::bad_alloc);
    EXPECT_THROW(HugeArray<std::uint64_t>(std::size_t{1} << 50U), std::bad_alloc);
}

}  // namespace
}  // namespace viaduct
