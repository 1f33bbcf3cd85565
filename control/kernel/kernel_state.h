// What the gateway knows of the kernel's network: interfaces, addresses, routes and neighbours, as plain values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "encap/net_types.h"

namespace viaduct {

struct KernelInterface {
    unsigned index = 0;
    std::string name;
    std::string kind;  // of a virtual one: "veth", "tun", "bridge", "vxlan", …; "": a NIC or loopback
    Mac mac;
    std::uint16_t mtu = 0;
    bool up = false;  // set up by the administrator
    bool has_carrier = false;
    bool operator==(const KernelInterface&) const = default;
};

struct KernelAddress {
    unsigned interface = 0;
    IpAddress address;
    std::uint8_t prefix_length = 0;
    bool link_local = false;  // fe80::/10 or 169.254.0.0/16 scope
    [[nodiscard]] IpPrefix subnet() const { return {address, prefix_length}; }
    bool operator==(const KernelAddress&) const = default;
};

/// Of the tables main and local. Multipath routes show their first next hop.
struct KernelRoute {
    enum class Type : std::uint8_t { unicast, local, broadcast, multicast, anycast, unreachable, blackhole, prohibit };
    IpPrefix prefix;
    Type type = Type::unicast;
    unsigned interface = 0;      // 0: none, as in unreachable
    IpAddress gateway;           // unspecified: the destination is on the link
    std::uint32_t priority = 0;  // the metric: the lowest of a prefix wins
    std::uint8_t table = 0;      // RT_TABLE_MAIN (254) or RT_TABLE_LOCAL (255)
    bool operator==(const KernelRoute&) const = default;
};

struct KernelNeighbour {
    unsigned interface = 0;
    IpAddress address;
    Mac mac;
    bool usable = false;  // REACHABLE, STALE, DELAY, PROBE, PERMANENT or NOARP, and a MAC address is known
    bool fixed = false;   // PERMANENT or NOARP: nothing is ever asked about it
    bool operator==(const KernelNeighbour&) const = default;
};

/// One consistent picture. Every list is sorted and free of duplicates; of routes only the best per table and prefix.
struct KernelState {
    std::vector<KernelInterface> interfaces;  // by index
    std::vector<KernelAddress> addresses;     // by interface and address
    std::vector<KernelRoute> routes;          // by table (local first), prefix
    std::vector<KernelNeighbour> neighbours;  // by interface and address
    bool operator==(const KernelState&) const = default;

    [[nodiscard]] const KernelInterface* interface_of(unsigned index) const {
        const auto found = std::ranges::find(interfaces, index, &KernelInterface::index);
        return found == interfaces.end() ? nullptr : &*found;
    }
    [[nodiscard]] const KernelInterface* interface_of(const std::string& name) const {
        const auto found = std::ranges::find(interfaces, name, &KernelInterface::name);
        return found == interfaces.end() ? nullptr : &*found;
    }
};

}  // namespace viaduct
