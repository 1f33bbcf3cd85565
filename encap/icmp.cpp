// See icmp.h.
#include "encap/icmp.h"

#include <algorithm>

#include "encap/checksum.h"
#include "encap/headers.h"
#include "encap/ipv6_extensions.h"

namespace viaduct {
namespace {

constexpr std::uint8_t reply_ttl = 64;
constexpr std::uint8_t internetwork_control = 0xc0;  // precedence of IPv4 errors (RFC 1812 §4.3.2.5)
constexpr std::size_t max_error_v4 = 576, max_error_v6 = 1280;

template <Address A>
using IpHeader = std::conditional_t<std::same_as<A, Ipv4>, Ipv4Header, Ipv6Header>;

/// The transport header of a quoted packet: `at` counts from its IP header; 0 when it is missing or makes no sense.
struct QuotedTransport {
    std::size_t at;
    Protocol protocol;
};

QuotedTransport find_transport(const Ipv4Header& ip, const std::uint8_t*, std::size_t) noexcept {
    const bool sound = ip.version() == 4 && ip.length() >= sizeof ip && ip.fragment_offset() == 0;
    return {sound ? ip.length() : 0, ip.protocol};
}
QuotedTransport find_transport(const Ipv6Header& ip, const std::uint8_t* bytes, std::size_t present) noexcept {
    const Ipv6Chain chain = walk_extensions(bytes, present, sizeof ip + ip.payload_length.value());
    const bool sound = ip.version() == 6 && chain.fault == Ipv6Chain::Fault::none && !chain.later_fragment;
    return {sound ? chain.transport_at : 0, Protocol{chain.protocol}};
}

/// The ports, or the echo identifier in their place. 8 bytes are readable.
template <Address A>
bool read_ports(const std::uint8_t* transport, FlowKey<A>& key) noexcept {
    if (key.protocol == Protocol::tcp || key.protocol == Protocol::udp || key.protocol == Protocol::sctp) {
        const auto& ports = header_at<UdpHeader>(transport);
        key.source_port = ports.source_port;
        key.destination_port = ports.destination_port;
        return true;
    }
    if (key.protocol != icmp_of<A>) return true;
    const auto& icmp = header_at<IcmpHeader>(transport);
    const Transport kind = icmp_kind<A>(icmp.type);
    if (kind == Transport::echo_request) key.source_port = icmp.id;
    if (kind == Transport::echo_reply) key.destination_port = icmp.id;
    return kind == Transport::echo_request || kind == Transport::echo_reply;
}

/// Neither multicast, nor broadcast, nor reserved, nor unspecified.
bool is_one_host(const Ipv4& a) noexcept { return a.bytes[0] != 0 && a.bytes[0] < 224; }
bool is_one_host(const Ipv6& a) noexcept { return a != Ipv6{} && a.bytes[0] != 0xff; }

template <Address A>
bool between_two_hosts(const std::uint8_t* ip) noexcept {
    const auto& header = header_at<IpHeader<A>>(ip);
    return is_one_host(header.source) && is_one_host(header.destination);
}

/// RFC 1122 §3.2.2 counts redirects and source quenches among the errors, RFC 4443 all types below 128.
bool is_icmp_error(Protocol protocol, std::uint8_t type) noexcept {
    if (protocol == Protocol::icmp) return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    constexpr std::uint8_t first_informational = 128, redirect = 137;
    return protocol == Protocol::icmpv6 && (type < first_informational || type == redirect);
}

void write_header(Ipv4Header& ip, const Ipv4& source, const Ipv4& destination, Protocol protocol, std::size_t length,
                  std::uint8_t tos) noexcept {
    ip = {};
    ip.version_ihl = 0x45;
    ip.tos = tos;
    ip.total_length = Be16(static_cast<std::uint16_t>(length));
    ip.fragment = Be16(Ipv4Header::dont_fragment);
    ip.ttl = reply_ttl;
    ip.protocol = protocol;
    ip.source = source;
    ip.destination = destination;
    ip.checksum = finish(add_header(0, ip));
}
void write_header(Ipv6Header& ip, const Ipv6& source, const Ipv6& destination, Protocol protocol, std::size_t length,
                  std::uint8_t) noexcept {
    ip = {Be32(6U << 28U),
          Be16(static_cast<std::uint16_t>(length - sizeof ip)),
          static_cast<std::uint8_t>(protocol),
          reply_ttl,
          source,
          destination};
}

template <Address A>
IcmpHeader icmp_header(const IcmpError& what) noexcept {
    const std::uint32_t mtu = std::same_as<A, Ipv4> ? std::min(what.mtu, 0xffffU) : what.mtu;
    const auto [type, code] = std::same_as<A, Ipv4> ? what.v4 : what.v6;
    return {type, code, Be16{}, Be16(static_cast<std::uint16_t>(mtu >> 16U)), Be16(static_cast<std::uint16_t>(mtu))};
}

/// Only the offending packet's own bytes are quoted, not the padding behind them.
std::size_t length_in_header(const Ipv4Header& ip) noexcept { return ip.total_length.value(); }
std::size_t length_in_header(const Ipv6Header& ip) noexcept { return sizeof ip + ip.payload_length.value(); }

template <Address A>
std::size_t write_reset(std::uint8_t* out, std::size_t room, const std::uint8_t* offending_ip,
                        const PacketMeta& meta) noexcept {
    using Ip = IpHeader<A>;
    constexpr std::size_t length = sizeof(Ip) + sizeof(TcpHeader);
    const std::size_t tcp_at = std::size_t{meta.transport_at} - meta.network_at;
    const auto& ip = header_at<Ip>(offending_ip);
    const auto& tcp = header_at<TcpHeader>(offending_ip + tcp_at);
    if (room < length || (tcp.flags & TcpHeader::rst) != 0) return 0;

    const bool acknowledges = (tcp.flags & TcpHeader::ack) != 0;
    const bool syn = (tcp.flags & TcpHeader::syn) != 0, fin = (tcp.flags & TcpHeader::fin) != 0;
    const auto payload = static_cast<std::uint32_t>(meta.ip_length - tcp_at - tcp.length());
    auto& reset = header_at<TcpHeader>(out + sizeof(Ip));
    reset = {};
    reset.source_port = tcp.destination_port;
    reset.destination_port = tcp.source_port;
    reset.data_offset = sizeof reset / 4 << 4U;
    reset.flags = acknowledges ? TcpHeader::rst : TcpHeader::rst | TcpHeader::ack;
    if (acknowledges)
        reset.sequence = tcp.acknowledgement;
    else
        reset.acknowledgement = Be32(tcp.sequence.value() + payload + (syn ? 1U : 0U) + (fin ? 1U : 0U));
    write_header(header_at<Ip>(out), ip.destination, ip.source, Protocol::tcp, length, 0);
    const std::uint64_t pseudo = pseudo_sum(ip.destination, ip.source, Protocol::tcp, sizeof reset);
    reset.checksum = finish(add_header(pseudo, reset));
    return length;
}

void renew_ttl(Ipv4Header& ip) noexcept {
    ChecksumDelta delta;  // the TTL is the upper half of its word; the protocol below cancels out
    delta.change(Be16(static_cast<std::uint16_t>(ip.ttl << 8U)), Be16(std::uint16_t{reply_ttl} << 8U));
    apply(ip.checksum, delta.value());
    ip.ttl = reply_ttl;
}
void renew_ttl(Ipv6Header& ip) noexcept { ip.hop_limit = reply_ttl; }

template <Address A>
void answer(std::uint8_t* frame, const PacketMeta& meta) noexcept {
    constexpr std::uint8_t reply = std::same_as<A, Ipv4> ? 0 : 129;
    auto& ip = header_at<IpHeader<A>>(frame + meta.network_at);
    std::swap(ip.source, ip.destination);  // the sum of both, in header and pseudo header, stays the same
    renew_ttl(ip);
    auto& icmp = header_at<IcmpHeader>(frame + meta.transport_at);
    ChecksumDelta delta;
    delta.change(Be16(static_cast<std::uint16_t>(icmp.type << 8U)), Be16(std::uint16_t{reply} << 8U));
    apply(icmp.checksum, delta.value());
    icmp.type = reply;
}

}  // namespace

template <Address A>
bool quoted_packet(const std::uint8_t* frame, std::size_t contiguous, const PacketMeta& meta,
                   QuotedPacket<A>& quoted) noexcept {
    using Ip = IpHeader<A>;
    constexpr std::size_t least_transport = 8;
    const std::size_t start = meta.transport_at + sizeof(IcmpHeader);
    const std::size_t end = std::min(contiguous, std::size_t{meta.network_at} + meta.ip_length);
    if (start + sizeof(Ip) > end) return false;
    const auto& ip = header_at<Ip>(frame + start);
    const auto [at, protocol] = find_transport(ip, frame + start, end - start);
    const std::size_t quote_end = std::min(end, start + length_in_header(ip));
    if (at == 0 || start + at + least_transport > quote_end) return false;
    quoted.key = {ip.source, ip.destination, Be16{}, Be16{}, protocol, meta.network(), 0};
    quoted.network_at = static_cast<std::uint16_t>(start);
    quoted.transport_at = static_cast<std::uint16_t>(start + at);
    quoted.transport_length = static_cast<std::uint16_t>(quote_end - start - at);
    return read_ports(frame + quoted.transport_at, quoted.key);
}
template bool quoted_packet(const std::uint8_t*, std::size_t, const PacketMeta&, QuotedPacket<Ipv4>&) noexcept;
template bool quoted_packet(const std::uint8_t*, std::size_t, const PacketMeta&, QuotedPacket<Ipv6>&) noexcept;

bool may_send_icmp_error(const std::uint8_t* offending_ip, std::size_t length, const PacketMeta& meta) noexcept {
    if (meta.transport == Transport::icmp_error || meta.transport == Transport::later_fragment) return false;
    const std::size_t transport_at = std::size_t{meta.transport_at} - meta.network_at;
    const bool icmp = meta.protocol() == Protocol::icmp || meta.protocol() == Protocol::icmpv6;
    if (icmp && (transport_at >= length || is_icmp_error(meta.protocol(), offending_ip[transport_at]))) return false;
    return meta.family == Family::v4 ? between_two_hosts<Ipv4>(offending_ip) : between_two_hosts<Ipv6>(offending_ip);
}

template <Address A>
std::size_t write_icmp_error(std::uint8_t* out, std::size_t room, const IcmpError& what, const A& source,
                             const std::uint8_t* offending_ip, std::size_t offending_length) noexcept {
    using Ip = IpHeader<A>;
    constexpr std::size_t headers = sizeof(Ip) + sizeof(IcmpHeader);
    constexpr std::size_t limit = std::same_as<A, Ipv4> ? max_error_v4 : max_error_v6;
    if (offending_length < sizeof(Ip) || room < headers + sizeof(Ip)) return 0;
    const auto& ip = header_at<Ip>(offending_ip);
    const std::size_t quote = std::min({offending_length, length_in_header(ip), std::min(room, limit) - headers});
    const std::size_t icmp_length = sizeof(IcmpHeader) + quote;

    std::memcpy(out + headers, offending_ip, quote);
    auto& icmp = header_at<IcmpHeader>(out + sizeof(Ip));
    icmp = icmp_header<A>(what);
    write_header(header_at<Ip>(out), source, ip.source, icmp_of<A>, headers + quote, internetwork_control);
    const std::uint64_t pseudo =
        std::same_as<A, Ipv4> ? 0 : pseudo_sum(source, ip.source, icmp_of<A>, static_cast<std::uint32_t>(icmp_length));
    icmp.checksum = finish(add_bytes(pseudo, out + sizeof(Ip), icmp_length));
    return headers + quote;
}
template std::size_t write_icmp_error(std::uint8_t*, std::size_t, const IcmpError&, const Ipv4&, const std::uint8_t*,
                                      std::size_t) noexcept;
template std::size_t write_icmp_error(std::uint8_t*, std::size_t, const IcmpError&, const Ipv6&, const std::uint8_t*,
                                      std::size_t) noexcept;

std::size_t write_tcp_reset(std::uint8_t* out, std::size_t room, const std::uint8_t* offending_ip,
                            const PacketMeta& meta) noexcept {
    return meta.family == Family::v4 ? write_reset<Ipv4>(out, room, offending_ip, meta)
                                     : write_reset<Ipv6>(out, room, offending_ip, meta);
}

void answer_echo(std::uint8_t* frame, const PacketMeta& meta) noexcept {
    if (meta.family == Family::v4)
        answer<Ipv4>(frame, meta);
    else
        answer<Ipv6>(frame, meta);
}

}  // namespace viaduct
