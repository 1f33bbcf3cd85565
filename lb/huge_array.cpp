// Where the memory of a HugeArray comes from.
#include "lb/huge_array.h"

#include <algorithm>
#include <cerrno>

namespace viaduct {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20U;
constexpr std::size_t page = 4096;

std::size_t rounded(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

void* map(std::size_t size, int flags) {
    void* at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return at == MAP_FAILED ? nullptr : at;
}

// Faults every page in. Where a cgroup denies huge pages that mmap has promised, touching them would be SIGBUS;
// MADV_POPULATE_WRITE (Linux 5.14) says so instead.
bool populated(void* at, std::size_t size) { return madvise(at, size, MADV_POPULATE_WRITE) == 0; }

// From the reserved pool of huge pages, or nullptr.
void* reserved_pages(std::size_t size) {
    void* at = map(size, MAP_HUGETLB);
    if (at != nullptr && !populated(at, size)) {
        munmap(at, size);
        return nullptr;
    }
    return at;
}

// Ordinary pages, which the kernel may back with transparent huge ones: those need an aligned start.
void* ordinary_pages(std::size_t size) {
    const std::size_t spare = size >= huge_page ? huge_page : 0;
    auto* at = static_cast<std::uint8_t*>(map(size + spare, 0));
    if (at == nullptr) return nullptr;
    if (spare != 0) {
        const std::size_t before = (huge_page - reinterpret_cast<std::uintptr_t>(at) % huge_page) % huge_page;
        if (before != 0) munmap(at, before);
        if (before != spare) munmap(at + before + size, spare - before);
        at += before;
        madvise(at, size, MADV_HUGEPAGE);
    }
    if (populated(at, size)) return at;
    if (errno == EINVAL) {  // an older kernel: touch them ourselves
        for (std::size_t i = 0; i < size; i += page) static_cast<volatile std::uint8_t*>(at)[i] = 0;
        return at;
    }
    munmap(at, size);
    return nullptr;
}

}  // namespace

HugeMemory::HugeMemory(std::size_t size) {
    if (size >= huge_page) {
        size_ = rounded(size, huge_page);
        begin_ = reserved_pages(size_);
        if (begin_ != nullptr) return;
    }
    size_ = rounded(std::max(size, page), page);
    begin_ = ordinary_pages(size_);
    if (begin_ == nullptr) throw std::bad_alloc();
}

}  // namespace viaduct
