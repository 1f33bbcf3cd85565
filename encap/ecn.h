// Congestion marks across a tunnel (RFC 6040), and what the outer header tells of the inner DSCP (RFC 2983).
#pragma once

#include "encap/checksum.h"
#include "encap/packet.h"
#include "encap/wire.h"

namespace viaduct {

namespace ecn {
inline constexpr std::uint8_t mask = 0x03;
inline constexpr std::uint8_t not_ect = 0, ect1 = 1, ect0 = 2, ce = 3;
inline constexpr std::uint8_t drop = 0xff;  // not a codepoint: the packet must go
}  // namespace ecn

/// How the outer TOS or traffic class comes from the inner one: it carries the inner packet's ECN field (RFC 6040 §4.1,
/// normal mode) and the inner DSCP (uniform) or one of its own (pipe), which is 0–63.
class OuterTos {
public:
    [[nodiscard]] static constexpr OuterTos uniform() noexcept { return {0xff, 0}; }
    [[nodiscard]] static constexpr OuterTos pipe(std::uint8_t dscp) noexcept {
        return {ecn::mask, static_cast<std::uint8_t>(dscp << 2U)};
    }
    [[nodiscard]] constexpr std::uint8_t of(std::uint8_t inner_tos) const noexcept {
        return static_cast<std::uint8_t>((inner_tos & kept_) | own_);
    }

private:
    constexpr OuterTos(std::uint8_t kept, std::uint8_t own) noexcept : kept_(kept), own_(own) {}
    std::uint8_t kept_, own_;  // bits
};

/// RFC 6040 §4.2, figure 4: the ECN field of the packet that leaves the tunnel, by [inner][outer], or `ecn::drop`.
inline constexpr std::array<std::array<std::uint8_t, 4>, 4> decapsulated_ecn{{
    {ecn::not_ect, ecn::not_ect, ecn::not_ect, ecn::drop},  // inner Not-ECT
    {ecn::ect1, ecn::ect1, ecn::ect1, ecn::ce},             // inner ECT(1)
    {ecn::ect0, ecn::ect1, ecn::ect0, ecn::ce},             // inner ECT(0)
    {ecn::ce, ecn::ce, ecn::ce, ecn::ce},                   // inner CE
}};

/// The TOS byte or traffic class of an IP header.
[[nodiscard]] inline std::uint8_t tos_of(const std::uint8_t* ip, Family family) noexcept {
    return family == Family::v4 ? header_at<Ipv4Header>(ip).tos : header_at<Ipv6Header>(ip).traffic_class();
}

inline void set_ecn(Ipv4Header& ip, std::uint8_t codepoint) noexcept {
    const auto tos = static_cast<std::uint8_t>((ip.tos & ~ecn::mask) | codepoint);
    ChecksumDelta delta;  // version and header length share the word and cancel out
    delta.change(Be16(ip.tos), Be16(tos));
    apply(ip.checksum, delta.value());
    ip.tos = tos;
}
inline void set_ecn(Ipv6Header& ip, std::uint8_t codepoint) noexcept {
    const std::uint32_t word = ip.version_class_label.value() & ~(std::uint32_t{ecn::mask} << 20U);
    ip.version_class_label = Be32(word | std::uint32_t{codepoint} << 20U);
}

/// Takes the outer header's congestion mark over to the inner IP header. False: the packet must be dropped
/// (Drop::ecn_congested). The inner DSCP is left alone.
[[nodiscard]] inline bool decapsulate_ecn(std::uint8_t* inner_ip, Family inner, std::uint8_t outer_tos) noexcept {
    if ((outer_tos & ecn::mask) == ecn::not_ect) return true;  // the table's first column
    const std::uint8_t before = tos_of(inner_ip, inner) & ecn::mask;
    const std::uint8_t after = decapsulated_ecn[before][outer_tos & ecn::mask];
    if (after == before) return true;
    if (after == ecn::drop) return false;
    if (inner == Family::v4)
        set_ecn(header_at<Ipv4Header>(inner_ip), after);
    else
        set_ecn(header_at<Ipv6Header>(inner_ip), after);
    return true;
}

}  // namespace viaduct
