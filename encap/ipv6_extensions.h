// The walk from an IPv6 header over its extension headers to what they carry (RFC 8200 §4).
#pragma once

#include <cstddef>
#include <cstdint>

namespace viaduct {

struct Ipv6Chain {
    enum class Fault : std::uint8_t {
        none,
        malformed,   // misplaced, repeated, source routing, or more headers than anybody needs
        cut,         // the packet ends inside the chain
        unreadable,  // the packet goes on, the readable bytes do not
    };
    static constexpr unsigned max_headers = 8;

    Fault fault = Fault::none;
    std::uint8_t protocol = 0;           // what the chain ends in; AH, ESP and "no next header" end it
    bool first_fragment = false;         // more fragments follow. An atomic fragment (RFC 6946) is none
    bool later_fragment = false;         // `transport_at` is then where the fragment's data starts
    std::uint16_t fragment_offset = 0;   // bytes
    std::size_t fragment_header_at = 0;  // this and the next one count from the IPv6 header; 0: none
    std::size_t transport_at = 0;
};

/// `length` is the whole packet's, IPv6 header included; `readable` bytes of it can be read, at least 40.
[[nodiscard]] Ipv6Chain walk_extensions(const std::uint8_t* ip, std::size_t readable, std::size_t length) noexcept;

}  // namespace viaduct
