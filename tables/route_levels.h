// IPv6 routes as a hash table per prefix length that occurs, longest first. Pod subnets and the kernel's routes have few
// lengths, so a lookup is a few probes into a few KiB.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tables/probe_table.h"
#include "tables/route_target.h"

namespace viaduct {

class RouteLevels {
public:
    RouteLevels() = default;
    /// `routes` are distinct prefixes, shortest first.
    explicit RouteLevels(std::span<const Route<Ipv6>> routes);

    [[nodiscard]] RouteTarget lookup(const Ipv6& destination) const noexcept {
        const Words address = words(destination);
        for (const Level& level : levels_) {
            const Words key{address[0] & level.mask[0], address[1] & level.mask[1]};
            const Slot* slot = level.slots.find(hash_of(key), [&](const Slot& s) { return same(s.key, key); });
            if (slot != nullptr) return slot->target;
        }
        return {};
    }

private:
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
    std::vector<Level> levels_;  // longest prefixes first
};

}  // namespace viaduct
