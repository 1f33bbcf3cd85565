// Opens and closes one ethdev.
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <stdexcept>

#include "dataplane/interface.h"
#include "dataplane/port.h"

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

}  // namespace

bool vouches_for_checksums(const Device& device, const std::string& driver) {
    return device.is_pci() && driver != "net_virtio" && driver != "net_vmxnet3";
}

EthDevice::EthDevice(const Setup& setup, rte_mempool* pool) : id_(RTE_MAX_ETHPORTS) {
    probe(setup);
    try {
        configure(setup);
        set_up_queues(pool);
        check(rte_eth_dev_start(id_), "cannot start the device");
    } catch (...) {
        close();
        throw;
    }
    rte_eth_allmulticast_enable(id_);  // for the kernel's ND and routing daemons; drivers may not know it
}

EthDevice::~EthDevice() { close(); }

void EthDevice::probe(const Setup& setup) {
    const std::string devargs = setup.arguments.empty() ? setup.name : setup.name + "," + setup.arguments;
    const int result = rte_dev_probe(devargs.c_str());
    if (result != -EEXIST) check(result, "DPDK does not know the device, or its driver refuses it");
    if (rte_eth_dev_get_port_by_name(setup.name.c_str(), &id_) == 0) return;
    rte_dev_iterator iterator;
    RTE_ETH_FOREACH_MATCHING_DEV(id_, setup.name.c_str(), &iterator) {  // "01:00.0" is called "0000:01:00.0"
        rte_eth_iterator_cleanup(&iterator);
        return;
    }
    throw std::runtime_error("DPDK found no such device");
}

void EthDevice::configure(const Setup& setup) {
    rte_eth_dev_info info;
    check(rte_eth_dev_info_get(id_, &info), "cannot ask the device");
    rx_queues_ = static_cast<std::uint16_t>(std::clamp<unsigned>(setup.rx_queues, 1, info.max_rx_queues));
    tx_queues_ = static_cast<std::uint16_t>(std::clamp<unsigned>(setup.tx_queues, 1, info.max_tx_queues));
    if (has_paired_queues(info.driver_name)) tx_queues_ = rx_queues_;
    hashes_ = rx_queues_ > 1 && (info.flow_type_rss_offloads & wanted_hash) != 0;

    rte_eth_conf conf{};
    std::uint16_t mtu = setup.mtu;
    if (mtu == 0) check(rte_eth_dev_get_mtu(id_, &mtu), "cannot read the MTU");
    conf.rxmode.mtu = mtu;
    if (vouches_for_checksums(parse_device(setup.name), info.driver_name))
        conf.rxmode.offloads =
            info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_OUTER_UDP_CKSUM);
    if (hashes_) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf = wanted_hash & info.flow_type_rss_offloads;
    }
    // Every packet buffer comes from one pool and has one owner.
    conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
    check(rte_eth_dev_configure(id_, rx_queues_, tx_queues_, &conf), "the device refuses its configuration");
    if (setup.mtu != 0) check(rte_eth_dev_set_mtu(id_, setup.mtu), "cannot set the MTU");
}

void EthDevice::set_up_queues(rte_mempool* pool) {
    std::uint16_t receive = ring_descriptors, transmit = ring_descriptors;
    check(rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive, &transmit), "cannot size the device's queues");
    const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(id_));
    for (std::uint16_t queue = 0; queue < rx_queues_; ++queue)
        check(rte_eth_rx_queue_setup(id_, queue, receive, socket, nullptr, pool), "cannot set up a receive queue");
    for (std::uint16_t queue = 0; queue < tx_queues_; ++queue)
        check(rte_eth_tx_queue_setup(id_, queue, transmit, socket, nullptr), "cannot set up a transmit queue");
}

void EthDevice::close() noexcept {
    rte_eth_dev_info info{};
    rte_eth_dev_info_get(id_, &info);
    rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
    if (info.device != nullptr) rte_dev_remove(info.device);
}

}  // namespace viaduct
