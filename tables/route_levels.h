// IPv6 routes as a hash table per prefix length that occurs, longest first. Pod subnets and the kernel's routes have
// few lengths, so a lookup is a few probes into a few KiB. An address's first 16 bits tell which lengths need no probe:
// what pods have is seldom what their clients have.
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
        const Words address = words(destination);
        const Level* const end = levels_.data() + levels_.size();
        for (const Level* level = levels_.data() + first_[start_of(address)]; level != end; ++level) {
            const Words key{address[0] & level->mask[0], address[1] & level->mask[1]};
            const Slot* slot = level->slots.find(hash_of(key), [&](const Slot& s) { return same(s.key, key); });
            if (slot != nullptr) return slot->target;
        }
        return default_;
    }

private:
    static constexpr unsigned start_bits = 16;
    using Words = AddressWords<Ipv6>;
    struct Slot {
        Words key{};  // masked
        RouteTarget target;
        [[nodiscard]] bool used() const noexcept { return target.kind != RouteKind::none; }
    };
    struct Level {
        Words mask;
        ProbeTable<Slot> slots;
    };

    /// The first 16 bits, in memory order.
    [[nodiscard]] static std::uint16_t start_of(const Words& address) noexcept {
        return static_cast<std::uint16_t>(address[0]);
    }
    void begin_at(const Prefix<Ipv6>& prefix, std::uint8_t level);

    RouteTarget default_;              // of ::/0
    std::vector<Level> levels_;        // the others, longest prefixes first
    std::vector<std::uint8_t> first_;  // by `start_of`: the first level that has anything to do with such addresses
};

}  // namespace viaduct
