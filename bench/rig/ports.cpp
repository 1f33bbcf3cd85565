// Opening them.
#include "bench/rig/ports.h"

#include <rte_ethdev.h>

#include <algorithm>
#include <stdexcept>

#include "bench/rig/files.h"

namespace viaduct::rig {
namespace {

constexpr unsigned memory_mib = 256;

bool is_up(std::uint16_t port) {
    rte_eth_link link{};
    return rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

}  // namespace

EalOptions eal_options(const std::vector<std::string>& devices, unsigned cpu, std::uint64_t free_memory) {
    const auto shares_memory = [](const std::string& device) { return device.starts_with("net_virtio_user"); };
    EalOptions eal{
        .hugepages = free_memory >= std::uint64_t{memory_mib} << 20U && std::ranges::none_of(devices, shares_memory),
        .memory_mib = memory_mib,
        .pci_devices = {},
        .control_cpu = cpu};
    for (const std::string& device : devices)
        if (parse_device(device).is_pci()) eal.pci_devices.push_back(device);
    return eal;
}

OwnPorts::OwnPorts(const std::vector<std::string>& devices, const Pool& receive) {
    for (std::size_t i = 0; i < devices.size(); ++i) try {
            const Device device = parse_device(devices[i]);
            devices_.emplace_back(EthDevice::Setup{device.name, device.arguments, 1, 1, 0}, receive.get());
            ports_[i] = devices_.back().id();
            rte_eth_promiscuous_enable(ports_[i]);
            wait_for([&] { return is_up(ports_[i]); }, start_seconds,
                     "its link is up; is the gateway running, with the other end of it?");
        } catch (const std::exception& error) {
            throw std::runtime_error("the rig's port " + devices[i] + ": " + error.what());
        }
}

}  // namespace viaduct::rig
