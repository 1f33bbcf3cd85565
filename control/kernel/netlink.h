// What the two users of rtnetlink share: errors with their remedy, and libnl's objects as owners.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "encap/net_types.h"

struct nl_sock;
struct nl_addr;

namespace viaduct {

/// The kernel refused. what() says what was tried, what came of it and what to do.
class NetlinkError : public std::runtime_error {
public:
    /// `code` is libnl's, of either sign.
    NetlinkError(const std::string& attempt, int code);
    [[nodiscard]] int code() const noexcept { return code_; }

private:
    int code_;  // NLE_…, positive
};

/// Calls the library's own release function.
template <auto release>
struct Release {
    template <class T>
    void operator()(T* object) const noexcept {
        release(object);
    }
};

void release_socket(nl_sock* socket) noexcept;
void release_address(nl_addr* address) noexcept;
using NetlinkSocket = std::unique_ptr<nl_sock, Release<release_socket>>;
using NetlinkAddress = std::unique_ptr<nl_addr, Release<release_address>>;

/// A socket connected to rtnetlink, or NetlinkError.
[[nodiscard]] NetlinkSocket open_netlink(const std::string& purpose);

[[nodiscard]] NetlinkAddress to_netlink(const IpAddress& address, unsigned prefix_length);
/// Unspecified (::) for nullptr and for families other than the two.
[[nodiscard]] IpAddress to_ip(const nl_addr* address) noexcept;

}  // namespace viaduct
