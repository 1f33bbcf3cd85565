// Stage parse: headers of what a port received.
#include <rte_prefetch.h>

#include "dataplane/stages.h"
#include "encap/headers.h"

namespace viaduct {
namespace {

/// Multicast and broadcast are the kernel's, and so is what it sends itself through a host port.
bool addressed_to(const PortTraits& port, const std::uint8_t* frame) noexcept {
    return header_at<EthernetHeader>(frame).destination_word() == port.mac || port.host;
}

[[gnu::noinline]] void look_at_any(Burst& burst, Slot slot, const PortTraits& port) noexcept {
    PacketMeta& meta = burst.meta[slot];
    const rte_mbuf& mbuf = *burst.mbufs[slot];
    const ParseResult parsed = parse(burst.frame(slot), mbuf.data_len, mbuf.pkt_len, meta);
    burst.begin_treatment(slot, port.network);
    if (!port.exists) return burst.drop(slot, Drop::no_snapshot);
    if (parsed.outcome == ParseOutcome::bad) return burst.drop(slot, parsed.why);
    if (parsed.outcome == ParseOutcome::for_kernel) {
        burst.treatment[slot].egress = port.kernel_port;
        return burst.decide(slot, Verdict::kernel);
    }
    if (!addressed_to(port, burst.frame(slot))) return burst.drop(slot, Drop::wrong_mac);
    meta.set_network(port.network);
    burst.travels(slot);
}

/// False, and nothing done, unless the packet is an ordinary one.
template <Address A>
[[gnu::always_inline]] inline bool is_plain(Burst& burst, Slot slot, NetworkId network) noexcept {
    const rte_mbuf& mbuf = *burst.mbufs[slot];
    if (!parse_plain<A>(burst.frame(slot), mbuf.data_len, mbuf.pkt_len, burst.meta[slot], network)) return false;
    burst.begin_treatment(slot, network);
    burst.travels(slot, family_of<A>);
    return true;
}

/// Most packets are addressed to the port and have nothing unusual about them.
[[gnu::always_inline]] inline void look_at(Burst& burst, Slot slot, const Snapshot& now) noexcept {
    const PortTraits& port = now.traits(burst.meta[slot].ingress);
    const auto& ethernet = header_at<EthernetHeader>(burst.frame(slot));
    if (ethernet.destination_word() == port.mac) {
        if (ethernet.type == Be16(ether_type::ipv4) && is_plain<Ipv4>(burst, slot, port.network)) return;
        if (ethernet.type == Be16(ether_type::ipv6) && is_plain<Ipv6>(burst, slot, port.network)) return;
    }
    look_at_any(burst, slot, port);
}

}  // namespace

void parse(Burst& burst, const Snapshot& now) noexcept {
    const unsigned count = burst.count;
    for (unsigned i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(burst.mbufs[i], void*));
    for (unsigned i = 0; i < count; ++i) look_at(burst, static_cast<Slot>(i), now);
}

}  // namespace viaduct
