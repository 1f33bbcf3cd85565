// See fragments.h.
#include "dataplane/fragments.h"

#include <algorithm>
#include <bit>

#include "encap/flow_hash.h"
#include "encap/headers.h"

namespace viaduct {

FragmentTable::FragmentTable(std::size_t datagrams)
    : datagrams_(std::bit_ceil(std::max<std::size_t>(datagrams, ways))), sets_mask_(datagrams_.size() / ways - 1) {}

FragmentTable::Datagram* FragmentTable::find_or_take(const Datagram& wanted, Seconds clock) noexcept {
    const std::uint32_t hash = address_hash(wanted.source) ^ (address_hash(wanted.destination) * 3U) ^ wanted.id;
    Datagram* set = &datagrams_[((hash * 0x9e3779b1U) >> 8U & sets_mask_) * ways];
    Datagram* free = nullptr;
    for (unsigned way = 0; way < ways; ++way) {
        Datagram& d = set[way];
        const bool live = d.deadline > clock || d.waiting > 0;
        if (live && d.id == wanted.id && d.network == wanted.network && d.family == wanted.family &&
            d.source == wanted.source && d.destination == wanted.destination)
            return &d;
        if (!live) free = &d;
    }
    if (free == nullptr) return nullptr;
    *free = wanted;
    free->deadline = clock + lifetime;
    return free;
}

template <Address A>
FragmentTable::Outcome FragmentTable::settle(rte_mbuf& mbuf, const std::uint8_t* frame, PacketMeta& meta,
                                             Seconds clock) noexcept {
    FlowKey<A>& key = meta.flow<A>();
    Datagram wanted;
    std::memcpy(wanted.source.bytes.data(), key.source.bytes.data(), sizeof(A));
    std::memcpy(wanted.destination.bytes.data(), key.destination.bytes.data(), sizeof(A));
    wanted.id = fragment_id(frame, meta);
    wanted.network = key.network;
    wanted.family = meta.family;
    Datagram* datagram = find_or_take(wanted, clock);
    if (datagram == nullptr) return Outcome::full;

    if (meta.first_fragment) {
        datagram->known = true;
        datagram->protocol = key.protocol;
        datagram->source_port = key.source_port;
        datagram->destination_port = key.destination_port;
        return Outcome::ports_known;
    }
    if (datagram->known) {
        key.protocol = datagram->protocol;
        key.source_port = datagram->source_port;
        key.destination_port = datagram->destination_port;
        return Outcome::ports_known;
    }
    if (datagram->waiting == most_waiting) return Outcome::full;
    carried_meta(&mbuf) = meta;
    datagram->mbufs[datagram->waiting++] = &mbuf;
    ++held_;
    return Outcome::waits;
}
template FragmentTable::Outcome FragmentTable::settle<Ipv4>(rte_mbuf&, const std::uint8_t*, PacketMeta&,
                                                            Seconds) noexcept;
template FragmentTable::Outcome FragmentTable::settle<Ipv6>(rte_mbuf&, const std::uint8_t*, PacketMeta&,
                                                            Seconds) noexcept;

void FragmentTable::let_go(Datagram& datagram, Burst& out) noexcept {
    while (datagram.waiting > 0 && out.count < Burst::capacity) {
        out.mbufs[out.count++] = datagram.mbufs[--datagram.waiting];
        --held_;
    }
}

void FragmentTable::release(Seconds clock, Burst& ready, Burst& hopeless) noexcept {
    ready.count = hopeless.count = 0;
    if (held_ == 0) return;
    constexpr std::size_t per_call = 256;
    for (std::size_t i = 0; i < std::min(per_call, datagrams_.size()); ++i) {
        Datagram& datagram = datagrams_[cursor_];
        cursor_ = (cursor_ + 1) & (datagrams_.size() - 1);
        if (datagram.waiting == 0) continue;
        if (datagram.known)
            let_go(datagram, ready);
        else if (datagram.deadline <= clock)
            let_go(datagram, hopeless);
    }
}

}  // namespace viaduct
