// Reads the kernel's lists by libnl-route and makes plain values of them.
#include "control/kernel/read_kernel.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/cache.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "control/kernel/netlink.h"

namespace viaduct {
namespace {

using Cache = std::unique_ptr<nl_cache, Release<nl_cache_free>>;

bool is_ip(int family) { return family == AF_INET || family == AF_INET6; }

Mac to_mac(nl_addr* address) {
    Mac mac;
    if (address != nullptr && nl_addr_get_len(address) == mac.bytes.size()) {
        const auto* bytes = static_cast<const std::uint8_t*>(nl_addr_get_binary_addr(address));
        std::copy_n(bytes, mac.bytes.size(), mac.bytes.begin());
    }
    return mac;
}

/// Every object of a fresh dump that `convert` (Object* → optional<Value>) makes something of.
template <class Value, class Object, class Convert>
std::vector<Value> collect(const Cache& cache, Convert convert) {
    std::vector<Value> values;
    values.reserve(static_cast<std::size_t>(nl_cache_nitems(cache.get())));
    for (nl_object* object = nl_cache_get_first(cache.get()); object != nullptr; object = nl_cache_get_next(object)) {
        // libnl's objects share their header by position, as in its own casts.
        if (std::optional<Value> value = convert(static_cast<Object*>(static_cast<void*>(object)))) {
            values.push_back(std::move(*value));
        }
    }
    return values;
}

Cache checked(int result, nl_cache* cache, const char* what) {
    if (result < 0) throw NetlinkError(std::string("cannot read the kernel's ") + what, result);
    return Cache(cache);
}

}  // namespace

std::vector<KernelInterface> read_interfaces(nl_sock* socket) {
    nl_cache* cache = nullptr;
    const int result = rtnl_link_alloc_cache(socket, AF_UNSPEC, &cache);
    auto values = collect<KernelInterface, rtnl_link>(
        checked(result, cache, "interfaces"), [](rtnl_link* link) -> std::optional<KernelInterface> {
            const char* kind = rtnl_link_get_type(link);
            return KernelInterface{.index = static_cast<unsigned>(rtnl_link_get_ifindex(link)),
                                   .name = rtnl_link_get_name(link),
                                   .kind = kind == nullptr ? "" : kind,
                                   .mac = to_mac(rtnl_link_get_addr(link)),
                                   .mtu = static_cast<std::uint16_t>(std::min(rtnl_link_get_mtu(link), 0xffffU)),
                                   .up = (rtnl_link_get_flags(link) & IFF_UP) != 0,
                                   .has_carrier = rtnl_link_get_carrier(link) != 0};
        });
    std::ranges::sort(values, {}, &KernelInterface::index);
    return values;
}

std::vector<KernelAddress> read_addresses(nl_sock* socket) {
    nl_cache* cache = nullptr;
    const int result = rtnl_addr_alloc_cache(socket, &cache);
    auto values = collect<KernelAddress, rtnl_addr>(
        checked(result, cache, "addresses"), [](rtnl_addr* address) -> std::optional<KernelAddress> {
            nl_addr* const local = rtnl_addr_get_local(address);
            const bool settled = (rtnl_addr_get_flags(address) & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0;
            if (local == nullptr || !is_ip(rtnl_addr_get_family(address)) || !settled) return std::nullopt;
            return KernelAddress{.interface = static_cast<unsigned>(rtnl_addr_get_ifindex(address)),
                                 .address = to_ip(local),
                                 .prefix_length = static_cast<std::uint8_t>(rtnl_addr_get_prefixlen(address)),
                                 .link_local = rtnl_addr_get_scope(address) == RT_SCOPE_LINK};
        });
    std::ranges::sort(values, {}, [](const KernelAddress& a) { return std::tuple(a.interface, a.address); });
    return values;
}

namespace {

std::optional<KernelRoute::Type> route_type(int type) {
    switch (type) {
        case RTN_UNICAST:
            return KernelRoute::Type::unicast;
        case RTN_LOCAL:
            return KernelRoute::Type::local;
        case RTN_BROADCAST:
            return KernelRoute::Type::broadcast;
        case RTN_MULTICAST:
            return KernelRoute::Type::multicast;
        case RTN_ANYCAST:
            return KernelRoute::Type::anycast;
        case RTN_UNREACHABLE:
            return KernelRoute::Type::unreachable;
        case RTN_BLACKHOLE:
            return KernelRoute::Type::blackhole;
        case RTN_PROHIBIT:
            return KernelRoute::Type::prohibit;
        default:
            return std::nullopt;
    }
}

/// The first next hop that the kernel would use; nullptr when there is none.
rtnl_nexthop* live_hop(rtnl_route* route) {
    for (int i = 0; i < rtnl_route_get_nnexthops(route); ++i) {
        rtnl_nexthop* const hop = rtnl_route_nexthop_n(route, i);
        if ((rtnl_route_nh_get_flags(hop) & RTNH_F_DEAD) == 0) return hop;
    }
    return nullptr;
}

std::optional<KernelRoute> convert_route(rtnl_route* route) {
    const auto type = route_type(rtnl_route_get_type(route));
    const std::uint32_t table = rtnl_route_get_table(route);
    const bool usual = is_ip(rtnl_route_get_family(route)) && (rtnl_route_get_flags(route) & RTM_F_CLONED) == 0 &&
                       rtnl_route_get_tos(route) == 0 && rtnl_route_get_src(route) == nullptr;
    if (!type || !usual || (table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL)) return std::nullopt;
    rtnl_nexthop* const hop = live_hop(route);
    if (hop == nullptr && *type == KernelRoute::Type::unicast) return std::nullopt;
    nl_addr* const destination = rtnl_route_get_dst(route);
    KernelRoute value{.prefix = {to_ip(destination), static_cast<std::uint8_t>(nl_addr_get_prefixlen(destination))},
                      .type = *type,
                      .gateway = {},
                      .priority = rtnl_route_get_priority(route),
                      .table = static_cast<std::uint8_t>(table)};
    if (hop != nullptr) {
        value.interface = static_cast<unsigned>(rtnl_route_nh_get_ifindex(hop));
        nl_addr* const gateway = rtnl_route_nh_get_gateway(hop);
        // An IPv4 route may have an IPv6 next hop (RFC 8950), which comes as "via".
        value.gateway = to_ip(gateway != nullptr ? gateway : rtnl_route_nh_get_via(hop));
    }
    return value;
}

}  // namespace

std::vector<KernelRoute> read_routes(nl_sock* socket) {
    nl_cache* cache = nullptr;
    const int result = rtnl_route_alloc_cache(socket, AF_UNSPEC, 0, &cache);
    auto values = collect<KernelRoute, rtnl_route>(checked(result, cache, "routes"), convert_route);
    const auto place = [](const KernelRoute& r) { return std::tuple(-int{r.table}, r.prefix); };
    std::ranges::stable_sort(values, {}, [&](const KernelRoute& r) { return std::tuple(place(r), r.priority); });
    const auto same_place = [&](const KernelRoute& a, const KernelRoute& b) { return place(a) == place(b); };
    values.erase(std::unique(values.begin(), values.end(), same_place), values.end());
    return values;
}

std::vector<KernelNeighbour> read_neighbours(nl_sock* socket) {
    constexpr int usable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
    nl_cache* cache = nullptr;
    const int result = rtnl_neigh_alloc_cache(socket, &cache);
    auto values = collect<KernelNeighbour, rtnl_neigh>(
        checked(result, cache, "neighbours"), [](rtnl_neigh* neighbour) -> std::optional<KernelNeighbour> {
            nl_addr* const address = rtnl_neigh_get_dst(neighbour);
            if (address == nullptr || !is_ip(nl_addr_get_family(address))) return std::nullopt;
            const Mac mac = to_mac(rtnl_neigh_get_lladdr(neighbour));
            return KernelNeighbour{.interface = static_cast<unsigned>(rtnl_neigh_get_ifindex(neighbour)),
                                   .address = to_ip(address),
                                   .mac = mac,
                                   .usable = !mac.is_zero() && (rtnl_neigh_get_state(neighbour) & usable) != 0,
                                   .fixed = (rtnl_neigh_get_state(neighbour) & (NUD_PERMANENT | NUD_NOARP)) != 0};
        });
    std::ranges::sort(values, {}, [](const KernelNeighbour& n) { return std::tuple(n.interface, n.address); });
    return values;
}

}  // namespace viaduct
