// Asking for memory before it is needed.
#pragma once

namespace viaduct {

/// Starts to bring the cache line at `address`, which may be anywhere, towards the first-level cache.
inline void prefetch(const void* address) noexcept {
    __builtin_prefetch(address);
    // g++ 12 takes a function that does nothing else for one without any effect, and leaves out the calls to it.
    asm volatile("" : : "r"(address));
}

}  // namespace viaduct
