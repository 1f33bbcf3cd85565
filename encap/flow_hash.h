// Hashes of flow keys and addresses: CRC32C, then mixed so that high and low bits are equally good.
#pragma once

#include <cstddef>

#include "encap/net_types.h"

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

namespace viaduct {

namespace detail {

#if defined(__SSE4_2__)
inline std::uint32_t crc32c(std::uint32_t crc, std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(_mm_crc32_u64(crc, word));
}
inline std::uint32_t crc32c(std::uint32_t crc, std::uint32_t word) noexcept { return _mm_crc32_u32(crc, word); }
#else
inline constexpr std::array<std::uint32_t, 256> crc32c_table = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
        table[byte] = crc;
    }
    return table;
}();
/// The same values as the instruction's on a little-endian machine.
template <std::unsigned_integral T>
constexpr std::uint32_t crc32c(std::uint32_t crc, T word) noexcept {
    for (unsigned i = 0; i < sizeof(T); ++i)
        crc = (crc >> 8U) ^ crc32c_table[(crc ^ static_cast<std::uint32_t>(word >> (8U * i))) & 0xffU];
    return crc;
}
#endif

/// A bijection in which every input bit reaches every output bit; a CRC alone is linear.
[[nodiscard]] constexpr std::uint32_t mixed(std::uint32_t h) noexcept {
    h = (h ^ (h >> 16U)) * 0x7feb352dU;
    h = (h ^ (h >> 15U)) * 0x846ca68bU;
    return h ^ (h >> 16U);
}

template <class T>
[[nodiscard]] inline std::uint32_t crc32c_of(std::uint32_t crc, const T& object) noexcept {
    static_assert(std::has_unique_object_representations_v<T> && sizeof(T) % 4 == 0);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&object);
    std::size_t at = 0;
    for (; at + 8 <= sizeof(T); at += 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes + at, sizeof word);
        crc = crc32c(crc, word);
    }
    if constexpr (sizeof(T) % 8 != 0) {
        std::uint32_t word;
        std::memcpy(&word, bytes + at, sizeof word);
        crc = crc32c(crc, word);
    }
    return crc;
}

}  // namespace detail

/// Of one direction of a flow. Depends on the key alone: never on TTL, IP id or payload.
template <Address A>
[[nodiscard]] inline std::uint32_t flow_hash(const FlowKey<A>& key) noexcept {
    return detail::mixed(detail::crc32c_of(~0U, key));
}

/// What spreads flows over an underlay's paths: cheaper than `flow_hash`, and only its upper bits are equally good.
template <Address A>
[[nodiscard]] inline std::uint32_t flow_entropy(const FlowKey<A>& key) noexcept {
    return detail::crc32c_of(~0U, key) * 0x9e3779b1U;
}

template <Address A>
[[nodiscard]] inline std::uint32_t address_hash(const A& address) noexcept {
    return detail::mixed(detail::crc32c_of(~0U, address));
}

/// The same for a key and its mirror image.
template <Address A>
[[nodiscard]] inline std::uint32_t symmetric_hash(const FlowKey<A>& key) noexcept {
    const std::uint32_t a = detail::crc32c(address_hash(key.source), std::uint32_t{key.source_port.raw()});
    const std::uint32_t b = detail::crc32c(address_hash(key.destination), std::uint32_t{key.destination_port.raw()});
    const auto rest = static_cast<std::uint32_t>(key.protocol) << 8U | static_cast<std::uint32_t>(key.network);
    return detail::mixed(detail::crc32c(detail::mixed(a) + detail::mixed(b), rest));
}

}  // namespace viaduct
