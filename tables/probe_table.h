// Open addressing for the snapshot's tables: filled once by the builder, then only read, by the workers too.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "encap/net_types.h"
#include "lb/prefetch.h"

namespace viaduct {

/// An address as the integers that it is compared, masked and hashed by, in memory order.
template <Address A>
using AddressWords = std::array<std::uint64_t, A::bits <= 64 ? 1 : 2>;
[[nodiscard]] constexpr AddressWords<Ipv4> words(Ipv4 address) noexcept { return {address.raw()}; }
[[nodiscard]] constexpr AddressWords<Ipv6> words(Ipv6 address) noexcept { return address.raw(); }

/// The bits that a prefix of this length keeps, in the same form.
template <Address A>
[[nodiscard]] constexpr AddressWords<A> mask_words(std::uint8_t length) noexcept {
    A ones;
    ones.bytes.fill(0xff);
    return words(masked(ones, length));
}

/// Fibonacci hashing (Knuth, TAOCP vol. 3, §6.4): the good bits are the top ones.
[[nodiscard]] constexpr std::uint64_t spread(std::uint64_t value) noexcept { return value * 0x9e3779b97f4a7c15U; }

/// Without the memcmp that comparing the arrays would call.
template <std::size_t Count>
[[nodiscard]] constexpr bool same(const std::array<std::uint64_t, Count>& a,
                                  const std::array<std::uint64_t, Count>& b) noexcept {
    std::uint64_t different = 0;
    for (std::size_t i = 0; i < Count; ++i) different |= a[i] ^ b[i];
    return different == 0;
}

template <std::size_t Count>
[[nodiscard]] constexpr std::uint64_t hash_of(const std::array<std::uint64_t, Count>& words) noexcept {
    if constexpr (Count == 1) {
        return spread(words[0]);
    } else {
        // The fold lets the address's last bytes, which are the top ones here, reach every bit of the product.
        const std::uint64_t sum = words[0] * 0xff51afd7ed558ccdU + words[1];
        return spread(sum ^ (sum >> 32U));
    }
}
template <Address A>
[[nodiscard]] constexpr std::uint64_t hash_of(A address) noexcept {
    return hash_of(words(address));
}

/// Linear probing in a power-of-two array that is at most half full, so that every probe meets a free slot. A slot
/// says by `used()` whether it is taken; a default-constructed one is free. Copies share their slots, so that
/// successive snapshots can: fill a table first.
///
/// With four slots for an entry nearly every search ends at its first one, which the processor learns to expect; two
/// keep a table small whose memory is waited for.
template <class Slot>
class ProbeTable {
public:
    explicit ProbeTable(std::size_t entries = 0, std::size_t slots_per_entry = 4)
        : last_(std::bit_ceil(std::max<std::size_t>(2, entries * slots_per_entry)) - 1),
          slots_(std::make_shared<Slot[]>(last_ + 1)),
          shift_(static_cast<unsigned>(std::countl_zero(last_))) {}

    /// The first slot from `hash` on for which `same` holds, or nullptr.
    template <class Same>
    [[nodiscard]] const Slot* find(std::uint64_t hash, const Same& same) const noexcept {
        for (std::size_t at = hash >> shift_; slot(at).used(); at = (at + 1) & last_)
            if (same(slot(at))) return &slot(at);
        return nullptr;
    }
    /// Asks for the memory that `find` will read.
    void prefetch(std::uint64_t hash) const noexcept { viaduct::prefetch(&slot(hash >> shift_)); }
    /// The slot for which `same` holds, or the free one where it belongs. No more than `entries` may be taken.
    template <class Same>
    [[nodiscard]] Slot& place(std::uint64_t hash, const Same& same) noexcept {
        std::size_t at = hash >> shift_;
        while (slot(at).used() && !same(slot(at))) at = (at + 1) & last_;
        return slot(at);
    }
    /// With slots of its own, to be changed while others read these.
    [[nodiscard]] ProbeTable clone() const {
        ProbeTable copy = *this;
        copy.slots_ = std::make_shared_for_overwrite<Slot[]>(last_ + 1);
        std::ranges::copy(slots(), copy.slots_.get());
        return copy;
    }
    /// Whether so many entries leave half of the slots free.
    [[nodiscard]] bool has_room_for(std::size_t entries) const noexcept { return 2 * entries <= last_ + 1; }
    /// Frees a taken slot. Those behind it that had to give way close the gap (Knuth, TAOCP vol. 3, §6.4, algorithm R);
    /// `hash_of` tells where each belongs.
    template <class HashOf>
    void free(Slot& taken, const HashOf& hash_of) noexcept {
        auto gap = static_cast<std::size_t>(&taken - slots_.get());
        for (std::size_t at = (gap + 1) & last_; slot(at).used(); at = (at + 1) & last_) {
            const std::size_t home = hash_of(slot(at)) >> shift_;
            if (((at - home) & last_) < ((at - gap) & last_)) continue;
            slot(gap) = slot(at);
            gap = at;
        }
        slot(gap) = Slot{};
    }
    [[nodiscard]] std::span<const Slot> slots() const noexcept { return {slots_.get(), last_ + 1}; }

private:
    [[nodiscard]] Slot& slot(std::size_t at) const noexcept { return slots_.get()[at]; }

    std::size_t last_;  // of the slots
    std::shared_ptr<Slot[]> slots_;
    unsigned shift_;
};

}  // namespace viaduct
