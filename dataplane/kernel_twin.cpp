// Describes kernel twins and host TAPs as ports.
#include "dataplane/kernel_twin.h"

#include "encap/net_text.h"

namespace viaduct {
namespace {

constexpr std::size_t longest_interface_name = 15;

/// net_tap's instances need names of their own.
std::string tap_device(unsigned number, const std::string& interface, const Mac& mac) {
    std::string device = "net_tap" + std::to_string(number) + ",iface=" + interface;
    if (!mac.is_zero()) device += ",mac=" + to_string(mac);
    return device;
}

}  // namespace

std::optional<std::string> twin_interface(const PortOptions& port) {
    if (port.twin == "off") return std::nullopt;
    if (port.twin != "auto") return port.twin;
    const Device device = parse_device(port.device);
    const bool taken = device.is_pci() || device.name.starts_with("net_memif") ||
                       device.name.starts_with("net_vhost") || device.name.starts_with("eth_vhost") ||
                       device.name.starts_with("net_virtio_user");
    if (!taken) return std::nullopt;
    return ("vd-" + port.name).substr(0, longest_interface_name);
}

PortOptions twin_options(const PortFacts& port, const std::string& interface, unsigned number) {
    return {.name = port.name + "-twin",
            .device = tap_device(number, interface, port.mac),
            .network = port.network,
            .twin = "off",
            .host = true,
            .mtu = port.mtu};
}

PortOptions host_tap_options(const HostTapOptions& options, std::uint16_t mtu, unsigned number) {
    return {.name = options.interface,
            .device = tap_device(number, options.interface, options.mac),
            .network = options.network,
            .twin = "off",
            .host = true,
            .mtu = mtu};
}

}  // namespace viaduct
