// What the gateway changes in the kernel's network: its own host interfaces, and nothing else.
#pragma once

#include <cstdint>
#include <optional>

#include "control/kernel/netlink.h"

namespace viaduct {

/// Every change is idempotent and throws NetlinkError. What is set on a TAP vanishes with it. Control thread only.
class KernelChanges {
public:
    /// Changes the network namespace of the calling thread.
    KernelChanges();

    void set_link_up(unsigned interface);
    void set_mtu(unsigned interface, std::uint16_t mtu);
    /// IPv6 addresses are usable at once: nobody else can have them, so there is no duplicate detection.
    void add_address(unsigned interface, const IpAddress& address, std::uint8_t prefix_length);
    /// A route by this interface in the table main, in place of one for the same prefix. `source`: what the host's own
    /// packets get as their source address.
    void replace_route(const IpPrefix& prefix, unsigned interface, const std::optional<IpAddress>& source = {});

private:
    NetlinkSocket socket_;
};

}  // namespace viaduct
