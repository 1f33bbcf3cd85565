// The Internet checksum (RFC 1071) and its incremental update (RFC 1624), in memory order: no byte is ever swapped.
#pragma once

#include <cstddef>
#include <cstring>

#include "encap/net_types.h"

namespace viaduct {

/// A sum of 64-bit words, which takes an addition with carry for each of them.
class WideSum {
public:
    void add(std::uint64_t word) noexcept {
        low_ += word;
        carries_ += low_ < word ? 1U : 0U;
    }
    void add(const Ipv4& address) noexcept { add(std::uint64_t{address.raw()}); }
    void add(const Ipv6& address) noexcept { add_words<2>(address.bytes.data()); }
    /// These bytes, seen as 16-bit words padded with a zero byte (RFC 1071 §4.1).
    void add(const std::uint8_t* bytes, std::size_t length) noexcept {
        std::size_t left = length;
        for (; left >= 32; left -= 32, bytes += 32) add_words<4>(bytes);
        if (left >= 16) add_words<2>(bytes), bytes += 16;
        if ((left & 8U) != 0) add_words<1>(bytes), bytes += 8;
        left &= 7U;
        if (left == 0) return;
        if (length >= 8) [[likely]]
            add(word_at(bytes + left - 8) >> (64 - 8 * left));
        else
            add_few(bytes, left);
    }
    /// As a sum of 32-bit words: a carry out of 64 bits weighs as much as 1 (RFC 1071 §2 (B)).
    [[nodiscard]] std::uint64_t value() const noexcept { return (low_ & 0xffffffffU) + (low_ >> 32U) + carries_; }

private:
    [[nodiscard]] static std::uint64_t word_at(const std::uint8_t* bytes) noexcept {
        std::uint64_t word;
        std::memcpy(&word, bytes, sizeof word);
        return word;
    }
    template <std::size_t Count>
    void add_words(const std::uint8_t* bytes) noexcept {
        for (std::size_t i = 0; i < Count; ++i) add(word_at(bytes + 8 * i));
    }
    [[gnu::cold]] void add_few(const std::uint8_t* bytes, std::size_t length) noexcept {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes, length);
        add(word);
    }

    std::uint64_t low_ = 0, carries_ = 0;
};

/// Adds bytes to a running sum of 32-bit words. Only the last of several pieces may have an odd length.
[[nodiscard]] inline std::uint64_t add_bytes(std::uint64_t sum, const std::uint8_t* bytes,
                                             std::size_t length) noexcept {
    WideSum words;
    words.add(bytes, length);
    return sum + words.value();
}

/// The same for a header whose size is known beforehand.
template <class Header>
[[nodiscard]] inline std::uint64_t add_header(std::uint64_t sum, const Header& header) noexcept {
    static_assert(sizeof(Header) % 4 == 0 && std::is_trivially_copyable_v<Header>);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&header);
    for (std::size_t at = 0; at < sizeof(Header); at += 4) {
        std::uint32_t word;  // one at a time: a copy of all of them would go through memory
        std::memcpy(&word, bytes + at, sizeof word);
        sum += word;
    }
    return sum;
}

/// The 16-bit ones'-complement sum of 16-bit words that were added up in 32 bits. Zero only when nothing but zeros was
/// added. The halves of the number are added to each other in both orders: the lower addition's carry ends up in the
/// upper one, where it belongs.
[[nodiscard]] constexpr std::uint16_t fold_small(std::uint32_t sum) noexcept {
    return static_cast<std::uint16_t>((sum + std::rotl(sum, 16)) >> 16U);
}

/// The same of 32-bit words in 64 bits.
[[nodiscard]] constexpr std::uint16_t fold(std::uint64_t sum) noexcept {
    return fold_small(static_cast<std::uint32_t>((sum + std::rotl(sum, 32)) >> 32U));
}

/// Whether bytes of this sum, which are not all zero, carry the right checksum: `fold` would give 0xffff. That is so
/// for the multiples of 0xffff, which its inverse modulo 2^64 takes to the smallest numbers; a remainder would cost a
/// division wherever a compiler believes that it is rarely asked for.
[[nodiscard]] constexpr bool is_valid(std::uint64_t sum) noexcept {
    constexpr std::uint64_t multiples = ~std::uint64_t{0} / 0xffff, inverse = ~multiples + 1;
    static_assert(inverse * 0xffff == 1);
    return sum * inverse <= multiples;
}

/// The checksum field that belongs to a sum. Summing a valid header or segment, its own checksum included, gives 0.
[[nodiscard]] constexpr Be16 finish(std::uint64_t sum) noexcept {
    return Be16::from_raw(static_cast<std::uint16_t>(~fold(sum)));
}

[[nodiscard]] constexpr Be16 finish_small(std::uint32_t sum) noexcept {
    return Be16::from_raw(static_cast<std::uint16_t>(~fold_small(sum)));
}

/// The same for UDP, where a field of 0 means "none" (RFC 768).
[[nodiscard]] constexpr Be16 finish_udp(std::uint64_t sum) noexcept {
    const Be16 checksum = finish(sum);
    return checksum.raw() == 0 ? Be16(0xffff) : checksum;
}

[[nodiscard]] constexpr std::uint64_t sum_of(Be16 v) noexcept { return v.raw(); }
[[nodiscard]] constexpr std::uint64_t sum_of(Be32 v) noexcept { return v.raw(); }
[[nodiscard]] constexpr std::uint64_t sum_of(Ipv4 v) noexcept { return v.raw(); }
[[nodiscard]] constexpr std::uint64_t sum_of(Ipv6 v) noexcept {
    const auto half = v.raw();
    return (half[0] & 0xffffffffU) + (half[0] >> 32U) + (half[1] & 0xffffffffU) + (half[1] >> 32U);
}

/// The pseudo header of TCP, UDP and ICMPv6 (RFC 9293 §3.1, RFC 8200 §8.1); `length` of header and payload.
template <Address A>
[[nodiscard]] constexpr std::uint64_t pseudo_sum(const A& source, const A& destination, Protocol protocol,
                                                 std::uint32_t length) noexcept {
    return sum_of(source) + sum_of(destination) + sum_of(Be16(static_cast<std::uint16_t>(protocol))) +
           sum_of(Be32(length));
}

/// What a set of rewritten fields adds to the sum of the bytes that hold them: −old + new of each (RFC 1624 eqn 3).
/// Starts from −0, so that no delta is +0 and no update can turn a checksum into 0xffff.
class ChecksumDelta {
public:
    template <class Field>
    constexpr void change(const Field& before, const Field& after) noexcept {
        sum_ += static_cast<std::uint16_t>(~fold(sum_of(before)));
        sum_ += fold(sum_of(after));
    }
    [[nodiscard]] constexpr std::uint16_t value() const noexcept { return fold(sum_); }

private:
    std::uint64_t sum_ = 0xffff;
};

/// The delta that undoes `delta`.
[[nodiscard]] constexpr std::uint16_t negated(std::uint16_t delta) noexcept {
    return delta == 0xffff ? delta : static_cast<std::uint16_t>(~delta);
}

/// Both deltas at once.
[[nodiscard]] constexpr std::uint16_t combined(std::uint16_t a, std::uint16_t b) noexcept {
    return fold(std::uint64_t{a} + b);
}

/// Updates an IPv4 header, TCP or ICMP checksum. A `delta` of 0 changes nothing.
constexpr void apply(Be16& checksum, std::uint16_t delta) noexcept {
    const std::uint32_t before = checksum.raw();  // ~(~before + delta), with the carry brought round as a borrow
    checksum = Be16::from_raw(static_cast<std::uint16_t>(before - delta - (before < delta ? 1U : 0U)));
}

/// Updates a UDP checksum: none stays none, and a computed 0 is sent as 0xffff (RFC 768).
constexpr void apply_udp(Be16& checksum, std::uint16_t delta) noexcept {
    if (checksum.raw() == 0) return;
    apply(checksum, delta);
    if (checksum.raw() == 0) checksum = Be16(0xffff);
}

}  // namespace viaduct
