// Parsing for tests: from a heap block of exactly the frame's size, so that a byte read too far is found.
#pragma once

#include <algorithm>
#include <memory>

#include "encap/headers.h"
#include "tests/support/packet_builder.h"

namespace viaduct::test {

/// A copy without a spare byte behind it.
class Exact {
public:
    explicit Exact(const Bytes& bytes, std::size_t length) : bytes_(new std::uint8_t[length]), length_(length) {
        std::copy_n(bytes.begin(), length, bytes_.get());
    }
    explicit Exact(const Bytes& bytes) : Exact(bytes, bytes.size()) {}
    [[nodiscard]] std::uint8_t* data() const { return bytes_.get(); }
    [[nodiscard]] std::size_t size() const { return length_; }
    [[nodiscard]] Bytes copy() const { return {data(), data() + length_}; }

private:
    std::unique_ptr<std::uint8_t[]> bytes_;
    std::size_t length_;
};

struct Parsed {
    ParseResult result{};
    PacketMeta meta;

    [[nodiscard]] bool is_packet() const { return result.outcome == ParseOutcome::packet; }
    [[nodiscard]] bool is_bad(Drop why) const { return result.outcome == ParseOutcome::bad && result.why == why; }
};

inline Parsed parsed(const Exact& frame) {
    Parsed p;
    p.result = parse(frame.data(), frame.size(), frame.size(), p.meta);
    return p;
}
inline Parsed parsed(const Bytes& frame) { return parsed(Exact(frame)); }

/// Two hosts of each family.
struct Hosts {
    std::string_view a, b;
};
template <Address A>
inline constexpr Hosts hosts =
    std::same_as<A, Ipv4> ? Hosts{"10.0.0.1", "10.244.3.7"} : Hosts{"2001:db8::1", "fd00:244:3::7"};

template <Address A>
PacketBuilder between_hosts() {
    return PacketBuilder().ethernet().ip(hosts<A>.a, hosts<A>.b);
}

}  // namespace viaduct::test
