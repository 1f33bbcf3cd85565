// Stage translate: what a connection says about addresses and ports.
#include "dataplane/stages.h"
#include "lb/nat.h"

namespace viaduct {
namespace {

template <Address A>
void translate_packet(Burst& burst, Packet& packet) noexcept {
    const PacketMeta& meta = packet.meta;
    const Treatment& treatment = packet.treatment;
    const Connection<A>* connection = treatment.tracked<A>();
    if (connection == nullptr || !connection->translated) return;
    ++burst.translated;
    std::uint8_t* frame = packet.ip - meta.network_at;
    if (meta.transport != Transport::icmp_error) return translate(frame, meta, *connection, treatment.direction);
    // The key that found it was the quoted packet's mirror image: the quoted packet went the other way.
    const Direction quoted = treatment.direction == Direction::original ? Direction::reply : Direction::original;
    translate_icmp_error(frame, packet.mbuf->data_len, meta, *connection, quoted);
}

}  // namespace

void translate(Burst& burst) noexcept {
    if (burst.tracked == 0) return;
    burst.for_each_of<Ipv4>([&](Packet& packet) noexcept { translate_packet<Ipv4>(burst, packet); });
    burst.for_each_of<Ipv6>([&](Packet& packet) noexcept { translate_packet<Ipv6>(burst, packet); });
}

}  // namespace viaduct
