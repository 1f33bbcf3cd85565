// Huge pages for what control builds and workers read at random: a first packet must not miss the TLB table by table.
//
// Theory of operation. Blocks are cut one after the other from slabs of huge pages (huge_array.h), in sizes of quarter
// steps between powers of two, so that less than a line or a quarter of a block is spare. A freed block serves the next
// one of its size; a slab is never given back. What is large gets a mapping of its own, which is, but for the one that
// was freed last: who makes a table anew, publication by publication, finds the pages of the one before the last, and
// need not wait for new ones to be cleared. Any thread; a lock guards it, so workers never come here.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <map>
#include <mutex>
#include <vector>

#include "lb/huge_array.h"

namespace viaduct {

class HugeHeap {
public:
    static constexpr std::size_t alignment = 64;  // a cache line

    /// The process's own.
    [[nodiscard]] static HugeHeap& instance();

    /// Throws std::bad_alloc when the memory is not to be had.
    [[nodiscard]] void* allocate(std::size_t bytes);
    /// `block` came from `allocate(bytes)`.
    void deallocate(void* block, std::size_t bytes) noexcept;

    /// Bytes taken from the system.
    [[nodiscard]] std::size_t memory() const;

private:
    struct Free {
        Free* next;
    };
    [[nodiscard]] std::byte* cut(std::size_t size);
    [[nodiscard]] HugeMemory take_large(std::size_t bytes);

    mutable std::mutex mutex_;
    std::array<Free*, 4 * std::numeric_limits<std::size_t>::digits> free_{};  // by size
    std::vector<HugeMemory> slabs_;
    std::size_t used_ = 0;  // of the last slab
    std::map<void*, HugeMemory> large_;
    HugeMemory spare_;  // the large one that was freed last
};

/// For standard containers.
template <class T>
struct HugeAllocator {
    static_assert(alignof(T) <= HugeHeap::alignment);
    using value_type = T;

    HugeAllocator() = default;
    template <class Other>
    HugeAllocator(const HugeAllocator<Other>&) noexcept {}  // NOLINT: containers rebind implicitly
    [[nodiscard]] T* allocate(std::size_t count) {
        if (count > SIZE_MAX / 2 / sizeof(T)) throw std::bad_alloc();
        return static_cast<T*>(HugeHeap::instance().allocate(count * sizeof(T)));
    }
    void deallocate(T* block, std::size_t count) noexcept { HugeHeap::instance().deallocate(block, count * sizeof(T)); }
    template <class Other>
    bool operator==(const HugeAllocator<Other>&) const noexcept {
        return true;
    }
};

template <class T>
using HugeVector = std::vector<T, HugeAllocator<T>>;

}  // namespace viaduct
