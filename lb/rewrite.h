// Rewriting a packet's own addresses, ports and checksums: inline, because every translated packet passes here.
#pragma once

#include "encap/checksum.h"
#include "encap/packet.h"
#include "encap/wire.h"
#include "lb/connection.h"
#include "lb/sctp_crc.h"

namespace viaduct::detail {

template <Address A>
using IpHeader = std::conditional_t<std::same_as<A, Ipv4>, Ipv4Header, Ipv6Header>;

/// What a packet is to carry.
template <Address A>
struct Ends {
    const A& source;
    const A& destination;
    Be16 source_port, destination_port;
};

template <Address A>
inline Ends<A> as_is(const FlowKey<A>& key) noexcept {
    return {key.source, key.destination, key.source_port, key.destination_port};
}

template <Address A>
inline Ends<A> mirrored(const FlowKey<A>& key) noexcept {
    return {key.destination, key.source, key.destination_port, key.source_port};
}

/// What to add to the checksums, for the addresses and for the whole flow.
struct Deltas {
    std::uint16_t address, transport;
};

template <Address A>
inline Deltas deltas(const Connection<A>& connection, bool towards_reply) noexcept {
    const Deltas forth{connection.address_delta, connection.transport_delta};
    return towards_reply ? forth : Deltas{negated(forth.address), negated(forth.transport)};
}

template <Address A>
inline void rewrite_echo(IcmpHeader& icmp, bool request, const Ends<A>& ends, std::uint16_t delta) noexcept {
    icmp.id = request ? ends.source_port : ends.destination_port;
    apply(icmp.checksum, delta);
}

template <Address A>
inline void rewrite_ports(std::uint8_t* transport, const PacketMeta& meta, Protocol protocol, const Ends<A>& ends,
                          std::uint16_t delta) noexcept {
    if (protocol == Protocol::sctp) {  // not for a first fragment, whose datagram's length nobody knows yet
        const auto length = static_cast<std::size_t>(meta.ip_length - (meta.transport_at - meta.network_at));
        rewrite_sctp_ports(header_at<SctpHeader>(transport), length, ends.source_port, ends.destination_port);
        return;
    }
    auto& udp = header_at<UdpHeader>(transport);  // TCP's ports are at the same place
    udp.source_port = ends.source_port;
    udp.destination_port = ends.destination_port;
    if (protocol == Protocol::tcp)
        apply(header_at<TcpHeader>(transport).checksum, delta);
    else
        apply_udp(udp.checksum, delta);
}

template <Address A>
inline void rewrite(std::uint8_t* frame, const PacketMeta& meta, const Ends<A>& ends, Deltas delta) noexcept {
    auto& ip = header_at<IpHeader<A>>(frame + meta.network_at);
    ip.source = ends.source;
    ip.destination = ends.destination;
    if constexpr (std::same_as<A, Ipv4>) apply(ip.checksum, delta.address);
    std::uint8_t* transport = frame + meta.transport_at;
    if (meta.transport == Transport::flow) [[likely]]
        rewrite_ports(transport, meta, meta.flow<A>().protocol, ends, delta.transport);
    else if (meta.transport == Transport::echo_request || meta.transport == Transport::echo_reply)
        rewrite_echo(header_at<IcmpHeader>(transport), meta.transport == Transport::echo_request, ends,
                     delta.transport);
}

}  // namespace viaduct::detail
