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

/// Packets of one way, of which `first` is one, with so many bytes.
void send(const Packet& first, rte_mbuf** group, unsigned count, std::uint64_t bytes,
          const Surroundings& around) noexcept {
    WorkerCounters& counters = *around.counters;
    const PortId port = first.egress;
    const bool originated = first.meta.originated, punt = first.treatment.verdict == Verdict::kernel;
    const bool exists = static_cast<std::size_t>(port) < max_ports;
    const TransmitQueue queue = exists ? around.transmit[static_cast<std::size_t>(port)] : TransmitQueue{};
    if (queue.send == nullptr)
        return lose(group, count, originated, punt ? Drop::no_kernel_port : Drop::no_route, counters);

    const unsigned sent = queue.send(queue.context, group, static_cast<std::uint16_t>(count));
    const std::uint64_t kept = bytes_of(group + sent, count - sent);  // the others are not ours any more
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

Way way_of(const Packet& packet) noexcept {
    const Verdict verdict = packet.treatment.verdict;
    if (verdict == Verdict::drop || verdict == Verdict::held) return no_way;
    const unsigned place = verdict == Verdict::hand_over ? packet.owner : static_cast<unsigned>(packet.egress);
    const unsigned kind = static_cast<unsigned>(verdict) << 1U | (packet.meta.originated ? 1U : 0U);
    return static_cast<Way>(kind << 8U | place);
}

/// What this worker knows about the packet goes with it.
void carry(const Packet& packet) noexcept {
    PacketMeta& meta = carried_meta(packet.mbuf);
    meta = packet.meta;
    meta.handed_over = true;
}

void dispatch(const Burst& burst, unsigned first, std::array<Way, Burst::capacity>& ways,
              const Surroundings& around) noexcept {
    Group group;
    unsigned count = 0;
    const Way way = ways[first];
    for (unsigned i = first; i < burst.count; ++i) {
        if (ways[i] != way) continue;
        group[count++] = burst.packets[i].mbuf;
        ways[i] = no_way;
    }
    const Packet& packet = burst.packets[first];
    if (packet.treatment.verdict == Verdict::hand_over)
        hand_over(packet.owner, group, count, around);
    else
        send(packet, group.data(), count, bytes_of(group.data(), count), around);
}

/// Whether all of the burst was forwarded by one port, as most bursts are.
bool send_one_way(Burst& burst, const Surroundings& around) noexcept {
    if (!burst.all_alike || burst.count == 0) return false;
    std::uint64_t bytes = 0;
    const Packet& first = burst.packets[0];
    unsigned different = 0;
    for (const Packet& packet : burst.all()) {
        different |= static_cast<unsigned>(packet.egress) ^ static_cast<unsigned>(first.egress);
        bytes += packet.mbuf->pkt_len;
    }
    if (different != 0) return false;
    send(first, burst.mbufs.data(), burst.count, bytes, around);
    return true;
}

/// Drops what is to be dropped, and sends the others group by group.
void sort_and_send(Burst& burst, const Surroundings& around) noexcept {
    std::array<Way, Burst::capacity> ways;
    for (unsigned i = 0; i < burst.count; ++i) {
        Packet& packet = burst.packets[i];
        Verdict& verdict = packet.treatment.verdict;
        if (verdict == Verdict::travelling) verdict = Verdict::forward;
        ways[i] = way_of(packet);
        if (verdict == Verdict::drop)
            lose(&packet.mbuf, 1, packet.meta.originated, packet.reason, *around.counters);
        else if (verdict == Verdict::hand_over)
            carry(packet);
    }
    for (unsigned i = 0; i < burst.count; ++i)
        if (ways[i] != no_way) dispatch(burst, i, ways, around);
}

}  // namespace

void transmit(Burst& burst, const Surroundings& around) noexcept {
    around.counters->decapsulated.add(burst.decapsulated);
    around.counters->translated.add(burst.translated);
    around.counters->encapsulated.add(burst.encapsulated);
    if (!send_one_way(burst, around)) sort_and_send(burst, around);
    burst.count = 0;
}

}  // namespace viaduct
