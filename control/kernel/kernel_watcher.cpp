// The kernel's events say which lists to read again.
#include "control/kernel/kernel_watcher.h"

#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <new>

#include "control/kernel/read_kernel.h"
#include "control/kernel/resolve_neighbour.h"

namespace viaduct {
namespace {

constexpr int event_buffer = 1 << 20;  // bytes; a burst beyond it costs a full read, nothing else

/// Puts what `read` says into `list`; whether that changed it.
template <class Value>
bool renew(std::vector<Value>& list, bool& pending, nl_sock* socket, std::vector<Value> (*read)(nl_sock*)) {
    if (!pending) return false;
    std::vector<Value> fresh = read(socket);
    pending = false;
    if (fresh == list) return false;
    list = std::move(fresh);
    return true;
}

}  // namespace

void KernelWatcher::Pending::mark(int message_type) noexcept {
    switch (message_type) {
        case RTM_NEWLINK:
        case RTM_DELLINK:
            // An interface takes addresses, routes and neighbours with it, not all of them announced.
            interfaces = addresses = routes = neighbours = true;
            break;
        case RTM_NEWADDR:
        case RTM_DELADDR:
            addresses = routes = true;
            break;
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
            routes = true;
            break;
        default:
            neighbours = true;
    }
}

KernelWatcher::KernelWatcher()
    : events_(open_netlink("for events")), requests_(open_netlink("to read the network's state")) {
    nl_sock* const events = events_.get();
    nl_socket_disable_seq_check(events);
    nl_socket_set_buffer_size(events, event_buffer, 0);
    nl_socket_modify_cb(
        events, NL_CB_MSG_IN, NL_CB_CUSTOM,
        [](nl_msg* message, void* pending) {
            static_cast<Pending*>(pending)->mark(nlmsg_hdr(message)->nlmsg_type);
            return static_cast<int>(NL_SKIP);
        },
        &pending_);
    const int result = nl_socket_add_memberships(events, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                                 RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEIGH, RTNLGRP_NONE);
    if (result < 0) throw NetlinkError("cannot subscribe to the kernel's network events", result);
    if (const int error = nl_socket_set_nonblocking(events); error < 0) {
        throw NetlinkError("cannot make the event socket non-blocking", error);
    }
    refresh();
}

int KernelWatcher::fd() const noexcept { return nl_socket_get_fd(events_.get()); }

bool KernelWatcher::process() {
    drain_events();
    return refresh();
}

void KernelWatcher::drain_events() {
    for (;;) {
        const int result = nl_recvmsgs_default(events_.get());
        if (result == -NLE_AGAIN) return;
        if (result == -NLE_NOMEM) {
            pending_ = {};  // ENOBUFS: events were lost, so everything is in doubt
        } else if (result < 0) {
            pending_ = {};
            throw NetlinkError("cannot read the kernel's network events", result);
        }
    }
}

bool KernelWatcher::refresh() {
    nl_sock* const socket = requests_.get();
    bool changed = renew(state_.interfaces, pending_.interfaces, socket, read_interfaces);
    changed |= renew(state_.addresses, pending_.addresses, socket, read_addresses);
    changed |= renew(state_.routes, pending_.routes, socket, read_routes);
    changed |= renew(state_.neighbours, pending_.neighbours, socket, read_neighbours);
    return changed;
}

bool KernelWatcher::resolve(unsigned interface, const IpAddress& address) noexcept try {
    return resolve_neighbour(requests_.get(), interface, address);
} catch (const std::bad_alloc&) {
    return false;
}

}  // namespace viaduct
