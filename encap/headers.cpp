// See headers.h. Here is every check; `parse_plain` there only recognises packets that pass them all.
#include "encap/headers.h"

#include "encap/ipv6_extensions.h"

namespace viaduct {
namespace {

constexpr std::uint16_t ip_at = sizeof(EthernetHeader);
constexpr std::size_t max_datagram = 0xffff;
constexpr ParseResult accepted{ParseOutcome::packet, Drop{}};
constexpr ParseResult to_kernel{ParseOutcome::for_kernel, Drop{}};
constexpr ParseResult bad(Drop why) noexcept { return {ParseOutcome::bad, why}; }

struct Frame {
    const std::uint8_t* bytes;
    std::size_t contiguous, length;

    [[nodiscard]] bool readable(std::size_t at, std::size_t count) const noexcept { return at + count <= contiguous; }
};

/// RFC 1812 §5.3.7: an address that no interface may have.
bool is_martian(const Ipv4& a) noexcept { return a.bytes[0] == 0 || a.bytes[0] == 127; }
/// The unspecified and the loopback address (RFC 4291 §2.5), and IPv4-mapped ones (§2.5.5.2), which stand for IPv4
/// sockets inside a host and would pass IPv4 filters by another door.
bool is_martian(const Ipv6& a) noexcept {
    constexpr Ipv6 loopback{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
    return a == Ipv6{} || a == loopback || IpAddress(a).is_v4();
}

bool is_multicast(const Ipv6& a) noexcept { return a.bytes[0] == 0xff; }
bool is_link_local(const Ipv6& a) noexcept { return a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0U) == 0x80U; }

ParseResult check_addresses(const Ipv4& source, const Ipv4& destination) noexcept {
    const bool multicast = destination.bytes[0] >= 224 && destination.bytes[0] < 240;
    if (multicast || destination == Ipv4(255, 255, 255, 255)) return to_kernel;
    if (is_martian(source) || source.bytes[0] >= 224) return bad(Drop::martian_source);
    return is_martian(destination) ? bad(Drop::martian_destination) : accepted;
}

/// Link-local packets are never forwarded (RFC 4291 §2.5.6), whichever end is; the kernel needs them for ND.
ParseResult check_addresses(const Ipv6& source, const Ipv6& destination) noexcept {
    if (is_multicast(destination)) return to_kernel;
    if (is_martian(source) || is_multicast(source)) return bad(Drop::martian_source);
    if (is_martian(destination)) return bad(Drop::martian_destination);
    return is_link_local(source) || is_link_local(destination) ? to_kernel : accepted;
}

/// Options are forwarded as they are, except source routes (RFC 7126 §4.3, §4.4) and what cannot be walked.
bool options_forwardable(const std::uint8_t* option, const std::uint8_t* end) noexcept {
    constexpr std::uint8_t end_of_list = 0, no_operation = 1, loose_source_route = 131, strict_source_route = 137;
    while (option != end && *option != end_of_list) {
        if (*option == loose_source_route || *option == strict_source_route) return false;
        if (*option == no_operation) {
            ++option;
        } else {
            if (end - option < 2 || option[1] < 2 || option[1] > end - option) return false;
            option += option[1];
        }
    }
    return true;
}

template <Address A>
void describe(PacketMeta& meta, const A& source, const A& destination, Protocol protocol) noexcept {
    meta.flow<A>() = {source, destination, Be16{}, Be16{}, protocol, NetworkId::none, 0};
    meta.network_at = ip_at;
    meta.family = family_of<A>;
    meta.transport = Transport::other;
    meta.tcp_flags = 0;
    meta.first_fragment = meta.whole_flow = false;
}

/// Bytes of the transport header that must be there, and whether they are.
ParseResult require(const Frame& frame, const PacketMeta& meta, std::size_t present, std::size_t needed) noexcept {
    if (present < needed) return bad(meta.first_fragment ? Drop::tiny_fragment : Drop::bad_transport_header);
    return frame.readable(meta.transport_at, needed) ? accepted : bad(Drop::truncated);
}

ParseResult parse_tcp(const Frame& frame, PacketMeta& meta, std::size_t present) noexcept {
    if (const auto r = require(frame, meta, present, sizeof(TcpHeader)); r.outcome != ParseOutcome::packet) return r;
    const auto& tcp = header_at<TcpHeader>(frame.bytes + meta.transport_at);
    if (tcp.length() < sizeof tcp) return bad(Drop::bad_transport_header);
    if (tcp.length() > present) return bad(meta.first_fragment ? Drop::tiny_fragment : Drop::bad_transport_header);
    meta.tcp_flags = tcp.flags;
    return accepted;
}

ParseResult parse_udp(const Frame& frame, const PacketMeta& meta, std::size_t present) noexcept {
    if (const auto r = require(frame, meta, present, sizeof(UdpHeader)); r.outcome != ParseOutcome::packet) return r;
    const auto& udp = header_at<UdpHeader>(frame.bytes + meta.transport_at);
    const std::size_t length = udp.length.value();
    if (length < sizeof udp || (length > present && !meta.first_fragment)) return bad(Drop::bad_transport_header);
    return accepted;
}

template <Address A>
ParseResult parse_icmp(const Frame& frame, PacketMeta& meta, std::size_t present) noexcept {
    if (const auto r = require(frame, meta, present, sizeof(IcmpHeader)); r.outcome != ParseOutcome::packet) return r;
    const auto& icmp = header_at<IcmpHeader>(frame.bytes + meta.transport_at);
    meta.transport = icmp_kind<A>(icmp.type);
    if (meta.transport == Transport::echo_request) meta.flow<A>().source_port = icmp.id;
    if (meta.transport == Transport::echo_reply) meta.flow<A>().destination_port = icmp.id;
    return accepted;
}

/// What starts at `meta.transport_at`, by the key's protocol.
template <Address A>
ParseResult parse_transport(const Frame& frame, PacketMeta& meta) noexcept {
    const std::size_t present = ip_at + std::size_t{meta.ip_length} - meta.transport_at;
    const Protocol protocol = meta.flow<A>().protocol;
    if (protocol == icmp_of<A>) return parse_icmp<A>(frame, meta, present);

    ParseResult result = accepted;
    if (protocol == Protocol::tcp)
        result = parse_tcp(frame, meta, present);
    else if (protocol == Protocol::udp)
        result = parse_udp(frame, meta, present);
    else if (protocol == Protocol::sctp)
        result = require(frame, meta, present, sizeof(SctpHeader));
    else
        return accepted;
    if (result.outcome != ParseOutcome::packet) return result;
    const auto& ports = header_at<UdpHeader>(frame.bytes + meta.transport_at);  // in the same place in all three
    meta.flow<A>().source_port = ports.source_port;
    meta.flow<A>().destination_port = ports.destination_port;
    meta.transport = Transport::flow;
    meta.whole_flow = !meta.first_fragment;
    return accepted;
}

/// A fragment without transport header. One that starts 8 bytes into TCP could overwrite the flags that a filter has
/// seen (RFC 3128); one that ends beyond the largest datagram could overrun its reassembler.
template <Address A>
ParseResult parse_later_fragment(PacketMeta& meta, std::size_t offset) noexcept {
    const std::size_t present = ip_at + std::size_t{meta.ip_length} - meta.transport_at;
    if (offset + present > max_datagram) return bad(Drop::bad_total_length);
    if (offset == 8 && meta.flow<A>().protocol == Protocol::tcp) return bad(Drop::tiny_fragment);
    meta.transport = Transport::later_fragment;
    return accepted;
}

/// RFC 1812 §5.2.2, clause by clause.
ParseResult check_header(const Frame& frame, const Ipv4Header& ip) noexcept {
    const std::size_t present = frame.length - ip_at, total = ip.total_length.value();
    if (ip.version() != 4) return bad(Drop::bad_ip_version);
    if (ip.length() < sizeof ip || ip.length() > present) return bad(Drop::bad_header_length);
    if (total < ip.length() || total > present) return bad(Drop::bad_total_length);
    if (!frame.readable(ip_at, ip.length())) return bad(Drop::truncated);
    if (!is_valid(add_bytes(0, frame.bytes + ip_at, ip.length()))) return bad(Drop::bad_header_checksum);
    return accepted;
}

ParseResult parse_ipv4(const Frame& frame, PacketMeta& meta) noexcept {
    if (!frame.readable(ip_at, sizeof(Ipv4Header))) return bad(Drop::truncated);
    const auto& ip = header_at<Ipv4Header>(frame.bytes + ip_at);
    if (const auto r = check_header(frame, ip); r.outcome != ParseOutcome::packet) return r;
    if (const auto r = check_addresses(ip.source, ip.destination); r.outcome != ParseOutcome::packet) return r;
    const std::uint8_t* header = frame.bytes + ip_at;
    if (!options_forwardable(header + sizeof ip, header + ip.length())) return bad(Drop::ip_options);

    describe<Ipv4>(meta, ip.source, ip.destination, ip.protocol);
    meta.ip_length = ip.total_length.value();
    meta.transport_at = static_cast<std::uint16_t>(ip_at + ip.length());
    if (ip.fragment_offset() != 0) return parse_later_fragment<Ipv4>(meta, ip.fragment_offset());
    meta.first_fragment = ip.is_fragment();
    return parse_transport<Ipv4>(frame, meta);
}

Drop why(const Ipv6Chain& chain) noexcept {
    switch (chain.fault) {
        case Ipv6Chain::Fault::unreadable:
            return Drop::truncated;
        case Ipv6Chain::Fault::cut:  // RFC 7112 §5: all headers belong into the first fragment
            return chain.first_fragment ? Drop::tiny_fragment : Drop::bad_extension_header;
        default:
            return Drop::bad_extension_header;
    }
}

ParseResult parse_ipv6(const Frame& frame, PacketMeta& meta) noexcept {
    if (!frame.readable(ip_at, sizeof(Ipv6Header))) return bad(Drop::truncated);
    const auto& ip = header_at<Ipv6Header>(frame.bytes + ip_at);
    if (ip.version() != 6) return bad(Drop::bad_ip_version);
    const std::size_t length = sizeof ip + ip.payload_length.value();
    if (length > frame.length - ip_at || length > max_datagram) return bad(Drop::bad_total_length);
    if (const auto r = check_addresses(ip.source, ip.destination); r.outcome != ParseOutcome::packet) return r;
    const Ipv6Chain chain = walk_extensions(frame.bytes + ip_at, frame.contiguous - ip_at, length);
    if (chain.fault != Ipv6Chain::Fault::none) return bad(why(chain));

    describe<Ipv6>(meta, ip.source, ip.destination, Protocol{chain.protocol});
    meta.ip_length = static_cast<std::uint16_t>(length);
    meta.transport_at = static_cast<std::uint16_t>(ip_at + chain.transport_at);
    if (chain.later_fragment) return parse_later_fragment<Ipv6>(meta, chain.fragment_offset);
    meta.first_fragment = chain.first_fragment;
    return parse_transport<Ipv6>(frame, meta);
}

}  // namespace

ParseResult detail::parse_any(const std::uint8_t* frame, std::size_t contiguous, std::size_t frame_length,
                              PacketMeta& meta) noexcept {
    meta.begin();
    if (contiguous < sizeof(EthernetHeader)) return bad(Drop::truncated);
    const auto& ethernet = header_at<EthernetHeader>(frame);
    const std::uint16_t type = ethernet.type.value();
    if (type == ether_type::vlan || type == ether_type::qinq) return bad(Drop::vlan);
    if (ethernet.destination.is_multicast()) return to_kernel;
    if (type == ether_type::ipv4) return parse_ipv4({frame, contiguous, frame_length}, meta);
    if (type == ether_type::ipv6) return parse_ipv6({frame, contiguous, frame_length}, meta);
    return to_kernel;
}

std::uint32_t fragment_id(const std::uint8_t* frame, const PacketMeta& meta) noexcept {
    const std::uint8_t* ip = frame + meta.network_at;
    if (meta.family == Family::v4) return header_at<Ipv4Header>(ip).id.value();
    const std::size_t headers = std::size_t{meta.transport_at} - meta.network_at;
    const Ipv6Chain chain = walk_extensions(ip, headers, headers);
    return header_at<Ipv6Fragment>(ip + chain.fragment_header_at).id.value();
}

}  // namespace viaduct
