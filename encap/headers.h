// From bytes to PacketMeta: Ethernet, IPv4 or IPv6, and the transport header, checked before anything is believed.
#pragma once

#include <cstddef>

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

/// Checks a frame from its Ethernet header on (RFC 1812 §5.2.2 and §5.3.7, RFC 8200) and describes it in `meta`: key,
/// offsets, lengths, family, transport, TCP flags, first_fragment; the key's network is `none`. `contiguous` bytes can
/// be read, the whole packet has `frame_length`; headers beyond the former are `truncated`. `meta` means nothing
/// unless the outcome is `packet`. TTL and hop limit are not looked at.
[[nodiscard]] ParseResult parse(const std::uint8_t* frame, std::size_t contiguous, std::size_t frame_length,
                                PacketMeta& meta) noexcept;

/// What all fragments of one datagram share besides their addresses: IPv4's 16-bit id, or the one of the IPv6 fragment
/// header. Only for fragments that `parse` accepted. The protocol is no part of it: an IPv6 extension header between
/// fragment and transport header makes the first fragment's key differ from the later ones' in that.
[[nodiscard]] std::uint32_t fragment_id(const std::uint8_t* frame, const PacketMeta& meta) noexcept;

}  // namespace viaduct
