// What Linux says about a network interface, for ports that share one and for TAPs. Not on the data path.
#pragma once

#include <cstdint>
#include <string>

namespace viaduct {

struct InterfaceFacts {
    unsigned index = 0;  // 0: there is no such interface
    std::uint16_t mtu = 0;
    bool running = false;    // up, with carrier
    std::string driver;      // "veth", "ice"; "": unknown
    unsigned rx_queues = 0;  // AF_XDP takes its queues from these
};

[[nodiscard]] InterfaceFacts interface_facts(const std::string& interface);
/// "" when there is none with this index.
[[nodiscard]] std::string interface_name(unsigned index);
/// Without ARP and ND the kernel addresses every frame to the interface's own MAC address. Throws std::runtime_error.
void disable_neighbour_resolution(const std::string& interface);

}  // namespace viaduct
