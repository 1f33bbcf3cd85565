// From bytes to PacketMeta: Ethernet, IPv4 or IPv6, and the transport header, checked before anything is believed.
#pragma once

#include <cstddef>

#include "encap/checksum.h"
#include "encap/drop.h"
#include "encap/packet.h"
#include "encap/wire.h"

namespace viaduct {

enum class ParseOutcome : std::uint8_t {
    packet,      // valid unicast IP: the metadata is filled
    for_kernel,  // not IP, or multicast, broadcast or link-local: the kernel twin's business
    bad,         // to be dropped
};

struct ParseResult {
    ParseOutcome outcome;
    Drop why;  // meaningful when bad
};

namespace detail {

/// All that `parse` promises, for the packets that `parse_plain` does not vouch for.
[[nodiscard]] ParseResult parse_any(const std::uint8_t* frame, std::size_t contiguous, std::size_t frame_length,
                                    PacketMeta& meta) noexcept;

/// Addresses of which the first byte tells that any host may have them, as most do: by that byte.
template <Address A>
inline constexpr std::array<bool, 256> ordinary = [] {
    std::array<bool, 256> table{};
    const unsigned last = std::same_as<A, Ipv4> ? 223 : 0xfd;
    for (unsigned byte = 1; byte <= last; ++byte) table[byte] = !(std::same_as<A, Ipv4> && byte == 127);
    return table;
}();

/// For a header without options, which are 20 bytes: three words.
[[nodiscard]] inline bool has_valid_sum(const Ipv4Header& ip) noexcept {
    std::uint64_t start, ends;
    std::uint32_t middle;
    std::memcpy(&start, &ip, sizeof start);
    std::memcpy(&middle, &ip.ttl, sizeof middle);
    std::memcpy(&ends, &ip.source, sizeof ends);
    std::uint64_t sum = start + ends;
    const std::uint64_t rest = middle + std::uint64_t{sum < ends};  // a carry out of 64 bits weighs as much as 1
    sum += rest;
    return is_valid(sum + (sum < rest ? 1U : 0U));
}

/// What `parse_plain` asks of an IP header: no options, no extensions, no fragment, valid, TCP or UDP follows.
[[nodiscard]] inline bool is_plain(const Ipv4Header& ip) noexcept {
    using Bytes = std::array<std::uint8_t, 8>;  // the first ones: version and length, and the fragment field without DF
    constexpr auto looked_at = std::bit_cast<std::uint64_t>(Bytes{0xff, 0, 0, 0, 0, 0, 0x3f, 0xff});
    constexpr auto wanted = std::bit_cast<std::uint64_t>(Bytes{0x45});
    std::uint64_t start;
    std::memcpy(&start, &ip, sizeof start);
    return (start & looked_at) == wanted && has_valid_sum(ip);
}
[[nodiscard]] inline bool is_plain(const Ipv6Header& ip) noexcept {
    return (ip.version_class_label.raw() & Be32(0xf0000000).raw()) == Be32(0x60000000).raw();
}
[[nodiscard]] inline Protocol protocol_of(const Ipv4Header& ip) noexcept { return ip.protocol; }
[[nodiscard]] inline Protocol protocol_of(const Ipv6Header& ip) noexcept { return Protocol{ip.next_header}; }
[[nodiscard]] inline std::size_t length_of(const Ipv4Header& ip) noexcept { return ip.total_length.value(); }
[[nodiscard]] inline std::size_t length_of(const Ipv6Header& ip) noexcept {
    return sizeof ip + ip.payload_length.value();
}

/// std::memcpy by two words and one at a time: where g++ believes that it seldom comes, it would take an instruction
/// for the whole that is made for thousands of bytes.
[[gnu::always_inline]] inline void copy_words(std::uint8_t* to, const std::uint8_t* from, std::size_t length) noexcept {
    std::size_t at = 0;
    for (; at + 16 <= length; at += 16) std::memcpy(to + at, from + at, 16);
    for (; at < length; at += 8) std::memcpy(to + at, from + at, 8);
}

/// Whether `length` bytes hold what the header says; 20 bytes are readable. Tells TCP's flags, 0 for UDP.
[[nodiscard]] inline bool transport_fits(const std::uint8_t* transport, Protocol protocol, std::size_t length,
                                         std::uint8_t& tcp_flags) noexcept {
    tcp_flags = 0;
    if (protocol == Protocol::tcp) {
        // in the upper four bits, which decide whatever the lower ones are
        constexpr unsigned least = sizeof(TcpHeader) / 4 << 4U;
        const auto& tcp = header_at<TcpHeader>(transport);
        tcp_flags = tcp.flags;
        return tcp.data_offset >= least && tcp.length() <= length;
    }
    const unsigned udp = header_at<UdpHeader>(transport).length.value();
    return protocol == Protocol::udp && udp >= sizeof(UdpHeader) && udp <= length;
}

}  // namespace detail

/// Below so many readable bytes `parse_plain` looks at nothing.
template <Address A>
inline constexpr std::size_t plain_bytes = sizeof(EthernetHeader) +
                                           (std::same_as<A, Ipv4> ? sizeof(Ipv4Header) : sizeof(Ipv6Header)) +
                                           sizeof(TcpHeader);

/// `parse` for a frame whose EtherType is A's and whose destination is no multicast address: describes the packet when
/// nothing about it is unusual, with its origin. False leaves `meta` as it was, and says nothing.
template <Address A>
[[nodiscard, gnu::always_inline]] inline bool parse_plain(const std::uint8_t* frame, std::size_t contiguous,
                                                          std::size_t frame_length, PacketMeta& meta,
                                                          Origin from = {}) noexcept {
    using namespace detail;
    using Header = std::conditional_t<std::same_as<A, Ipv4>, Ipv4Header, Ipv6Header>;
    constexpr std::size_t ip_at = sizeof(EthernetHeader), transport_at = ip_at + sizeof(Header);
    if (contiguous < plain_bytes<A>) return false;
    const auto& ip = header_at<Header>(frame + ip_at);
    const std::uint8_t* transport = frame + transport_at;
    const std::size_t length = length_of(ip), payload = length - sizeof(Header);  // below 0: more than any frame has
    const Protocol protocol = protocol_of(ip);
    if (payload > frame_length - transport_at || length > 0xffff || !is_plain(ip)) return false;
    if (!ordinary<A>[ip.source.bytes[0]] || !ordinary<A>[ip.destination.bytes[0]]) return false;
    std::uint8_t tcp_flags;
    if (!transport_fits(transport, protocol, payload, tcp_flags)) return false;

    // Addresses and ports lie in the packet as they do in the key: IP's are its header's last bytes, the ports TCP's
    // and UDP's first ones. What follows is copied with them, and overwritten.
    FlowKey<A>& key = meta.flow<A>();
    static_assert(offsetof(Header, source) + offsetof(FlowKey<A>, protocol) == sizeof(Header) + 2 * sizeof(Be16));
    copy_words(reinterpret_cast<std::uint8_t*>(&key), ip.source.bytes.data(), sizeof key);
    key.set_rest(protocol, from.network);
    meta.begin(from);
    meta.network_at = ip_at;
    meta.transport_at = transport_at;
    meta.family = family_of<A>;
    meta.transport = Transport::flow;
    meta.first_fragment = false;
    meta.whole_flow = true;
    meta.tcp_flags = tcp_flags;
    meta.ip_length = static_cast<std::uint16_t>(length);
    return true;
}

/// Checks a frame from its Ethernet header on (RFC 1812 §5.2.2 and §5.3.7, RFC 8200) and describes it in `meta`: key,
/// offsets, lengths, family, transport, TCP flags, first_fragment; the key's network is `none`, and `begin` is called.
/// `contiguous` bytes can be read, the whole packet has `frame_length`; headers beyond the former are `truncated`. Of
/// `meta` only what `begin` sets has a meaning unless the outcome is `packet`. TTL and hop limit are not looked at.
[[nodiscard]] inline ParseResult parse(const std::uint8_t* frame, std::size_t contiguous, std::size_t frame_length,
                                       PacketMeta& meta) noexcept {
    if (contiguous >= sizeof(EthernetHeader)) {
        const auto& ethernet = header_at<EthernetHeader>(frame);
        const bool v4 = ethernet.type == Be16(ether_type::ipv4), v6 = ethernet.type == Be16(ether_type::ipv6);
        if (!ethernet.destination.is_multicast() && ((v4 && parse_plain<Ipv4>(frame, contiguous, frame_length, meta)) ||
                                                     (v6 && parse_plain<Ipv6>(frame, contiguous, frame_length, meta))))
            return {ParseOutcome::packet, Drop{}};
    }
    return detail::parse_any(frame, contiguous, frame_length, meta);
}

/// What an ICMP message of this type is to the gateway.
template <Address A>
[[nodiscard]] constexpr Transport icmp_kind(std::uint8_t type) noexcept {
    if constexpr (std::same_as<A, Ipv4>) {  // RFC 792
        if (type == 8) return Transport::echo_request;
        if (type == 0) return Transport::echo_reply;
        return type == 3 || type == 11 || type == 12 ? Transport::icmp_error : Transport::other;
    } else {  // RFC 4443 §2.1
        if (type == 128) return Transport::echo_request;
        if (type == 129) return Transport::echo_reply;
        return type >= 1 && type <= 4 ? Transport::icmp_error : Transport::other;
    }
}

template <Address A>
inline constexpr Protocol icmp_of = std::same_as<A, Ipv4> ? Protocol::icmp : Protocol::icmpv6;

/// What all fragments of one datagram share besides their addresses: IPv4's 16-bit id, or the one of the IPv6 fragment
/// header. Only for fragments that `parse` accepted. The protocol is no part of it: an IPv6 extension header between
/// fragment and transport header makes the first fragment's key differ from the later ones' in that.
[[nodiscard]] std::uint32_t fragment_id(const std::uint8_t* frame, const PacketMeta& meta) noexcept;

}  // namespace viaduct
