// Kernel twins and host TAPs: the kernel's side of ports that Linux does not have, and the host's way to the pods.
#pragma once

#include <optional>
#include <string>

#include "dataplane/port.h"

namespace viaduct {

/// The TAP through which host processes reach a network's pods, as they do through flannel's device on a node.
struct HostTapOptions {
    std::string network{};
    std::string interface = "viaduct0";
    Mac mac{};  // zero: made up
};

/// The name of the twin's interface; nothing when the port has none. By default a port has a twin when DPDK has taken
/// the device away from Linux.
[[nodiscard]] std::optional<std::string> twin_interface(const PortOptions& port);
/// A TAP with the port's MAC address and MTU: whatever the kernel sends on it leaves by the port as it is.
[[nodiscard]] PortOptions twin_options(const PortFacts& port, const std::string& interface, unsigned number);
/// `mtu` is the most that the other ports can carry; control sets the network's own on the interface.
[[nodiscard]] PortOptions host_tap_options(const HostTapOptions& options, std::uint16_t mtu, unsigned number);

}  // namespace viaduct
