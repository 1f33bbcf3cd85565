// See waiting.h.
#include "dataplane/waiting.h"

namespace viaduct {
void WaitingPackets::let_go(rte_mbuf* mbuf, Burst& out) noexcept {
    const PacketMeta& meta = carried_meta(mbuf);
    held_ -= meta.originated ? 0U : 1U;
    out.mbufs[out.count++] = mbuf;
}

void WaitingPackets::hold(Burst& burst, Packet& packet, PortId port, IpAddress address, const Surroundings& around,
                          Seconds clock) noexcept {
    if (around.neighbour_requests != nullptr) around.neighbour_requests->push({address, port});
    if (count_ == packets_.size()) return burst.drop(packet, Drop::neighbour_queue_full);
    rte_mbuf* mbuf = packet.mbuf;
    PacketMeta& meta = carried_meta(mbuf);
    meta = packet.meta;
    meta.set_network(packet.network);  // its translation is done: it goes on as what it is now
    meta.ingress_peer = no_peer;
    held_ += meta.originated ? 0U : 1U;
    packets_[count_++] = {mbuf, clock + patience, port, address};
    burst.decide(packet, Verdict::held);
}

void WaitingPackets::release(const Snapshot& now, Seconds clock, Burst& ready, Burst& hopeless) noexcept {
    ready.count = hopeless.count = 0;
    if (count_ == 0 || (now.version == version_ && clock == looked_)) return;
    std::size_t kept = 0;
    bool all = true;
    for (std::size_t i = 0; i < count_; ++i) {
        const Waiting packet = packets_[i];
        const bool full = ready.count == Burst::capacity || hopeless.count == Burst::capacity;
        all = all && !full;
        if (!full && now.neighbours->find(packet.port, packet.address) != nullptr)
            let_go(packet.mbuf, ready);
        else if (!full && clock >= packet.deadline)
            let_go(packet.mbuf, hopeless);
        else
            packets_[kept++] = packet;
    }
    count_ = kept;
    if (!all) return;  // more may be ready: look again at the next call
    version_ = now.version;
    looked_ = clock;
}

}  // namespace viaduct
