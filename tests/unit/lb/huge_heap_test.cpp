// Blocks that do not overlap, are used again, and cost what they should.
#include "lb/huge_heap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>

namespace viaduct {
namespace {

constexpr std::size_t slab = std::size_t{2} << 20U;

TEST(HugeHeap, BlocksOfManySizesKeepWhatIsWrittenIntoThem) {
    struct Block {
        unsigned char* at;
        std::size_t size;
        unsigned char content;
    };
    HugeHeap heap;
    std::vector<Block> blocks;
    std::mt19937 random(1);
    for (unsigned i = 0; i < 5'000; ++i) {
        if (blocks.size() > 200) {  // somebody goes, with what was written still there
            std::swap(blocks[random() % blocks.size()], blocks.back());
            const Block gone = blocks.back();
            blocks.pop_back();
            for (std::size_t at = 0; at < gone.size; ++at) ASSERT_EQ(gone.at[at], gone.content);
            heap.deallocate(gone.at, gone.size);
        }
        const std::size_t size = 1 + random() % (i % 100 == 0 ? slab : 3'000);
        Block block{static_cast<unsigned char*>(heap.allocate(size)), size, static_cast<unsigned char>(i)};
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block.at) % HugeHeap::alignment, 0U);
        std::memset(block.at, block.content, size);
        blocks.push_back(block);
    }
}

TEST(HugeHeap, AFreedBlockServesTheNextOfItsSize) {
    HugeHeap heap;
    void* first = heap.allocate(16'382);
    heap.deallocate(first, 16'382);
    EXPECT_EQ(heap.allocate(16'000), first);
    EXPECT_NE(heap.allocate(16'000), first);
}

TEST(HugeHeap, TakesLittleMoreThanWhatIsAskedFor) {
    HugeHeap heap;
    constexpr std::size_t table = 65'537 * 2;  // a little more than a power of two
    for (unsigned i = 0; i < 100; ++i) EXPECT_NE(heap.allocate(table), nullptr);
    EXPECT_LE(heap.memory(), 100 * table * 5 / 4 + 2 * slab);
}

TEST(HugeHeap, GivesLargeBlocksBackButTheLast) {
    HugeHeap heap;
    void* larger = heap.allocate(10 * slab);
    void* large = heap.allocate(4 * slab);
    EXPECT_GE(heap.memory(), 14 * slab);
    heap.deallocate(larger, 10 * slab);
    heap.deallocate(large, 4 * slab);
    EXPECT_EQ(heap.memory(), 4 * slab);
}

TEST(HugeHeap, TheLargeBlockThatWasFreedLastServesTheNextOfAboutItsSize) {
    HugeHeap heap;
    void* first = heap.allocate(10 * slab);
    heap.deallocate(first, 10 * slab);
    void* small = heap.allocate(4 * slab);
    EXPECT_NE(small, first) << "it would waste the rest";
    EXPECT_EQ(heap.allocate(10 * slab - 1000), first);
    EXPECT_NE(heap.allocate(10 * slab), first);
    EXPECT_EQ(heap.memory(), 24 * slab);
    heap.deallocate(small, 4 * slab);
    EXPECT_NE(heap.allocate(4 * slab + 1), small) << "it has no room for that";
}

TEST(HugeHeap, SaysWhenMemoryIsNotToBeHad) {
    EXPECT_THROW(HugeVector<std::uint64_t>(std::size_t{1} << 47U), std::bad_alloc);
}

}  // namespace
}  // namespace viaduct
