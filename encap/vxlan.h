// VXLAN (RFC 7348): the prebuilt headers towards a VTEP, and what is patched into them per packet.
#pragma once

#include <cstddef>

#include "encap/checksum.h"
#include "encap/packet.h"
#include "encap/wire.h"

namespace viaduct {

/// What the outer headers towards one peer are made of. Addresses are both IPv4 or both IPv6.
struct VxlanPath {
    Mac outer_source, outer_destination;  // our port, the underlay's next hop
    IpAddress source, destination;        // our VTEP address, the peer's
    std::uint16_t udp_port = 0;           // destination
    Vni vni;
    std::uint8_t ttl = 64;
    Mac inner_source, inner_destination;  // our VTEP MAC, the peer's
};

/// All headers in front of an inner IPv4 packet, ready to be copied: 64 bytes over IPv4, 84 over IPv6. `write` patches
/// length, DSCP/ECN, source port and checksums, and the inner EtherType for IPv6.
struct VxlanTemplate {
    static constexpr unsigned length_v4 = vxlan_overhead_v4 + sizeof(EthernetHeader);  // 64
    static constexpr unsigned length_v6 = vxlan_overhead_v6 + sizeof(EthernetHeader);  // 84
    std::array<std::uint8_t, 96> bytes{};
    std::uint32_t ipv4_sum = 0;  // of the outer IPv4 header with length, TOS and checksum zero: folded, memory order
    std::uint32_t udp_sum = 0;   // of all that UDP's checksum covers and is not patched, in memory order
    std::uint8_t length = 0;     // length_v4 or length_v6; 0: no usable path
    bool outer_v4 = true;

    [[nodiscard]] static VxlanTemplate make(const VxlanPath& path);
};

enum class OuterUdpChecksum : std::uint8_t {
    zero,      // RFC 7348 §5 over IPv4; over IPv6 it is computed all the same (RFC 8200 §8.1)
    computed,  // over the whole packet; needs the inner packet's bytes contiguous
};

[[nodiscard]] constexpr Be16 vxlan_source_port(std::uint32_t entropy) noexcept {
    return Be16(static_cast<std::uint16_t>(0xc000U | (entropy >> 18U)));
}

namespace detail {

template <class OuterIp>
struct TunnelHeaders {
    EthernetHeader ethernet;
    OuterIp ip;
    UdpHeader udp;
    VxlanHeader vxlan;
    EthernetHeader inner;
};
static_assert(sizeof(TunnelHeaders<Ipv4Header>) == VxlanTemplate::length_v4);
static_assert(sizeof(TunnelHeaders<Ipv6Header>) == VxlanTemplate::length_v6);

/// Patches what differs between packets; the id stays 0, which RFC 6864 §4.1 allows beside DF.
inline void patch(Ipv4Header& ip, std::uint32_t template_sum, std::uint16_t udp_length, std::uint8_t tos,
                  std::uint32_t) noexcept {
    ip.tos = tos;
    ip.total_length = Be16(static_cast<std::uint16_t>(sizeof ip + udp_length));
    ip.checksum = finish_small(template_sum + ip.total_length.raw() + Be16(tos).raw());
}
/// The flow label carries the entropy too, for networks that spread by it (RFC 6438 §3).
inline void patch(Ipv6Header& ip, std::uint32_t, std::uint16_t udp_length, std::uint8_t tos,
                  std::uint32_t entropy) noexcept {
    ip.version_class_label = Be32(6U << 28U | std::uint32_t{tos} << 20U | (entropy & 0xfffffU));
    ip.payload_length = Be16(udp_length);
}

template <class OuterIp>
inline void write_headers(const VxlanTemplate& path, std::uint8_t* inner_ip, Family inner_family,
                          std::uint16_t inner_length, std::uint8_t tos, std::uint32_t entropy, bool checksum) noexcept {
    using Headers = TunnelHeaders<OuterIp>;
    std::memcpy(inner_ip - sizeof(Headers), path.bytes.data(), sizeof(Headers));
    auto& headers = header_at<Headers>(inner_ip - sizeof(Headers));
    constexpr unsigned in_front = sizeof headers.udp + sizeof headers.vxlan + sizeof headers.inner;
    const auto udp_length = static_cast<std::uint16_t>(in_front + inner_length);
    patch(headers.ip, path.ipv4_sum, udp_length, tos, entropy);
    headers.udp.source_port = vxlan_source_port(entropy);
    headers.udp.length = Be16(udp_length);
    if (inner_family == Family::v6) headers.inner.type = Be16(ether_type::ipv6);
    if (!checksum) return;
    const std::uint64_t patched = sum_of(headers.udp.source_port) + sum_of(headers.inner.type) +
                                  2 * sum_of(headers.udp.length);  // in the pseudo header once more
    // an IPv4 header's own checksum is there to make the sum of its bytes 0
    const std::size_t zero = inner_family == Family::v4 ? header_at<Ipv4Header>(inner_ip).length() : 0;
    headers.udp.checksum = finish_udp(add_bytes(path.udp_sum + patched, inner_ip + zero, inner_length - zero));
}

}  // namespace detail

/// Writes the headers in the `path.length` bytes that end where the inner IP packet starts. `inner` points to that
/// inner IP header, which has the right checksum, `inner_length` is its packet's length, padding excluded, and has
/// passed the path's MTU check;
/// `tos` the outer TOS or traffic class, ECN included (see ecn.h); `entropy` the flow's hash, from which the source
/// port comes (49152–65535, RFC 7348 §5).
inline void write(const VxlanTemplate& path, std::uint8_t* inner, Family inner_family, std::uint16_t inner_length,
                  std::uint8_t tos, std::uint32_t entropy, OuterUdpChecksum checksum) noexcept {
    if (path.outer_v4)
        detail::write_headers<Ipv4Header>(path, inner, inner_family, inner_length, tos, entropy,
                                          checksum == OuterUdpChecksum::computed);
    else
        detail::write_headers<Ipv6Header>(path, inner, inner_family, inner_length, tos, entropy, true);
}

/// The same for outer IPv4 without a UDP checksum, as most tunnels are.
inline void write_plain_ipv4(const VxlanTemplate& path, std::uint8_t* inner, Family inner_family,
                             std::uint16_t inner_length, std::uint8_t tos, std::uint32_t entropy) noexcept {
    detail::write_headers<Ipv4Header>(path, inner, inner_family, inner_length, tos, entropy, false);
}

/// Whether the UDP length of an unfragmented tunnel packet is what the IP header leaves for it, which is `left`, and
/// leaves room for a VXLAN header.
[[nodiscard]] inline bool outer_udp_fits(const UdpHeader& udp, std::size_t left) noexcept {
    return udp.length.value() == left && left >= sizeof udp + sizeof(VxlanHeader);
}

enum class OuterSum : std::uint8_t {
    good,        // also none, over IPv4
    bad,         // also none, over IPv6 (RFC 8200 §8.1)
    unverified,  // there is one, but not all the bytes that it covers are contiguous
};
/// The UDP checksum of a tunnel packet over A that fits.
template <Address A>
[[nodiscard]] inline OuterSum check_outer_sum(const std::uint8_t* frame, std::size_t contiguous,
                                              const PacketMeta& meta) noexcept {
    const auto& udp = header_at<UdpHeader>(frame + meta.transport_at);
    if (udp.checksum.raw() == 0) return std::same_as<A, Ipv4> ? OuterSum::good : OuterSum::bad;
    if (std::size_t{meta.network_at} + meta.ip_length > contiguous) return OuterSum::unverified;
    const std::uint16_t length = udp.length.value();
    WideSum words;
    words.add(meta.flow<A>().source);
    words.add(meta.flow<A>().destination);
    words.add(frame + meta.transport_at, length);
    const std::uint64_t sum =
        words.value() + sum_of(Be16(static_cast<std::uint16_t>(Protocol::udp))) + sum_of(Be32(length));
    return is_valid(sum) ? OuterSum::good : OuterSum::bad;
}

}  // namespace viaduct
