// Follows the kernel's interfaces, addresses, routes and neighbours, of IPv4 and IPv6, by netlink.
//
// Theory of operation. Events only say which of the four lists may have changed; that list is then read anew. So what
// the kernel leaves unsaid (IPv4 routes that vanish with their interface, next hops that leave a multipath route) and
// events that were lost for want of buffer cannot make the picture wrong.
#pragma once

#include "control/kernel/kernel_state.h"
#include "control/kernel/netlink.h"

namespace viaduct {

/// Control thread only.
class KernelWatcher {
public:
    /// Subscribes, then reads everything. Watches the network namespace of the calling thread. Throws NetlinkError.
    KernelWatcher();

    /// Readable when `process` has something to do. For epoll.
    [[nodiscard]] int fd() const noexcept;
    /// Takes all pending events; true when `state` changed. Never blocks on events. Throws NetlinkError when the kernel
    /// cannot be asked; the state is then the last good one, and the next call asks again.
    bool process();
    [[nodiscard]] const KernelState& state() const noexcept { return state_; }

    /// Has the kernel find out the neighbour's MAC address (ARP, ND), or confirm a stale one. The answer arrives as an
    /// event; an entry that somebody fixed stays as it is. False when it will not try: the interface is gone or down.
    bool resolve(unsigned interface, const IpAddress& address) noexcept;

private:
    struct Pending {
        bool interfaces = true, addresses = true, routes = true, neighbours = true;
        void mark(int message_type) noexcept;
        [[nodiscard]] bool any() const noexcept { return interfaces || addresses || routes || neighbours; }
    };
    void drain_events();
    bool refresh();

    NetlinkSocket events_;
    NetlinkSocket requests_;
    Pending pending_;
    KernelState state_;
};

}  // namespace viaduct
