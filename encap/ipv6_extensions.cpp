// See ipv6_extensions.h.
#include "encap/ipv6_extensions.h"

#include "encap/wire.h"

namespace viaduct {
namespace {

constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, destination_options = 60;

constexpr bool is_extension(std::uint8_t next) noexcept {
    return next == hop_by_hop || next == routing || next == fragment || next == destination_options;
}

/// Bytes of an extension header whose first 8 are readable.
constexpr std::size_t length_of(std::uint8_t type, const std::uint8_t* header) noexcept {
    return type == fragment ? sizeof(Ipv6Fragment) : (std::size_t{header[1]} + 1) * 8;
}

/// Routing type 0 with a way still to go: IPv6's source routing (RFC 5095).
constexpr bool is_source_route(std::uint8_t type, const std::uint8_t* header) noexcept {
    return type == routing && header[2] == 0 && header[3] != 0;
}

void note_fragment(Ipv6Chain& chain, const Ipv6Fragment& header) noexcept {
    const std::uint16_t bits = header.offset_more.value();
    chain.fragment_header_at = chain.transport_at;
    chain.fragment_offset = static_cast<std::uint16_t>(bits & 0xfff8U);
    chain.later_fragment = chain.fragment_offset != 0;
    chain.first_fragment = !chain.later_fragment && (bits & 1U) != 0;
}

Ipv6Chain failed(Ipv6Chain chain, Ipv6Chain::Fault fault) noexcept {
    chain.fault = fault;
    return chain;
}

}  // namespace

Ipv6Chain walk_extensions(const std::uint8_t* ip, std::size_t readable, std::size_t length) noexcept {
    using Fault = Ipv6Chain::Fault;
    Ipv6Chain chain;
    chain.protocol = header_at<Ipv6Header>(ip).next_header;
    chain.transport_at = sizeof(Ipv6Header);
    for (unsigned seen = 0; is_extension(chain.protocol) && !chain.later_fragment; ++seen) {
        const std::uint8_t type = chain.protocol;
        const bool misplaced = (type == hop_by_hop && seen != 0) || (type == fragment && chain.fragment_header_at != 0);
        if (misplaced || seen == Ipv6Chain::max_headers) return failed(chain, Fault::malformed);
        if (chain.transport_at + 8 > length) return failed(chain, Fault::cut);
        if (chain.transport_at + 8 > readable) return failed(chain, Fault::unreadable);
        const std::uint8_t* header = ip + chain.transport_at;
        if (is_source_route(type, header)) return failed(chain, Fault::malformed);
        if (type == fragment) note_fragment(chain, header_at<Ipv6Fragment>(header));
        chain.protocol = header[0];
        chain.transport_at += length_of(type, header);
        if (chain.transport_at > length) return failed(chain, Fault::cut);
    }
    return chain;
}

}  // namespace viaduct
