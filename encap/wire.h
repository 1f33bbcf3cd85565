// Headers as they lie on the wire. Every field has alignment 1, so a header may be laid over any byte of a frame.
#pragma once

#include "encap/net_types.h"

namespace viaduct {

namespace ether_type {
inline constexpr std::uint16_t ipv4 = 0x0800;
inline constexpr std::uint16_t arp = 0x0806;
inline constexpr std::uint16_t ipv6 = 0x86dd;
inline constexpr std::uint16_t vlan = 0x8100;
inline constexpr std::uint16_t qinq = 0x88a8;
}  // namespace ether_type

struct EthernetHeader {
    Mac destination;
    Mac source;
    Be16 type;

    /// The destination as Mac::word(), read at once: the header is longer than a word.
    [[nodiscard]] std::uint64_t destination_word() const noexcept {
        constexpr auto six_bytes = Mac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}.word();
        std::uint64_t word;
        std::memcpy(&word, this, sizeof word);
        return word & six_bytes;
    }
};

struct Ipv4Header {  // RFC 791 §3.1
    static constexpr std::uint16_t dont_fragment = 0x4000, more_fragments = 0x2000, offset_mask = 0x1fff;
    std::uint8_t version_ihl;
    std::uint8_t tos;  // DSCP (6 bits), ECN (2 bits)
    Be16 total_length;
    Be16 id;
    Be16 fragment;  // flags (3 bits), offset in units of 8 bytes (13 bits)
    std::uint8_t ttl;
    Protocol protocol;
    Be16 checksum;
    Ipv4 source;
    Ipv4 destination;

    /// Bytes, options included. 0–60; valid headers have ≥ 20.
    [[nodiscard]] constexpr unsigned length() const { return (version_ihl & 0x0fU) * 4U; }
    [[nodiscard]] constexpr unsigned version() const { return version_ihl >> 4U; }
    /// Part of a fragmented datagram. DF alone is not a fragment.
    [[nodiscard]] constexpr bool is_fragment() const {
        return (fragment.value() & (more_fragments | offset_mask)) != 0;
    }
    /// Bytes of the datagram's payload before this fragment's.
    [[nodiscard]] constexpr unsigned fragment_offset() const { return (fragment.value() & offset_mask) * 8U; }
};

struct Ipv6Header {            // RFC 8200 §3
    Be32 version_class_label;  // version (4), traffic class (8), flow label (20)
    Be16 payload_length;
    std::uint8_t next_header;
    std::uint8_t hop_limit;
    Ipv6 source;
    Ipv6 destination;

    [[nodiscard]] constexpr unsigned version() const { return version_class_label.value() >> 28U; }
    [[nodiscard]] constexpr std::uint8_t traffic_class() const {
        return static_cast<std::uint8_t>(version_class_label.value() >> 20U);
    }
};

struct Ipv6Fragment {  // RFC 8200 §4.5
    std::uint8_t next_header;
    std::uint8_t reserved;
    Be16 offset_more;  // offset in units of 8 bytes (13 bits), reserved (2), M (1)
    Be32 id;
};

struct TcpHeader {  // RFC 9293 §3.1
    static constexpr std::uint8_t fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10;
    Be16 source_port;
    Be16 destination_port;
    Be32 sequence;
    Be32 acknowledgement;
    std::uint8_t data_offset;  // upper 4 bits, in units of 4 bytes
    std::uint8_t flags;
    Be16 window;
    Be16 checksum;
    Be16 urgent;

    [[nodiscard]] constexpr unsigned length() const { return (data_offset >> 2U) & 0x3cU; }
};

struct UdpHeader {
    Be16 source_port;
    Be16 destination_port;
    Be16 length;    // header included
    Be16 checksum;  // 0: none (IPv4 only, RFC 768)
};

struct SctpHeader {  // RFC 9260 §3.1; the checksum is CRC32c and covers no address
    Be16 source_port;
    Be16 destination_port;
    Be32 verification_tag;
    Be32 checksum;
};

struct IcmpHeader {  // RFC 792, RFC 4443
    std::uint8_t type;
    std::uint8_t code;
    Be16 checksum;
    Be16 id;        // echo; the high half of "unused" in errors
    Be16 sequence;  // echo; next-hop MTU in ICMPv4 3/4
};

struct VxlanHeader {  // RFC 7348 §5
    static constexpr std::uint8_t flag_vni = 0x08;
    std::uint8_t flags;  // all but this one, and what is reserved, are ignored
    std::array<std::uint8_t, 3> reserved;
    Be32 vni_reserved;  // the VNI is the upper 24 bits

    [[nodiscard]] static constexpr VxlanHeader of(Vni vni) { return {flag_vni, {}, Be32(vni.value() << 8U)}; }
    [[nodiscard]] constexpr bool has_vni() const { return (flags & flag_vni) != 0; }
    [[nodiscard]] constexpr Vni vni() const { return Vni(vni_reserved.value() >> 8U); }
    /// All that a receiver looks at, as one number.
    [[nodiscard]] constexpr std::uint64_t word() const {
        const VxlanHeader looked_at{flag_vni, {}, Be32(Vni::max << 8U)};
        return std::bit_cast<std::uint64_t>(*this) & std::bit_cast<std::uint64_t>(looked_at);
    }
};

inline constexpr std::uint16_t ethernet_size = sizeof(EthernetHeader);
static_assert(sizeof(EthernetHeader) == 14 && sizeof(Ipv4Header) == 20 && sizeof(Ipv6Header) == 40);
static_assert(sizeof(Ipv6Fragment) == 8 && sizeof(TcpHeader) == 20 && sizeof(UdpHeader) == 8);
static_assert(sizeof(SctpHeader) == 12 && sizeof(IcmpHeader) == 8 && sizeof(VxlanHeader) == 8);
static_assert(alignof(Ipv6Header) == 1 && alignof(TcpHeader) == 1);

/// The wire struct at `bytes`. The caller has checked that sizeof(T) bytes are there.
template <class T>
[[nodiscard]] inline T& header_at(std::uint8_t* bytes) noexcept {
    static_assert(alignof(T) == 1 && std::is_trivially_copyable_v<T>);
    return *reinterpret_cast<T*>(bytes);
}
template <class T>
[[nodiscard]] inline const T& header_at(const std::uint8_t* bytes) noexcept {
    static_assert(alignof(T) == 1 && std::is_trivially_copyable_v<T>);
    return *reinterpret_cast<const T*>(bytes);
}

/// Bytes that VXLAN adds in front of the inner frame's Ethernet header, and so takes from the MTU.
inline constexpr unsigned vxlan_overhead_v4 =
    sizeof(EthernetHeader) + sizeof(Ipv4Header) + sizeof(UdpHeader) + sizeof(VxlanHeader);  // 50
inline constexpr unsigned vxlan_overhead_v6 =
    sizeof(EthernetHeader) + sizeof(Ipv6Header) + sizeof(UdpHeader) + sizeof(VxlanHeader);  // 70

}  // namespace viaduct
