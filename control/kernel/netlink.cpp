// rtnetlink sockets, addresses and errors, by libnl.
#include "control/kernel/netlink.h"

#include <netlink/addr.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <span>

namespace viaduct {
namespace {

const char* remedy(int code) {
    switch (code) {
        case NLE_PERM:
            return "run the gateway as root or give it CAP_NET_ADMIN";
        case NLE_NODEV:
        case NLE_OBJ_NOTFOUND:
            return "the interface is gone; check `ip link`";
        case NLE_AF_NOSUPPORT:
        case NLE_OPNOTSUPP:
            return "the kernel has this address family switched off; check net.ipv6.conf.*.disable_ipv6";
        case NLE_NOMEM:
            return "the system is short of memory";
        default:
            return "look for details in `dmesg`";
    }
}

}  // namespace

NetlinkError::NetlinkError(const std::string& attempt, int code)
    : std::runtime_error(attempt + ": " + nl_geterror(code) + "; " + remedy(std::abs(code))), code_(std::abs(code)) {}

void release_socket(nl_sock* socket) noexcept { nl_socket_free(socket); }
void release_address(nl_addr* address) noexcept { nl_addr_put(address); }

NetlinkSocket open_netlink(const std::string& purpose) {
    NetlinkSocket socket(nl_socket_alloc());
    if (!socket) throw std::bad_alloc();
    if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0) {
        throw NetlinkError("cannot open a netlink socket " + purpose, error);
    }
    return socket;
}

NetlinkAddress to_netlink(const IpAddress& address, unsigned prefix_length) {
    const Ipv4 v4 = address.v4();
    const Ipv6 v6 = address.v6();
    NetlinkAddress built(address.is_v4() ? nl_addr_build(AF_INET, v4.bytes.data(), v4.bytes.size())
                                         : nl_addr_build(AF_INET6, v6.bytes.data(), v6.bytes.size()));
    if (!built) throw std::bad_alloc();
    nl_addr_set_prefixlen(built.get(), static_cast<int>(prefix_length));
    return built;
}

IpAddress to_ip(const nl_addr* address) noexcept {
    if (address == nullptr) return {};
    const auto* bytes = static_cast<const std::uint8_t*>(nl_addr_get_binary_addr(address));
    const std::span<const std::uint8_t> from(bytes, nl_addr_get_len(address));
    // A default route's destination is an address of a family and of no bytes.
    if (nl_addr_get_family(address) == AF_INET) {
        Ipv4 v4;
        std::ranges::copy(from.first(std::min(from.size(), v4.bytes.size())), v4.bytes.begin());
        return v4;
    }
    Ipv6 v6;
    if (nl_addr_get_family(address) == AF_INET6) {
        std::ranges::copy(from.first(std::min(from.size(), v6.bytes.size())), v6.bytes.begin());
    }
    return v6;
}

}  // namespace viaduct
