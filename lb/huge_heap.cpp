// Cutting slabs into blocks.
#include "lb/huge_heap.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

namespace viaduct {
namespace {

constexpr std::size_t slab_size = std::size_t{2} << 20U;
constexpr std::size_t largest_block = slab_size / 4;  // so that no more of a slab is left over

struct BlockSize {
    std::size_t bytes;
    std::size_t number;  // distinct for each size
};

BlockSize block_size(std::size_t bytes) {
    const std::size_t wanted = std::max(bytes, HugeHeap::alignment);
    const auto power = static_cast<std::size_t>(std::bit_width(wanted - 1));  // 2^(power - 1) < wanted ≤ 2^power
    const std::size_t step = std::max((std::size_t{1} << power) / 8, HugeHeap::alignment);
    const std::size_t size = (wanted + step - 1) / step * step;
    return {size, 4 * power + (size - 1) / step % 4};
}

}  // namespace

HugeHeap& HugeHeap::instance() {
    static auto& heap = *new HugeHeap;  // never destroyed: whatever is static may hold blocks of it
    return heap;
}

void* HugeHeap::allocate(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes > largest_block) {
        HugeMemory memory = take_large(bytes);
        void* block = memory.data();
        large_.emplace(block, std::move(memory));
        return block;
    }
    const BlockSize size = block_size(bytes);
    Free*& first = free_[size.number];
    if (first == nullptr) return cut(size.bytes);
    return std::exchange(first, first->next);
}

void HugeHeap::deallocate(void* block, std::size_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    if (bytes > largest_block) {
        const auto large = large_.find(block);
        spare_ = std::move(large->second);
        large_.erase(large);
        return;
    }
    Free*& first = free_[block_size(bytes).number];
    first = new (block) Free{first};
}

/// Nobody is to get much more than was asked for.
HugeMemory HugeHeap::take_large(std::size_t bytes) {
    if (spare_.size() >= bytes && spare_.size() <= bytes + slab_size) return std::exchange(spare_, {});
    return HugeMemory(bytes);
}

std::byte* HugeHeap::cut(std::size_t size) {
    if (slabs_.empty() || used_ + size > slab_size) {
        slabs_.emplace_back(slab_size);
        used_ = 0;
    }
    used_ += size;
    return static_cast<std::byte*>(slabs_.back().data()) + used_ - size;
}

std::size_t HugeHeap::memory() const {
    const std::lock_guard lock(mutex_);
    std::size_t bytes = slabs_.size() * slab_size + spare_.size();
    for (const auto& [block, memory] : large_) bytes += memory.size();
    return bytes;
}

}  // namespace viaduct
