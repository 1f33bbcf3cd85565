// Stage transmit: every packet of the burst leaves the pipeline here, in exactly one counter.
#include "dataplane/stages.h"

namespace viaduct {
namespace {

using Group = std::array<rte_mbuf*, Burst::capacity>;

/// What a full queue refuses is dropped: waiting for it would only move the loss to the receive queue, and add latency.
void refuse(rte_mbuf** packets, unsigned count, Drop why, WorkerCounters& counters) noexcept {
    if (count == 0) return;
    counters.drops[static_cast<std::size_t>(why)].add(count);
    rte_pktmbuf_free_bulk(packets, count);
}

std::uint64_t bytes_of(rte_mbuf* const* packets, unsigned count) noexcept {
    std::uint64_t bytes = 0;
    for (unsigned i = 0; i < count; ++i) bytes += packets[i]->pkt_len;
    return bytes;
}

/// The gateway's own packets have counters of their own: they are no part of the law.
void lose(rte_mbuf** packets, unsigned count, bool originated, Drop why, WorkerCounters& counters) noexcept {
    if (!originated) return refuse(packets, count, why, counters);
    counters.originated_lost.add(count);
    rte_pktmbuf_free_bulk(packets, count);
}

/// Packets of one way, of which `first` is one.
void send(const Burst& burst, Slot first, rte_mbuf** group, unsigned count, const Surroundings& around) noexcept {
    WorkerCounters& counters = *around.counters;
    const PortId port = burst.treatment[first].egress;
    const bool originated = burst.meta[first].originated, punt = burst.verdict[first] == Verdict::kernel;
    const bool exists = static_cast<std::size_t>(port) < max_ports;
    const TransmitQueue queue = exists ? around.transmit[static_cast<std::size_t>(port)] : TransmitQueue{};
    if (queue.send == nullptr)
        return lose(group, count, originated, punt ? Drop::no_kernel_port : Drop::no_route, counters);

    const std::uint64_t bytes = bytes_of(group, count);  // before sending: afterwards they are not ours
    const unsigned sent = queue.send(queue.context, group, static_cast<std::uint16_t>(count));
    const std::uint64_t kept = bytes_of(group + sent, count - sent);
    PortCounters& port_counters = counters.ports[static_cast<std::size_t>(port)];
    port_counters.tx_packets.add(sent);
    port_counters.tx_bytes.add(bytes - kept);
    (originated ? counters.originated : punt ? counters.punt : counters.tx).add(sent);
    if (sent != count) lose(group + sent, count - sent, originated, Drop::transmit_refused, counters);
}

void hand_over(WorkerId owner, Group& group, unsigned count, const Surroundings& around) noexcept {
    rte_ring* ring = around.workers[owner];
    const unsigned taken =
        ring == nullptr ? 0
                        : rte_ring_enqueue_burst(ring, reinterpret_cast<void* const*>(group.data()), count, nullptr);
    around.counters->handed_over.add(taken);
    refuse(group.data() + taken, count - taken, Drop::handover_full, *around.counters);
}

/// Where a packet goes from here, as one number: packets of equal number are sent together.
using Way = std::uint16_t;
constexpr Way no_way = 0xffff;  // dropped, held, or on its way already

Way way_of(const Burst& burst, Slot slot) noexcept {
    const Verdict verdict = burst.verdict[slot];
    if (verdict == Verdict::drop || verdict == Verdict::held) return no_way;
    const Treatment& treatment = burst.treatment[slot];
    const unsigned place = verdict == Verdict::hand_over ? treatment.owner : static_cast<unsigned>(treatment.egress);
    const unsigned kind = static_cast<unsigned>(verdict) << 1U | (burst.meta[slot].originated ? 1U : 0U);
    return static_cast<Way>(kind << 8U | place);
}

/// What this worker knows about the packet goes with it.
void carry(const Burst& burst, Slot slot) noexcept {
    PacketMeta& meta = carried_meta(burst.mbufs[slot]);
    meta = burst.meta[slot];
    meta.handed_over = true;
}

void dispatch(Burst& burst, Slot first, std::array<Way, Burst::capacity>& ways, const Surroundings& around) noexcept {
    Group group;
    unsigned count = 0;
    const Way way = ways[first];
    for (unsigned slot = first; slot < burst.count; ++slot) {
        if (ways[slot] != way) continue;
        group[count++] = burst.mbufs[slot];
        ways[slot] = no_way;
    }
    if (burst.verdict[first] == Verdict::hand_over)
        hand_over(burst.treatment[first].owner, group, count, around);
    else
        send(burst, first, group.data(), count, around);
}

/// Whether all of the burst is forwarded by one port, as most bursts are.
bool goes_one_way(const Burst& burst) noexcept {
    if (!burst.all_travel || burst.count == 0) return false;
    unsigned different = 0;
    const auto port = static_cast<unsigned>(burst.treatment[0].egress);
    const bool originated = burst.meta[0].originated;
    for (unsigned i = 1; i < burst.count; ++i) {
        different |= static_cast<unsigned>(burst.treatment[i].egress) ^ port;
        different |= unsigned{burst.meta[i].originated} ^ unsigned { originated };
    }
    return different == 0;
}

/// Drops what is to be dropped, and sends the others group by group.
void sort_and_send(Burst& burst, const Surroundings& around) noexcept {
    std::array<Way, Burst::capacity> ways;
    for (unsigned i = 0; i < burst.count; ++i) {
        const auto slot = static_cast<Slot>(i);
        if (burst.verdict[slot] == Verdict::travelling) burst.verdict[slot] = Verdict::forward;
        ways[slot] = way_of(burst, slot);
        if (burst.verdict[slot] == Verdict::drop)
            lose(&burst.mbufs[slot], 1, burst.meta[slot].originated, burst.reason[slot], *around.counters);
        else if (burst.verdict[slot] == Verdict::hand_over)
            carry(burst, slot);
    }
    for (unsigned i = 0; i < burst.count; ++i)
        if (ways[i] != no_way) dispatch(burst, static_cast<Slot>(i), ways, around);
}

}  // namespace

void transmit(Burst& burst, const Surroundings& around) noexcept {
    around.counters->decapsulated.add(burst.decapsulated);
    around.counters->translated.add(burst.translated);
    around.counters->encapsulated.add(burst.encapsulated);
    if (goes_one_way(burst))
        send(burst, 0, burst.mbufs.data(), burst.count, around);
    else
        sort_and_send(burst, around);
    burst.count = 0;
}

}  // namespace viaduct
