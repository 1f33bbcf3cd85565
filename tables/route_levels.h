// IPv6 routes as a hash table per prefix length that occurs, longest first. Pod subnets and the kernel's routes have
// few lengths, so a lookup is a few probes into a few KiB. An address's first 16 bits tell which lengths need no probe:
// what pods have is seldom what their clients have. Prefixes of up to 64 bits, as nodes' subnets are, are half as long
// to hash and to compare.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tables/probe_table.h"
#include "tables/route_target.h"

namespace viaduct {

class RouteLevels {
public:
    RouteLevels() : RouteLevels(std::span<const Route<Ipv6>>{}) {}
    /// `routes` are distinct prefixes, shortest first.
    explicit RouteLevels(std::span<const Route<Ipv6>> routes);

    [[nodiscard]] RouteTarget lookup(const Ipv6& destination) const noexcept {
        const AddressWords<Ipv6> address = words(destination);
        const First first = first_[start_of(address)];
        if (const auto* slot = find(long_, first.long_level, address); slot != nullptr) return slot->target;
        if (const auto* slot = find(short_, first.short_level, address); slot != nullptr) return slot->target;
        return default_;
    }

private:
    static constexpr unsigned start_bits = 16;
    template <std::size_t Count>
    using Words = std::array<std::uint64_t, Count>;
    template <std::size_t Count>
    struct Slot {
        Words<Count> key{};  // masked
        RouteTarget target;
        [[nodiscard]] bool used() const noexcept { return target.kind != RouteKind::none; }
    };
    /// The prefixes of one length: of their first `Count` words no more than those bits are kept.
    template <std::size_t Count>
    struct Level {
        Words<Count> mask;
        ProbeTable<Slot<Count>> slots;
    };
    template <std::size_t Count>
    using Levels = std::vector<Level<Count>>;  // longest prefixes first
    struct First {
        std::uint8_t long_level, short_level;
    };

    template <std::size_t Count>
    [[nodiscard]] static Words<Count> masked_words(const AddressWords<Ipv6>& address,
                                                   const Words<Count>& mask) noexcept {
        Words<Count> key;
        for (std::size_t i = 0; i < Count; ++i) key[i] = address[i] & mask[i];
        return key;
    }
    template <std::size_t Count>
    [[nodiscard]] static const Slot<Count>* find(const Levels<Count>& levels, std::size_t first,
                                                 const AddressWords<Ipv6>& address) noexcept {
        const Level<Count>* const end = levels.data() + levels.size();
        for (const Level<Count>* level = levels.data() + first; level != end; ++level) {
            const Words<Count> key = masked_words(address, level->mask);
            const auto* slot = level->slots.find(hash_of(key), [&](const Slot<Count>& s) { return same(s.key, key); });
            if (slot != nullptr) return slot;
        }
        return nullptr;
    }
    /// The first 16 bits, in memory order.
    [[nodiscard]] static std::uint16_t start_of(const AddressWords<Ipv6>& address) noexcept {
        return static_cast<std::uint16_t>(address[0]);
    }
    template <std::size_t Count>
    void fill(Levels<Count>& levels, std::uint8_t First::*first, std::span<const Route<Ipv6>> routes);
    void begin_at(const Prefix<Ipv6>& prefix, std::uint8_t First::*first, std::size_t level);

    RouteTarget default_;       // of ::/0
    Levels<2> long_;            // of more than 64 bits
    Levels<1> short_;           // the others
    std::vector<First> first_;  // by `start_of`: the first levels that have anything to do with such addresses
};

}  // namespace viaduct
