// Asks for a neighbour without taking a fixed one away from whoever fixed it.
//
// Linux 5.16 and later unfix an entry that is asked for (NTF_USE). So the kernel itself says first what it has: events
// come too late for an operator who fixes a neighbour just now. An entry that it has not may only be created
// (NLM_F_EXCL), and for one that it is asking for there is nothing to do. What remains are the microseconds between the
// two requests, for an entry that was known and not fixed.
#include "control/kernel/resolve_neighbour.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/neighbour.h>

#include <new>

#include "control/kernel/netlink.h"

namespace viaduct {
namespace {

constexpr int unknown = -1, in_doubt = -2;  // beside the kernel's states, which are bits

int keep_state(nl_msg* message, void* state) {
    rtnl_neigh* neighbour = nullptr;
    if (rtnl_neigh_parse(nlmsg_hdr(message), &neighbour) < 0) return NL_SKIP;
    *static_cast<int*>(state) = rtnl_neigh_get_state(neighbour);
    rtnl_neigh_put(neighbour);
    return NL_OK;
}

bool send_query(nl_sock* socket, unsigned interface, const NetlinkAddress& address) {
    const std::unique_ptr<nl_msg, Release<nlmsg_free>> query(nlmsg_alloc_simple(RTM_GETNEIGH, NLM_F_REQUEST));
    if (!query) throw std::bad_alloc();
    ndmsg header{};
    header.ndm_family = static_cast<std::uint8_t>(nl_addr_get_family(address.get()));
    header.ndm_ifindex = static_cast<int>(interface);
    if (nlmsg_append(query.get(), &header, sizeof header, NLMSG_ALIGNTO) < 0) throw std::bad_alloc();
    if (nla_put_addr(query.get(), NDA_DST, address.get()) < 0) throw std::bad_alloc();
    return nl_send_auto(socket, query.get()) >= 0;
}

/// NUD_… of the kernel's entry.
int state_now(nl_sock* socket, unsigned interface, const NetlinkAddress& address) {
    const std::unique_ptr<nl_cb, Release<nl_cb_put>> answer(nl_cb_alloc(NL_CB_DEFAULT));
    if (!answer) throw std::bad_alloc();
    int state = in_doubt;
    nl_cb_set(answer.get(), NL_CB_VALID, NL_CB_CUSTOM, keep_state, &state);
    if (!send_query(socket, interface, address)) return in_doubt;
    const int result = nl_recvmsgs(socket, answer.get());
    if (result < 0) return result == -NLE_OBJ_NOTFOUND ? unknown : in_doubt;
    return nl_wait_for_ack(socket) < 0 ? in_doubt : state;
}

bool ask(nl_sock* socket, unsigned interface, const NetlinkAddress& address, int flags) {
    const std::unique_ptr<rtnl_neigh, Release<rtnl_neigh_put>> request(rtnl_neigh_alloc());
    if (!request) throw std::bad_alloc();
    rtnl_neigh_set_ifindex(request.get(), static_cast<int>(interface));
    rtnl_neigh_set_flags(request.get(), NTF_USE);
    if (rtnl_neigh_set_dst(request.get(), address.get()) < 0) return false;
    const int result = rtnl_neigh_add(socket, request.get(), flags);
    return result == 0 || result == -NLE_EXIST;  // somebody was faster
}

}  // namespace

bool resolve_neighbour(nl_sock* socket, unsigned interface, const IpAddress& address) {
    const NetlinkAddress destination = to_netlink(address, address.bits());
    const int state = state_now(socket, interface, destination);
    if (state == in_doubt) return false;
    if (state == unknown) return ask(socket, interface, destination, NLM_F_CREATE | NLM_F_EXCL);
    if ((state & (NUD_PERMANENT | NUD_NOARP | NUD_INCOMPLETE)) != 0) return true;
    return ask(socket, interface, destination, 0);
}

}  // namespace viaduct
