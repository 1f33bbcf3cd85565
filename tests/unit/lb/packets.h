// Packets made and checked the slow, obvious way: what lb's incremental updates are compared with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "encap/packet.h"
#include "encap/wire.h"
#include "lb/connection.h"

namespace viaduct::test {

using Bytes = std::vector<std::uint8_t>;
using Random = std::mt19937_64;

[[nodiscard]] inline Bytes joined(const Bytes& a, const Bytes& b) {
    Bytes both(a.size() + b.size());
    std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), both.begin()));
    return both;
}

template <Address A>
inline constexpr std::size_t ip_header_size = std::same_as<A, Ipv4> ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
template <Address A>
inline constexpr Protocol icmp_of = std::same_as<A, Ipv4> ? Protocol::icmp : Protocol::icmpv6;

/// Word by word in network order; an odd last byte counts as a high one.
[[nodiscard]] inline std::uint32_t naive_sum(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8U : bytes[i];
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return sum;
}

/// Bit by bit (RFC 9260 Appendix A).
[[nodiscard]] inline std::uint32_t naive_crc32c(std::span<const std::uint8_t> bytes) {
    std::uint32_t crc = ~0U;
    for (const std::uint8_t byte : bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
    }
    return ~crc;
}

/// What a packet is besides its flow key.
struct Shape {
    Bytes payload;
    bool reply = false;             // ICMP echo: a reply, its identifier in the key's destination port
    bool without_checksum = false;  // UDP
};

/// The sum of a pseudo header, and where it does not exist 0.
template <Address A>
[[nodiscard]] std::uint32_t naive_pseudo_sum(const FlowKey<A>& key, std::size_t length) {
    if (key.protocol == Protocol::icmp) return 0;
    const std::uint8_t rest[] = {static_cast<std::uint8_t>(length >> 8U), static_cast<std::uint8_t>(length), 0,
                                 static_cast<std::uint8_t>(key.protocol)};
    return naive_sum(rest, naive_sum(key.destination.bytes, naive_sum(key.source.bytes)));
}

template <Address A>
[[nodiscard]] Bytes ip_header(const FlowKey<A>& key, std::size_t payload) {
    Bytes bytes(ip_header_size<A>);
    if constexpr (std::same_as<A, Ipv4>) {
        auto& ip = header_at<Ipv4Header>(bytes.data());
        ip = {.version_ihl = 0x45,
              .tos = 0,
              .total_length = Be16(static_cast<std::uint16_t>(20 + payload)),
              .id = Be16(0x1234),
              .fragment = Be16(0),
              .ttl = 61,
              .protocol = key.protocol,
              .checksum = Be16(0),
              .source = key.source,
              .destination = key.destination};
        ip.checksum = Be16(static_cast<std::uint16_t>(~naive_sum(bytes)));
    } else {
        header_at<Ipv6Header>(bytes.data()) = {.version_class_label = Be32(0x60012345),
                                               .payload_length = Be16(static_cast<std::uint16_t>(payload)),
                                               .next_header = static_cast<std::uint8_t>(key.protocol),
                                               .hop_limit = 61,
                                               .source = key.source,
                                               .destination = key.destination};
    }
    return bytes;
}

/// Writes the checksum at `at` over the pseudo header and `bytes`, UDP's way when asked.
template <Address A>
void seal(Bytes& bytes, std::size_t at, const FlowKey<A>& key) {
    bytes[at] = bytes[at + 1] = 0;
    auto sum = static_cast<std::uint16_t>(~naive_sum(bytes, naive_pseudo_sum(key, bytes.size())));
    if (key.protocol == Protocol::udp && sum == 0) sum = 0xffff;
    header_at<Be16>(&bytes[at]) = Be16(sum);
}

template <Address A>
[[nodiscard]] Bytes transport_of(const FlowKey<A>& key, const Shape& shape) {
    Bytes bytes;
    const auto start = [&](std::size_t header) {
        bytes = joined(Bytes(header), shape.payload);
        header_at<Be16>(bytes.data()) = key.source_port;
        header_at<Be16>(&bytes[2]) = key.destination_port;
    };
    if (key.protocol == Protocol::tcp) {
        start(sizeof(TcpHeader));
        bytes[12] = 0x50;
        seal(bytes, 16, key);
    } else if (key.protocol == Protocol::udp) {
        start(sizeof(UdpHeader));
        header_at<UdpHeader>(bytes.data()).length = Be16(static_cast<std::uint16_t>(bytes.size()));
        if (!shape.without_checksum) seal(bytes, 6, key);
    } else if (key.protocol == Protocol::sctp) {
        start(sizeof(SctpHeader));
        header_at<SctpHeader>(bytes.data()).checksum = Be32(__builtin_bswap32(naive_crc32c(bytes)));
    } else {
        start(sizeof(IcmpHeader));
        const std::uint8_t request = key.protocol == Protocol::icmp ? 8 : 128;
        const std::uint8_t reply = key.protocol == Protocol::icmp ? 0 : 129;
        header_at<IcmpHeader>(bytes.data()) = {.type = shape.reply ? reply : request,
                                               .code = 0,
                                               .checksum = Be16(0),
                                               .id = shape.reply ? key.destination_port : key.source_port,
                                               .sequence = Be16(7)};
        seal(bytes, 2, key);
    }
    return bytes;
}

/// From the IP header on.
template <Address A>
[[nodiscard]] Bytes ip_packet(const FlowKey<A>& key, const Shape& shape) {
    const Bytes transport = transport_of(key, shape);
    return joined(ip_header(key, transport.size()), transport);
}

/// An Ethernet header in front, its content of no interest.
[[nodiscard]] inline Bytes framed(const Bytes& ip) { return joined(Bytes(sizeof(EthernetHeader), 0xee), ip); }

template <Address A>
[[nodiscard]] PacketMeta meta_of(const FlowKey<A>& key, const Bytes& frame, Transport transport) {
    PacketMeta meta{};
    meta.flow<A>() = key;
    meta.network_at = sizeof(EthernetHeader);
    meta.transport_at = static_cast<std::uint16_t>(meta.network_at + ip_header_size<A>);
    meta.ip_length = static_cast<std::uint16_t>(frame.size() - meta.network_at);
    meta.family = family_of<A>;
    meta.transport = transport;
    return meta;
}

[[nodiscard]] inline Transport transport_kind(Protocol protocol, bool reply) {
    if (protocol != Protocol::icmp && protocol != Protocol::icmpv6) return Transport::flow;
    return reply ? Transport::echo_reply : Transport::echo_request;
}

/// Sixteen bits that are a corner of ones'-complement arithmetic every fourth time.
[[nodiscard]] inline std::uint16_t random_word(Random& random) {
    const std::uint64_t r = random();
    if ((r & 7U) == 0) return 0;
    if ((r & 7U) == 1) return 0xffff;
    return static_cast<std::uint16_t>(r >> 16U);
}

template <Address A>
[[nodiscard]] A random_address(Random& random) {
    A address;
    for (std::size_t i = 0; i < address.bytes.size(); i += 2) {
        const std::uint16_t word = random_word(random);
        address.bytes[i] = static_cast<std::uint8_t>(word >> 8U);
        address.bytes[i + 1] = static_cast<std::uint8_t>(word);
    }
    return address;
}

template <Address A>
[[nodiscard]] FlowKey<A> random_key(Random& random, Protocol protocol) {
    FlowKey<A> key{random_address<A>(random),
                   random_address<A>(random),
                   Be16(random_word(random)),
                   Be16(random_word(random)),
                   protocol,
                   NetworkId{0},
                   0};
    return key;
}

}  // namespace viaduct::test
