// Stage translate: what a connection says about addresses and ports, and the segment size that fits the tunnel.
#include "dataplane/stages.h"
#include "encap/tcp_options.h"
#include "lb/nat.h"

namespace viaduct {
namespace {

template <Address A>
void translate_packet(Burst& burst, Slot slot) noexcept {
    const PacketMeta& meta = burst.meta[slot];
    const Treatment& treatment = burst.treatment[slot];
    const Connection<A>* connection = treatment.tracked<A>();
    if (connection == nullptr || !connection->translated) return;
    if (meta.transport != Transport::icmp_error)
        return translate(burst.frame(slot), meta, *connection, treatment.direction);
    // The key that found it was the quoted packet's mirror image: the quoted packet went the other way.
    const Direction quoted = treatment.direction == Direction::original ? Direction::reply : Direction::original;
    translate_icmp_error(burst.frame(slot), burst.mbufs[slot]->data_len, meta, *connection, quoted);
}

template <Address A>
void clamp(Burst& burst, Slot slot, const Snapshot& now) noexcept {
    const PacketMeta& meta = burst.meta[slot];
    const auto max_mss =
        static_cast<std::uint16_t>(now.network(burst.treatment[slot].network).settings.mtu - tcp_overhead<A>);
    clamp_mss(burst.frame(slot) + meta.transport_at, burst.mbufs[slot]->data_len - meta.transport_at, max_mss);
}

}  // namespace

void translate(Burst& burst, const Snapshot& now) noexcept {
    burst.for_each([&](Slot slot) noexcept {
        const PacketMeta& meta = burst.meta[slot];
        const bool v4 = meta.family == Family::v4;
        if (v4)
            translate_packet<Ipv4>(burst, slot);
        else
            translate_packet<Ipv6>(burst, slot);
        if ((meta.tcp_flags & TcpHeader::syn) == 0 || burst.treatment[slot].network == NetworkId::none) return;
        if (v4)
            clamp<Ipv4>(burst, slot, now);
        else
            clamp<Ipv6>(burst, slot, now);
    });
}

}  // namespace viaduct
