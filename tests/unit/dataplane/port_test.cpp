// Ports of devices in memory, and how workers share their transmit queues.
#include "dataplane/port.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include "dataplane/transmit_queues.h"
#include "tests/support/eal_environment.h"

namespace viaduct {
namespace {

using Packets = std::array<rte_mbuf*, 32>;

Packets packets() {
    Packets made;
    EXPECT_EQ(rte_pktmbuf_alloc_bulk(test_pool(), made.data(), made.size()), 0);
    for (rte_mbuf* packet : made) rte_pktmbuf_append(packet, 60);
    return made;
}

std::uint16_t device_of(const Port& port) { return port.receive_queues().front().device; }

unsigned take(const Port& port) {
    Packets taken;
    const unsigned count = rte_eth_rx_burst(device_of(port), 0, taken.data(), taken.size());
    rte_pktmbuf_free_bulk(taken.data(), count);
    return count;
}

TEST(Port, TellsWhatItIs) {
    const Port port({.name = "nothing", .device = "net_null0,copy=1", .network = "blue"}, 1, test_pool());
    const PortFacts facts = port.facts();
    EXPECT_EQ(facts.name, "nothing");
    EXPECT_EQ(facts.driver, "net_null");
    EXPECT_EQ(facts.network, "blue");
    EXPECT_EQ(facts.mtu, 1500);
    EXPECT_EQ(facts.rx_queues, 1U);
    EXPECT_EQ(facts.interface_index, 0U);
    EXPECT_TRUE(facts.flow_stable);
    EXPECT_TRUE(facts.link_up);
    EXPECT_EQ(facts.kernel_port, PortId::none);
}

TEST(Port, CanBeOpenedAgain) {
    for (int i = 0; i < 3; ++i) {
        const Port port({.name = "again", .device = "net_ring_again"}, 1, test_pool());
        EXPECT_TRUE(rte_eth_dev_is_valid_port(device_of(port)));
    }
}

TEST(Port, AnErrorNamesThePort) {
    try {
        const Port port({.name = "lost", .device = "net_nosuch0"}, 1, test_pool());
        FAIL() << "opened a device that does not exist";
    } catch (const std::runtime_error& error) {
        EXPECT_NE(std::string(error.what()).find("port lost (net_nosuch0)"), std::string::npos) << error.what();
    }
    EXPECT_THROW(Port({.name = "lost", .device = "af_xdp:nosuch0"}, 1, test_pool()), std::runtime_error);
}

TEST(Port, OnlyANicIsBelievedAboutChecksums) {
    EXPECT_TRUE(vouches_for_checksums(parse_device("0000:01:00.0"), "net_ice"));
    EXPECT_TRUE(vouches_for_checksums(parse_device("01:00.0"), "mlx5_pci"));
    EXPECT_FALSE(vouches_for_checksums(parse_device("0000:00:04.0"), "net_virtio"));
    EXPECT_FALSE(vouches_for_checksums(parse_device("0000:0b:00.0"), "net_vmxnet3"));
    EXPECT_FALSE(vouches_for_checksums(parse_device("net_tap0,iface=x"), "net_tap"));
    EXPECT_FALSE(vouches_for_checksums(parse_device("af_xdp:eth0"), "net_af_xdp"));
    EXPECT_FALSE(vouches_for_checksums(parse_device("net_vhost0,iface=x"), "net_vhost"));
}

TEST(TransmitQueues, EveryWorkerHasItsOwnWhereTheDeviceHasEnough) {
    TransmitQueues queues({{0, 0}, {0, 1}, {1, 0}}, {0, 1, 2}, 3, "own");
    for (WorkerId worker = 0; worker < 3; ++worker) {
        EXPECT_NE(queues.of(worker).send, nullptr);
        EXPECT_TRUE(queues.drained_by(worker).empty());
    }
    EXPECT_NE(queues.of(0).context, queues.of(1).context);
}

TEST(TransmitQueues, AWorkerWithoutAQueueSendsByWayOfAnother) {
    const Port port({.name = "ring", .device = "net_ring_shared"}, 1, test_pool());
    TransmitQueues queues(port.transmit_queues(), {1}, 2, "shared");
    Packets made = packets();
    const TransmitQueue borrowed = queues.of(0);
    ASSERT_EQ(borrowed.send(borrowed.context, made.data(), 32), 32);
    EXPECT_EQ(take(port), 0U);
    EXPECT_TRUE(queues.drained_by(0).empty());
    ASSERT_EQ(queues.drained_by(1).size(), 1U);
    EXPECT_EQ(queues.drained_by(1)[0]->drain(), 32U);
    EXPECT_EQ(take(port), 32U);
}

/// Fills a looped-back device until it refuses; returns how many packets it holds.
unsigned fill(const Port& port) {
    for (unsigned held = 0;;) {
        Packets made = packets();
        const unsigned sent = rte_eth_tx_burst(device_of(port), 0, made.data(), made.size());
        rte_pktmbuf_free_bulk(made.data() + sent, static_cast<unsigned>(made.size()) - sent);
        held += sent;
        if (sent < made.size()) return held;
    }
}

TEST(TransmitQueues, WhatAFullDeviceRefusesIsTriedAgain) {
    const Port port({.name = "full", .device = "net_ring_full"}, 1, test_pool());
    TransmitQueues queues(port.transmit_queues(), {1}, 2, "full");
    const unsigned held = fill(port);
    Packets made = packets();
    const TransmitQueue borrowed = queues.of(0);
    ASSERT_EQ(borrowed.send(borrowed.context, made.data(), 32), 32);
    TransmitQueueOwner& owner = *queues.drained_by(1)[0];
    EXPECT_EQ(owner.drain(), 0U);
    const unsigned room = take(port);
    EXPECT_EQ(owner.drain(), room);
    unsigned rest = 0;
    while (const unsigned count = take(port)) rest += count;
    EXPECT_EQ(rest, held);
}

TEST(TransmitQueues, AFullRingRefusesAtTheSender) {
    TransmitQueues queues({{0, 0}}, {1}, 2, "ring");
    const TransmitQueue borrowed = queues.of(0);
    std::uint64_t accepted = 0, offered = 0;
    while (offered < 2 * TransmitQueues::ring_size) {
        Packets made = packets();
        const unsigned sent = borrowed.send(borrowed.context, made.data(), 32);
        rte_pktmbuf_free_bulk(made.data() + sent, 32 - sent);
        accepted += sent;
        offered += 32;
    }
    EXPECT_EQ(accepted, TransmitQueues::ring_size - 1);
}

}  // namespace
}  // namespace viaduct
