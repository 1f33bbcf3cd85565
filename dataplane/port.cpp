// Opens and closes ethdevs.
#include "dataplane/port.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <cstring>
#include <regex>
#include <stdexcept>

#include "dataplane/interface.h"

namespace viaduct {
namespace {

constexpr std::uint16_t ring_descriptors = 1024;
constexpr std::uint64_t wanted_hash =
    RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP;  // L3 and L4

void check(int result, const char* what) {
    if (result < 0) throw std::runtime_error(std::string(what) + ": " + rte_strerror(-result));
}

/// Drivers whose receive and transmit queues are two halves of one thing.
bool has_paired_queues(const std::string& driver) {
    return driver == "net_af_xdp" || driver == "net_tap" || driver == "net_af_packet";
}

/// Linux keeps the interface; a TAP's interface is the other end of the cable.
bool shares_interface(const rte_eth_dev_info& info) {
    return info.if_index != 0 && std::strcmp(info.driver_name, "net_tap") != 0;
}

std::string af_xdp_arguments(const Device& device, const std::string& program, unsigned queues) {
    std::string arguments =
        "iface=" + device.interface + ",start_queue=0,queue_count=" + std::to_string(queues) + ",xdp_prog=" + program;
    const bool has_budget = device.arguments.find("busy_budget=") != std::string::npos;
    // Busy polling is for NICs with interrupts to save; on veth it only adds system calls.
    if (!has_budget && interface_facts(device.interface).driver == "veth") arguments += ",busy_budget=0";
    return device.arguments.empty() ? arguments : arguments + "," + device.arguments;
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

Port::Port(const PortOptions& options, unsigned workers, rte_mempool* pool) : id_(RTE_MAX_ETHPORTS) {
    try {
        const Device device = parse_device(options.device);
        probe(device, options.queues);
        configure(options, workers);
        set_up_queues(pool);
        check(rte_eth_dev_start(id_), "cannot start the device");
        rte_eth_allmulticast_enable(id_);  // for the kernel's ND and routing daemons; drivers may not know it
        if (device.is_af_xdp()) steering_.emplace(device.interface);
        learn_facts(options);
    } catch (const std::exception& error) {
        close();
        throw std::runtime_error("port " + options.name + " (" + options.device + "): " + error.what());
    }
}

Port::~Port() { close(); }

void Port::probe(const Device& device, unsigned queues) {
    std::string arguments = device.arguments;
    if (device.is_af_xdp()) {
        claim_.emplace(device.interface);
        program_.emplace();
        arguments = af_xdp_arguments(device, program_->path(), queues);
    }
    const std::string devargs = arguments.empty() ? device.name : device.name + "," + arguments;
    const int result = rte_dev_probe(devargs.c_str());
    if (result != -EEXIST) check(result, "DPDK does not know the device or its driver refuses it");
    if (rte_eth_dev_get_port_by_name(device.name.c_str(), &id_) == 0) return;
    rte_dev_iterator iterator;
    RTE_ETH_FOREACH_MATCHING_DEV(id_, device.name.c_str(), &iterator) {  // "01:00.0" is called "0000:01:00.0"
        rte_eth_iterator_cleanup(&iterator);
        return;
    }
    throw std::runtime_error("DPDK found no such device");
}

void Port::configure(const PortOptions& options, unsigned workers) {
    rte_eth_dev_info info;
    check(rte_eth_dev_info_get(id_, &info), "cannot ask the device");
    facts_.driver = info.driver_name;
    facts_.rx_queues = std::clamp<unsigned>(options.queues, 1, info.max_rx_queues);
    tx_queues_ =
        has_paired_queues(facts_.driver) ? facts_.rx_queues : std::clamp<unsigned>(workers, 1, info.max_tx_queues);
    const bool hashes = facts_.rx_queues > 1 && (info.flow_type_rss_offloads & wanted_hash) != 0;
    facts_.flow_stable = facts_.rx_queues == 1 || hashes;

    rte_eth_conf conf{};
    rte_eth_dev_get_mtu(id_, &facts_.mtu);
    if (shares_interface(info)) facts_.mtu = interface_facts(interface_name(info.if_index)).mtu;
    if (options.mtu != 0) facts_.mtu = options.mtu;
    conf.rxmode.mtu = facts_.mtu;
    if (hashes) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf = wanted_hash & info.flow_type_rss_offloads;
    }
    // Every packet buffer comes from one pool and has one owner.
    conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
    check(rte_eth_dev_configure(id_, static_cast<std::uint16_t>(facts_.rx_queues),
                                static_cast<std::uint16_t>(tx_queues_), &conf),
          "the device refuses its configuration");
    if (options.mtu != 0) check(rte_eth_dev_set_mtu(id_, options.mtu), "cannot set the MTU");
}

void Port::set_up_queues(rte_mempool* pool) {
    std::uint16_t receive = ring_descriptors, transmit = ring_descriptors;
    check(rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive, &transmit), "cannot size the device's queues");
    const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(id_));
    for (std::uint16_t queue = 0; queue < facts_.rx_queues; ++queue)
        check(rte_eth_rx_queue_setup(id_, queue, receive, socket, nullptr, pool), "cannot set up a receive queue");
    for (std::uint16_t queue = 0; queue < tx_queues_; ++queue)
        check(rte_eth_tx_queue_setup(id_, queue, transmit, socket, nullptr), "cannot set up a transmit queue");
}

void Port::learn_facts(const PortOptions& options) {
    rte_eth_dev_info info;
    check(rte_eth_dev_info_get(id_, &info), "cannot ask the device");
    rte_ether_addr mac;
    check(rte_eth_macaddr_get(id_, &mac), "cannot read the MAC address");
    std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), facts_.mac.bytes.begin());
    facts_.name = options.name;
    facts_.device = options.device;
    facts_.network = options.network;
    facts_.host = options.host;
    if (options.host || shares_interface(info)) {
        facts_.interface_index = info.if_index;
        facts_.interface_name = interface_name(info.if_index);
    }
}

PortFacts Port::facts() const {
    PortFacts facts = facts_;
    rte_eth_link link;
    if (rte_eth_link_get_nowait(id_, &link) == 0) facts.link_up = link.link_status == RTE_ETH_LINK_UP;
    // The AF_XDP driver calls every started port up; Linux knows better.
    if (steering_) facts.link_up = interface_facts(facts.interface_name).running;
    return facts;
}

void Port::close() noexcept {
    if (!rte_eth_dev_is_valid_port(id_)) return;
    rte_eth_dev_info info{};
    rte_eth_dev_info_get(id_, &info);
    rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);  // an AF_XDP port's XDP program goes with it
    if (info.device != nullptr) rte_dev_remove(info.device);
}

}  // namespace viaduct
