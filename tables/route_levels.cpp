// Fills the levels; the lookup is in the header.
#include "tables/route_levels.h"

#include <algorithm>
#include <iterator>

namespace viaduct {

namespace {

std::size_t lengths_of(std::span<const Route<Ipv6>> routes) {
    std::size_t lengths = 0;
    for (std::size_t i = 0; i < routes.size(); ++i)
        lengths += i == 0 || routes[i].prefix.length != routes[i - 1].prefix.length ? 1U : 0U;
    return lengths;
}

}  // namespace

RouteLevels::RouteLevels(std::span<const Route<Ipv6>> routes) {
    if (!routes.empty() && routes.front().prefix.length == 0) {
        default_ = routes.front().target;
        routes = routes.subspan(1);
    }
    first_.assign(std::size_t{1} << start_bits, static_cast<std::uint8_t>(lengths_of(routes)));
    for (auto end = routes.rbegin(); end != routes.rend();) {
        const std::uint8_t length = end->prefix.length;
        const auto begin = end;
        end = std::find_if(begin, routes.rend(), [&](const auto& route) { return route.prefix.length != length; });
        Level& level = levels_.emplace_back(
            Level{mask_words<Ipv6>(length), ProbeTable<Slot>(static_cast<std::size_t>(std::distance(begin, end)))});
        for (auto route = begin; route != end; ++route) {
            const Words key = words(route->prefix.address);
            level.slots.place(hash_of(key), [&](const Slot& s) { return s.key == key; }) = {key, route->target};
            begin_at(route->prefix, static_cast<std::uint8_t>(levels_.size() - 1));
        }
    }
}

/// Addresses under the prefix are looked up from this level on, unless from an earlier one.
void RouteLevels::begin_at(const Prefix<Ipv6>& prefix, std::uint8_t level) {
    const unsigned start = unsigned{prefix.address.bytes[0]} << 8U | prefix.address.bytes[1];
    const unsigned count = prefix.length < start_bits ? 1U << (start_bits - prefix.length) : 1;
    for (unsigned at = start; at < start + count; ++at) {
        std::uint8_t& first = first_[Be16(static_cast<std::uint16_t>(at)).raw()];
        first = std::min(first, level);
    }
}

}  // namespace viaduct
