// Asking for memory before it is needed.
#pragma once

namespace viaduct {

/// Starts to bring the cache line at `address`, which may be anywhere, towards the first-level cache.
inline void prefetch(const void* address) noexcept {
    __builtin_prefetch(address);
    // g++ 12 takes a function that does nothing else for one without any effect, and leaves out the calls to it.
    asm volatile("" : : "r"(address));
}

/// The same for a line that will be written, and lies in another worker's cache: it is taken away from there at once.
inline void prefetch_to_write(void* address) noexcept {
#if defined(__x86_64__)
    // Every x86-64 processor knows the instruction, some as one that does nothing; compilers leave it out for old ones.
    asm volatile("prefetchw %0" : : "m"(*static_cast<char*>(address)));
#else
    __builtin_prefetch(address, 1);
    asm volatile("" : : "r"(address));
#endif
}

}  // namespace viaduct
