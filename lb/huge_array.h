// A fixed array in huge pages where there are any, faulted in at once: the data path never takes a page fault.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace viaduct {

/// `size` zeroed bytes, page-aligned and present in memory.
class HugeMemory {
public:
    HugeMemory() = default;
    /// Throws std::bad_alloc when the memory is not to be had.
    explicit HugeMemory(std::size_t size);
    HugeMemory(HugeMemory&& other) noexcept { swap(other); }
    HugeMemory& operator=(HugeMemory&& other) noexcept {
        HugeMemory(std::move(other)).swap(*this);
        return *this;
    }
    ~HugeMemory() {
        if (begin_ != nullptr) munmap(begin_, size_);
    }

    [[nodiscard]] void* data() const noexcept { return begin_; }
    /// What was asked for, rounded up to pages.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    void swap(HugeMemory& other) noexcept {
        std::swap(begin_, other.begin_);
        std::swap(size_, other.size_);
    }
    void* begin_ = nullptr;
    std::size_t size_ = 0;
};

template <class T>
class HugeArray {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 4096);

public:
    HugeArray() = default;
    /// `count` elements of zero bytes.
    explicit HugeArray(std::size_t count) : memory_(bytes_for(count)), count_(count) {}

    [[nodiscard]] T& operator[](std::size_t i) const noexcept { return begin()[i]; }
    [[nodiscard]] T* begin() const noexcept { return static_cast<T*>(memory_.data()); }
    [[nodiscard]] T* end() const noexcept { return begin() + count_; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    /// Bytes of memory taken.
    [[nodiscard]] std::size_t memory() const noexcept { return memory_.size(); }

private:
    [[nodiscard]] static std::size_t bytes_for(std::size_t count) {
        if (count > SIZE_MAX / 2 / sizeof(T)) throw std::bad_alloc();
        return count * sizeof(T);
    }
    HugeMemory memory_;
    std::size_t count_ = 0;
};

}  // namespace viaduct
