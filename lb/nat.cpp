// What happens once per connection, and the careful rewriting of what an ICMP error quotes.
#include "lb/nat.h"

#include <algorithm>

#include "encap/ipv6_extensions.h"

namespace viaduct {

using namespace detail;

namespace {

// Changes a field and remembers what that means to a checksum over it.
template <class Field>
void replace(Field& field, const Field& value, ChecksumDelta& delta) noexcept {
    delta.change(field, value);
    field = value;
}

// The transport header of a quoted packet. `here` is false when none of it is quoted.
struct QuotedTransport {
    bool here = false;
    Protocol protocol{};
    std::size_t at = 0;      // from the quoted IP header
    std::size_t length = 0;  // of the transport header and payload when the packet was whole
};

QuotedTransport quoted_transport(const Ipv4Header& ip) noexcept {
    const std::size_t total = ip.total_length.value();
    return {.here = ip.fragment_offset() == 0 && ip.length() >= sizeof(Ipv4Header) && total >= ip.length(),
            .protocol = ip.protocol,
            .at = ip.length(),
            .length = total - ip.length()};
}

QuotedTransport quoted_transport(const Ipv6Header& ip, std::size_t available) noexcept {
    const std::size_t total = sizeof(Ipv6Header) + ip.payload_length.value();
    const Ipv6Chain chain = walk_extensions(reinterpret_cast<const std::uint8_t*>(&ip), available, total);
    return {.here = chain.fault == Ipv6Chain::Fault::none && !chain.later_fragment && total >= chain.transport_at,
            .protocol = Protocol{chain.protocol},
            .at = chain.transport_at,
            .length = total - chain.transport_at};
}

// Rewrites as much of the transport header as is quoted. A checksum beyond the quote needs nothing.
template <Address A>
void rewrite_quoted_transport(std::uint8_t* bytes, std::size_t available, const QuotedTransport& quoted,
                              const Ends<A>& ends, std::uint16_t delta, ChecksumDelta& icmp) noexcept {
    const auto checksum = [&](Be16& field, auto update) {
        Be16 value = field;
        update(value, delta);
        replace(field, value, icmp);
    };
    const Protocol protocol = quoted.protocol;
    if (available < sizeof(UdpHeader)) return;
    if (protocol == Protocol::icmp || protocol == Protocol::icmpv6) {
        auto& echo = header_at<IcmpHeader>(bytes);
        const bool request = echo.type == (protocol == Protocol::icmp ? 8 : 128);
        replace(echo.id, request ? ends.source_port : ends.destination_port, icmp);
        checksum(echo.checksum, apply);
        return;
    }
    auto& udp = header_at<UdpHeader>(bytes);
    if (protocol == Protocol::sctp && available >= sizeof(SctpHeader) && quoted.length >= sizeof(SctpHeader)) {
        SctpHeader sctp = header_at<SctpHeader>(bytes);
        rewrite_sctp_ports(sctp, quoted.length, ends.source_port, ends.destination_port);
        replace(header_at<SctpHeader>(bytes).checksum, sctp.checksum, icmp);
    }
    replace(udp.source_port, ends.source_port, icmp);
    replace(udp.destination_port, ends.destination_port, icmp);
    if (protocol == Protocol::udp) checksum(udp.checksum, apply_udp);
    if (protocol == Protocol::tcp && available >= sizeof(TcpHeader))
        checksum(header_at<TcpHeader>(bytes).checksum, apply);
}

// Rewrites the quoted packet of `available` bytes; `icmp` collects what that means to the checksum around it.
template <Address A>
void rewrite_quote(std::uint8_t* quote, std::size_t available, const Ends<A>& ends, Deltas delta,
                   ChecksumDelta& icmp) noexcept {
    if (available < sizeof(IpHeader<A>)) return;
    auto& ip = header_at<IpHeader<A>>(quote);
    replace(ip.source, ends.source, icmp);
    replace(ip.destination, ends.destination, icmp);
    QuotedTransport transport;
    if constexpr (std::same_as<A, Ipv4>) {
        Be16 checksum = ip.checksum;
        apply(checksum, delta.address);
        replace(ip.checksum, checksum, icmp);
        transport = quoted_transport(ip);
    } else {
        transport = quoted_transport(ip, available);
    }
    if (transport.here && transport.at < available)
        rewrite_quoted_transport(quote + transport.at, available - transport.at, transport, ends, delta.transport,
                                 icmp);
}

}  // namespace

template <Address A>
void prepare_translation(Connection<A>& connection) noexcept {
    const FlowKey<A>& before = connection.original;
    const FlowKey<A> after = connection.reply.mirrored();
    ChecksumDelta addresses, ports;
    addresses.change(before.source, after.source);
    addresses.change(before.destination, after.destination);
    ports.change(before.source_port, after.source_port);
    ports.change(before.destination_port, after.destination_port);
    connection.address_delta = addresses.value();
    // ICMP over IPv4 alone has no pseudo header: the addresses are not its checksum's business.
    connection.transport_delta =
        before.protocol == Protocol::icmp ? ports.value() : combined(addresses.value(), ports.value());
    connection.translated = before != after;
}

template <Address A>
void translate_icmp_error(std::uint8_t* frame, std::size_t length, const PacketMeta& meta,
                          const Connection<A>& connection, Direction quoted_from) noexcept {
    const bool original = quoted_from == Direction::original;
    const FlowKey<A>& sender = original ? connection.original : connection.reply;
    const FlowKey<A>& receiver = original ? connection.reply : connection.original;
    const std::size_t quote_at = meta.transport_at + sizeof(IcmpHeader);
    const std::size_t end = std::min<std::size_t>(length, meta.network_at + std::size_t{meta.ip_length});
    if (end < quote_at) return;

    auto& ip = header_at<IpHeader<A>>(frame + meta.network_at);
    ChecksumDelta outer, icmp;
    if (ip.source == receiver.source) replace(ip.source, sender.destination, outer);
    replace(ip.destination, sender.source, outer);
    rewrite_quote(frame + quote_at, end - quote_at, as_is(sender), deltas(connection, !original), icmp);
    Be16& checksum = header_at<IcmpHeader>(frame + meta.transport_at).checksum;
    if constexpr (std::same_as<A, Ipv4>)
        apply(ip.checksum, outer.value());
    else
        apply(checksum, outer.value());  // ICMPv6 has a pseudo header
    apply(checksum, icmp.value());
}

template void prepare_translation(Connection<Ipv4>&) noexcept;
template void prepare_translation(Connection<Ipv6>&) noexcept;
template void translate_icmp_error(std::uint8_t*, std::size_t, const PacketMeta&, const Connection<Ipv4>&,
                                   Direction) noexcept;
template void translate_icmp_error(std::uint8_t*, std::size_t, const PacketMeta&, const Connection<Ipv6>&,
                                   Direction) noexcept;

}  // namespace viaduct
