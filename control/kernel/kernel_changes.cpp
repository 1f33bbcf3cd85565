// Changes to the host's own interfaces, by libnl-route.
#include "control/kernel/kernel_changes.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include <new>

#include "encap/net_text.h"

namespace viaduct {
namespace {

template <class T, auto release>
std::unique_ptr<T, Release<release>> owned(T* object) {
    if (object == nullptr) throw std::bad_alloc();
    return std::unique_ptr<T, Release<release>>(object);
}

void check(int result, const std::string& attempt) {
    if (result < 0) throw NetlinkError(attempt, result);
}

std::string named(unsigned interface) {
    char name[IF_NAMESIZE] = {};
    return if_indextoname(interface, name) != nullptr ? name : "interface " + std::to_string(interface);
}

/// Asks for `change`'s attributes to be set on the interface.
void change_link(nl_sock* socket, unsigned interface, rtnl_link* change, const std::string& attempt) {
    const auto link = owned<rtnl_link, rtnl_link_put>(rtnl_link_alloc());
    rtnl_link_set_ifindex(link.get(), static_cast<int>(interface));
    check(rtnl_link_change(socket, link.get(), change, 0), attempt);
}

}  // namespace

KernelChanges::KernelChanges() : socket_(open_netlink("to configure interfaces")) {}

void KernelChanges::set_link_up(unsigned interface) {
    const auto change = owned<rtnl_link, rtnl_link_put>(rtnl_link_alloc());
    rtnl_link_set_flags(change.get(), IFF_UP);
    change_link(socket_.get(), interface, change.get(), "cannot set " + named(interface) + " up");
}

void KernelChanges::set_mtu(unsigned interface, std::uint16_t mtu) {
    const auto change = owned<rtnl_link, rtnl_link_put>(rtnl_link_alloc());
    rtnl_link_set_mtu(change.get(), mtu);
    change_link(socket_.get(), interface, change.get(),
                "cannot set the MTU of " + named(interface) + " to " + std::to_string(mtu));
}

void KernelChanges::add_address(unsigned interface, const IpAddress& address, std::uint8_t prefix_length) {
    const auto request = owned<rtnl_addr, rtnl_addr_put>(rtnl_addr_alloc());
    const NetlinkAddress local = to_netlink(address, prefix_length);
    rtnl_addr_set_ifindex(request.get(), static_cast<int>(interface));
    check(rtnl_addr_set_local(request.get(), local.get()), "cannot use the address " + to_string(address));
    if (!address.is_v4()) rtnl_addr_set_flags(request.get(), IFA_F_NODAD);
    check(rtnl_addr_add(socket_.get(), request.get(), NLM_F_CREATE | NLM_F_REPLACE),
          "cannot add " + to_string(address) + " to " + named(interface));
}

void KernelChanges::replace_route(const IpPrefix& prefix, unsigned interface, const std::optional<IpAddress>& source) {
    const auto route = owned<rtnl_route, rtnl_route_put>(rtnl_route_alloc());
    const auto hop = owned<rtnl_nexthop, rtnl_route_nh_free>(rtnl_route_nh_alloc());
    const NetlinkAddress destination = to_netlink(prefix.address, prefix.length);
    const std::string attempt = "cannot route " + to_string(prefix) + " to " + named(interface);
    rtnl_route_set_family(route.get(), prefix.is_v4() ? AF_INET : AF_INET6);
    rtnl_route_set_table(route.get(), RT_TABLE_MAIN);
    rtnl_route_set_protocol(route.get(), RTPROT_STATIC);
    rtnl_route_set_scope(route.get(), prefix.is_v4() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
    check(rtnl_route_set_dst(route.get(), destination.get()), attempt);
    if (source) {
        const NetlinkAddress preferred = to_netlink(*source, source->bits());
        check(rtnl_route_set_pref_src(route.get(), preferred.get()), attempt);
    }
    rtnl_route_nh_set_ifindex(hop.get(), static_cast<int>(interface));
    rtnl_route_add_nexthop(route.get(), rtnl_route_nh_clone(hop.get()));
    check(rtnl_route_add(socket_.get(), route.get(), NLM_F_CREATE | NLM_F_REPLACE), attempt);
}

}  // namespace viaduct
