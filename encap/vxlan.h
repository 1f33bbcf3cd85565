// VXLAN (RFC 7348): the prebuilt headers towards a VTEP, and what is patched into them per packet.
#pragma once

#include <cstddef>

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

/// All headers in front of the inner IP packet, ready to be copied: 64 bytes over IPv4, 84 over IPv6. `write` patches
/// length, DSCP/ECN, source port, inner EtherType and checksums.
struct alignas(64) VxlanTemplate {
    static constexpr unsigned length_v4 = vxlan_overhead_v4 + sizeof(EthernetHeader);  // 64
    static constexpr unsigned length_v6 = vxlan_overhead_v6 + sizeof(EthernetHeader);  // 84
    std::array<std::uint8_t, 96> bytes{};
    std::uint32_t ipv4_sum = 0;  // of the outer IPv4 header with length, TOS and checksum zero, in memory order
    std::uint32_t udp_sum = 0;   // of all that UDP's checksum covers and no packet changes, in memory order
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

/// Writes the headers in the `path.length` bytes that end where the inner IP packet starts. `inner` points to that
/// inner IP header, `inner_length` is its packet's length, padding excluded; `tos` the outer TOS or traffic class, ECN
/// included (see ecn.h); `entropy` the flow's hash, from which the source port comes (49152–65535, RFC 7348 §5).
void write(const VxlanTemplate& path, std::uint8_t* inner, Family inner_family, std::uint16_t inner_length,
           std::uint8_t tos, std::uint32_t entropy, OuterUdpChecksum checksum) noexcept;

struct VxlanView {
    Vni vni;
    bool valid_flag;  // the I flag; all other flags and reserved bits are ignored (RFC 7348 §5)
};
/// Reads the 8 bytes of a VXLAN header.
[[nodiscard]] inline VxlanView read_vxlan(const std::uint8_t* vxlan) noexcept {
    const auto& header = header_at<VxlanHeader>(vxlan);
    const std::uint32_t vni = std::uint32_t{header.vni[0]} << 16U | std::uint32_t{header.vni[1]} << 8U | header.vni[2];
    return {Vni(vni), (header.flags & VxlanHeader::flag_vni) != 0};
}

enum class OuterUdp : std::uint8_t {
    good,
    bad_length,    // UDP's length is not what the IP header leaves for it
    bad_checksum,  // wrong, or absent over IPv6 (RFC 8200 §8.1)
    unverified,    // there is a checksum, but not all the bytes that it covers are contiguous
};
/// Checks the UDP header of an unfragmented tunnel packet that `parse` accepted.
[[nodiscard]] OuterUdp check_outer_udp(const std::uint8_t* frame, std::size_t contiguous,
                                       const PacketMeta& meta) noexcept;

}  // namespace viaduct
