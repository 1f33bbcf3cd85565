// Longest-prefix match for one network and family.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "tables/route_levels.h"
#include "tables/route_trie.h"

namespace viaduct {

template <Address A>
class RouteTable {
public:
    RouteTable() = default;
    /// One without routes, for all who have none.
    [[nodiscard]] static std::shared_ptr<const RouteTable> empty();
    /// Duplicate prefixes: the first one stays. Routes of kind `none` are no routes and are left out.
    explicit RouteTable(std::span<const Route<A>> routes);

    /// The longest prefix's target; kind `none` without one.
    [[nodiscard]] RouteTarget lookup(const A& destination) const noexcept { return index_.lookup(destination); }
    /// All routes, shortest prefixes first, for people.
    [[nodiscard]] const std::vector<Route<A>>& routes() const noexcept { return routes_; }
    [[nodiscard]] std::size_t size() const noexcept { return routes_.size(); }

private:
    std::vector<Route<A>> routes_;
    std::conditional_t<std::same_as<A, Ipv4>, RouteTrie, RouteLevels> index_;
};

extern template class RouteTable<Ipv4>;
extern template class RouteTable<Ipv6>;

}  // namespace viaduct
