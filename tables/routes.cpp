// Puts routes in order for their index.
#include "tables/routes.h"

#include <algorithm>

namespace viaduct {
namespace {

template <Address A>
std::vector<Route<A>> distinct(std::span<const Route<A>> given) {
    std::vector<Route<A>> routes;
    routes.reserve(given.size());
    std::ranges::copy_if(given, std::back_inserter(routes),
                         [](const Route<A>& route) { return route.target.kind != RouteKind::none; });
    std::ranges::stable_sort(routes, [](const Route<A>& a, const Route<A>& b) {
        return a.prefix.length != b.prefix.length ? a.prefix.length < b.prefix.length
                                                  : a.prefix.address < b.prefix.address;
    });
    const auto same = [](const Route<A>& a, const Route<A>& b) { return a.prefix == b.prefix; };
    routes.erase(std::unique(routes.begin(), routes.end(), same), routes.end());
    return routes;
}

}  // namespace

template <Address A>
RouteTable<A>::RouteTable(std::span<const Route<A>> routes) : routes_(distinct(routes)), index_(routes_) {}

template <Address A>
std::shared_ptr<const RouteTable<A>> RouteTable<A>::empty() {
    static const auto table = std::make_shared<const RouteTable>();
    return table;
}

template class RouteTable<Ipv4>;
template class RouteTable<Ipv6>;

}  // namespace viaduct
