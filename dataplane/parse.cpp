// Stage parse: headers of what a port received.
#include <rte_prefetch.h>

#include "dataplane/stages.h"
#include "encap/headers.h"

namespace viaduct {
namespace {

/// Multicast and broadcast are the kernel's, and so is what it sends itself through a host port.
bool addressed_to(const PortTraits& port, const std::uint8_t* frame) noexcept {
    return header_at<EthernetHeader>(frame).destination.word() == port.mac || port.host;
}

}  // namespace

void parse(Burst& burst, const Snapshot& now) noexcept {
    for (unsigned i = 0; i < burst.count; ++i) rte_prefetch0(rte_pktmbuf_mtod(burst.mbufs[i], void*));

    burst.families.fill(false);
    burst.for_each([&](Slot slot) noexcept {
        PacketMeta& meta = burst.meta[slot];
        meta.from_overlay = meta.handed_over = meta.originated = false;
        meta.hops = 0;
        meta.ingress_peer = no_peer;
        const PortTraits& port = now.traits(meta.ingress);
        if (!port.exists) return burst.drop(slot, Drop::no_snapshot);

        const rte_mbuf& mbuf = *burst.mbufs[slot];
        const ParseResult parsed = parse(burst.frame(slot), mbuf.data_len, mbuf.pkt_len, meta);
        switch (parsed.outcome) {
            case ParseOutcome::bad:
                return burst.drop(slot, parsed.why);
            case ParseOutcome::for_kernel:
                burst.treatment[slot].egress = port.kernel_port;
                return burst.decide(slot, Verdict::kernel);
            case ParseOutcome::packet:
                break;
        }
        if (!addressed_to(port, burst.frame(slot))) return burst.drop(slot, Drop::wrong_mac);
        burst.holds(meta.family);
        meta.set_network(port.network);
        burst.treatment[slot].network = port.network;
    });
}

}  // namespace viaduct
