// Fills the levels; the lookup is in the header.
#include "tables/route_levels.h"

#include <algorithm>
#include <iterator>

namespace viaduct {
namespace {

constexpr std::uint8_t short_bits = 64;

/// Of routes that are sorted by length.
std::uint8_t lengths_of(std::span<const Route<Ipv6>> routes) {
    std::uint8_t lengths = 0;
    for (std::size_t i = 0; i < routes.size(); ++i)
        if (i == 0 || routes[i].prefix.length != routes[i - 1].prefix.length) ++lengths;
    return lengths;
}

}  // namespace

RouteLevels::RouteLevels(std::span<const Route<Ipv6>> routes) {
    if (!routes.empty() && routes.front().prefix.length == 0) {
        default_ = routes.front().target;
        routes = routes.subspan(1);
    }
    const auto longer = std::ranges::find_if(routes, [](const auto& r) { return r.prefix.length > short_bits; });
    const auto short_ones = routes.first(static_cast<std::size_t>(longer - routes.begin()));
    const auto long_ones = routes.subspan(short_ones.size());
    first_.assign(std::size_t{1} << start_bits, {lengths_of(long_ones), lengths_of(short_ones)});
    fill(long_, &First::long_level, long_ones);
    fill(short_, &First::short_level, short_ones);
}

template <std::size_t Count>
void RouteLevels::fill(Levels<Count>& levels, std::uint8_t First::*first, std::span<const Route<Ipv6>> routes) {
    for (auto end = routes.rbegin(); end != routes.rend();) {
        const std::uint8_t length = end->prefix.length;
        const auto begin = end;
        end = std::find_if(begin, routes.rend(), [&](const auto& route) { return route.prefix.length != length; });
        Words<Count> mask;
        std::copy_n(mask_words<Ipv6>(length).begin(), Count, mask.begin());
        const auto count = static_cast<std::size_t>(std::distance(begin, end));
        Level<Count>& level = levels.emplace_back(Level<Count>{mask, ProbeTable<Slot<Count>>(count)});
        for (auto route = begin; route != end; ++route) {
            const Words<Count> key = masked_words(words(route->prefix.address), mask);
            level.slots.place(hash_of(key), [&](const Slot<Count>& s) { return s.key == key; }) = {key, route->target};
            begin_at(route->prefix, first, levels.size() - 1);
        }
    }
}

/// Addresses under the prefix are looked up from this level on, unless from an earlier one.
void RouteLevels::begin_at(const Prefix<Ipv6>& prefix, std::uint8_t First::*first, std::size_t level) {
    const unsigned start = unsigned{prefix.address.bytes[0]} << 8U | prefix.address.bytes[1];
    const unsigned count = prefix.length < start_bits ? 1U << (start_bits - prefix.length) : 1;
    for (unsigned at = start; at < start + count; ++at) {
        std::uint8_t& known = first_[Be16(static_cast<std::uint16_t>(at)).raw()].*first;
        known = std::min(known, static_cast<std::uint8_t>(level));
    }
}

}  // namespace viaduct
