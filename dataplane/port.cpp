// Opens ports.
//
// Theory of operation of AF_XDP ports. Each receive queue is an ethdev of its own: the driver of DPDK 22.11 believes
// that a veth has one queue. Each comes up with a copy of our XDP program, which would block the next one's and cannot
// be asked for its maps without privileges: so it is taken away again, and in the end our own copy, which knows all the
// sockets, is attached.
#include "dataplane/port.h"

#include <bpf/libbpf.h>
#include <rte_ethdev.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <regex>
#include <set>
#include <stdexcept>

#include "dataplane/interface.h"

namespace viaduct {
namespace {

std::string af_xdp_arguments(const Device& device, const std::string& program, unsigned queue) {
    std::string arguments =
        "iface=" + device.interface + ",start_queue=" + std::to_string(queue) + ",queue_count=1,xdp_prog=" + program;
    const bool has_budget = device.arguments.find("busy_budget=") != std::string::npos;
    // Busy polling is for NICs with interrupts to save; on veth it only adds system calls.
    if (!has_budget && interface_facts(device.interface).driver == "veth") arguments += ",busy_budget=0";
    return device.arguments.empty() ? arguments : arguments + "," + device.arguments;
}

/// This process's AF_XDP sockets. The driver keeps them to itself.
std::set<int> af_xdp_sockets() {
    std::set<int> sockets;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        const int fd = std::stoi(entry.path().filename().string());
        int domain = 0;
        socklen_t size = sizeof domain;
        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_XDP) sockets.insert(fd);
    }
    return sockets;
}

}  // namespace

bool Device::is_pci() const {
    static const std::regex address("([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7]");
    return std::regex_match(name, address);
}

Device parse_device(const std::string& text) {
    const std::size_t comma = std::min(text.find(','), text.size());
    Device device;
    device.name = text.substr(0, comma);
    if (comma < text.size()) device.arguments = text.substr(comma + 1);
    constexpr std::string_view af_xdp = "af_xdp:";
    if (device.name.starts_with(af_xdp)) {
        device.interface = device.name.substr(af_xdp.size());
        device.name = "net_af_xdp_" + device.interface;
    }
    return device;
}

Port::Port(const PortOptions& options, unsigned workers, rte_mempool* pool) {
    try {
        const Device device = parse_device(options.device);
        if (device.is_af_xdp())
            open_af_xdp(device, options, pool);
        else
            devices_.emplace_back(EthDevice::Setup{device.name, device.arguments, options.queues, workers, options.mtu},
                                  pool);
        learn_facts(options);
    } catch (const std::exception& error) {
        throw std::runtime_error("port " + options.name + " (" + options.device + "): " + error.what());
    }
}

void Port::open_af_xdp(const Device& device, const PortOptions& options, rte_mempool* pool) {
    claim_.emplace(device.interface);
    const SteeringObject program;
    steering_.emplace();
    const InterfaceFacts interface = interface_facts(device.interface);
    for (unsigned queue = 0; queue < options.queues; ++queue) {
        const std::set<int> before = af_xdp_sockets();
        devices_.emplace_back(EthDevice::Setup{device.name + "_" + std::to_string(queue),
                                               af_xdp_arguments(device, program.path(), queue), 1, 1, interface.mtu},
                              pool);
        for (const int socket : af_xdp_sockets())
            if (!before.contains(socket)) steering_->serve(queue, socket);
        bpf_xdp_detach(static_cast<int>(interface.index), 0, nullptr);
    }
    steering_->attach(device.interface);
}

void Port::learn_facts(const PortOptions& options) {
    const std::uint16_t device = devices_.front().id();
    rte_eth_dev_info info;
    rte_ether_addr mac;
    if (rte_eth_dev_info_get(device, &info) != 0 || rte_eth_macaddr_get(device, &mac) != 0 ||
        rte_eth_dev_get_mtu(device, &facts_.mtu) != 0)
        throw std::runtime_error("cannot ask the device");
    facts_.driver = info.driver_name;
    std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), facts_.mac.bytes.begin());
    facts_.name = options.name;
    facts_.device = options.device;
    facts_.network = options.network;
    facts_.host = options.host;
    facts_.rx_queues = static_cast<unsigned>(receive_queues().size());
    facts_.offers_outer_checksum = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_OUTER_UDP_CKSUM) != 0;
    facts_.flow_stable = facts_.rx_queues == 1 || devices_.front().hashes();
    // A TAP's interface is the other end of the cable: whose addresses it has depends on what the port is for.
    if (info.if_index == 0 || (facts_.driver == "net_tap" && !options.host)) return;
    facts_.interface_index = info.if_index;
    facts_.interface_name = interface_name(info.if_index);
}

std::vector<DeviceQueue> Port::receive_queues() const {
    std::vector<DeviceQueue> queues;
    for (const EthDevice& device : devices_)
        for (std::uint16_t queue = 0; queue < device.rx_queues(); ++queue) queues.push_back({device.id(), queue});
    return queues;
}

std::vector<DeviceQueue> Port::transmit_queues() const {
    std::vector<DeviceQueue> queues;
    for (const EthDevice& device : devices_)
        for (std::uint16_t queue = 0; queue < device.tx_queues(); ++queue) queues.push_back({device.id(), queue});
    return queues;
}

PortFacts Port::facts() const {
    PortFacts facts = facts_;
    rte_eth_link link;
    if (rte_eth_link_get_nowait(devices_.front().id(), &link) == 0) facts.link_up = link.link_status == RTE_ETH_LINK_UP;
    // The AF_XDP driver calls every started port up; Linux knows better.
    if (steering_) facts.link_up = interface_facts(facts.interface_name).running;
    return facts;
}

}  // namespace viaduct
