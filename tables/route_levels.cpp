// Fills the levels; the lookup is in the header.
#include "tables/route_levels.h"

#include <algorithm>
#include <iterator>

namespace viaduct {

RouteLevels::RouteLevels(std::span<const Route<Ipv6>> routes) {
    for (auto end = routes.rbegin(); end != routes.rend();) {
        const std::uint8_t length = end->prefix.length;
        const auto begin = end;
        end = std::find_if(begin, routes.rend(), [&](const auto& route) { return route.prefix.length != length; });
        Level& level = levels_.emplace_back(
            Level{mask_words<Ipv6>(length), ProbeTable<Slot>(static_cast<std::size_t>(std::distance(begin, end)))});
        for (auto route = begin; route != end; ++route) {
            const Words key = words(route->prefix.address);
            level.slots.place(hash_of(key), [&](const Slot& s) { return s.key == key; }) = {key, route->target};
        }
    }
}

}  // namespace viaduct
