// Stage parse: headers of what a port received.
#include <rte_prefetch.h>

#include <new>

#include "dataplane/stages.h"
#include "encap/headers.h"

namespace viaduct {
namespace {

/// Multicast and broadcast are the kernel's, and so is what it sends itself through a host port.
bool addressed_to(const PortTraits& port, const std::uint8_t* frame) noexcept {
    return header_at<EthernetHeader>(frame).destination_word() == port.mac || port.host;
}

[[gnu::noinline]] void look_at_any(Burst& burst, Packet& packet, const PortTraits& port) noexcept {
    const rte_mbuf& mbuf = *packet.mbuf;
    const ParseResult parsed = parse(packet.frame(), mbuf.data_len, mbuf.pkt_len, packet.meta);
    if (!port.exists) return burst.drop(packet, Drop::no_snapshot);
    if (parsed.outcome == ParseOutcome::bad) return burst.drop(packet, parsed.why);
    if (parsed.outcome == ParseOutcome::for_kernel) {
        packet.egress = port.kernel_port;
        return burst.decide(packet, Verdict::kernel);
    }
    if (!addressed_to(port, packet.frame())) return burst.drop(packet, Drop::wrong_mac);
    packet.meta.set_network(port.network);
    packet.find_ip();
    burst.travels(packet);
}

/// Whether it is one of those that have nothing unusual about them and are addressed to the port, as most are. If so,
/// it travels.
[[gnu::always_inline]] inline bool is_plain(Burst& burst, Packet& packet, const PortTraits& port) noexcept {
    const rte_mbuf& mbuf = *packet.mbuf;
    const std::uint8_t* frame = packet.ip - sizeof(EthernetHeader);
    const auto& ethernet = header_at<EthernetHeader>(frame);
    if (ethernet.destination_word() != port.mac) return false;
    if (ethernet.type == Be16(ether_type::ipv4) &&
        parse_plain<Ipv4>(frame, mbuf.data_len, mbuf.pkt_len, packet.meta, {.network = port.network}))
        return burst.travels(packet, Family::v4), true;
    if (ethernet.type == Be16(ether_type::ipv6) &&
        parse_plain<Ipv6>(frame, mbuf.data_len, mbuf.pkt_len, packet.meta, {.network = port.network}))
        return burst.travels(packet, Family::v6), true;
    return false;
}

}  // namespace

void parse(Burst& burst, const Snapshot& now) noexcept {
    std::uint64_t bytes = 0;
#pragma GCC unroll 4
    for (const rte_mbuf* mbuf : burst.received()) {
        rte_prefetch0(rte_pktmbuf_mtod(mbuf, const void*));
        bytes += mbuf->pkt_len;
    }
    burst.received_bytes = bytes;

    const PortId ingress = burst.ingress;
    const PortTraits port = now.traits(ingress);
    Packet* next = burst.packets.data();
    for (rte_mbuf* mbuf : burst.received()) {
        Packet& packet = *std::launder(next++);  // g++ merges its stores only through a pointer of its own
        packet.begin(mbuf, port.network);
        packet.ip = packet.frame() + sizeof(EthernetHeader);
        packet.meta.ingress = ingress;
        if (!is_plain(burst, packet, port)) look_at_any(burst, packet, port);
    }
}

}  // namespace viaduct
