// The words every floor speaks: byte-order-safe integers, addresses, prefixes, VNIs and flow keys.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace viaduct {

/// An unsigned integer in network byte order. Conversions are explicit, so a host-order value can never slip
/// onto the wire. Stored as bytes: alignment 1, because frames put IP headers at 2 mod 4.
template <std::unsigned_integral T>
class BigEndian {
public:
    constexpr BigEndian() = default;
    explicit constexpr BigEndian(T host) : bytes_(std::bit_cast<Bytes>(swap(host))) {}

    /// The value in host byte order.
    [[nodiscard]] constexpr T value() const { return swap(raw()); }
    /// The value as it lies in memory: for checksums and hashes, where order does not matter.
    [[nodiscard]] constexpr T raw() const { return std::bit_cast<T>(bytes_); }
    [[nodiscard]] static constexpr BigEndian from_raw(T raw) { return BigEndian(swap(raw)); }

    constexpr bool operator==(const BigEndian& other) const { return raw() == other.raw(); }
    constexpr auto operator<=>(const BigEndian& other) const { return value() <=> other.value(); }

private:
    using Bytes = std::array<std::uint8_t, sizeof(T)>;
    static constexpr T swap(T v) {
        if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1)
            return v;
        else if constexpr (sizeof(T) == 2)
            return __builtin_bswap16(v);
        else if constexpr (sizeof(T) == 4)
            return __builtin_bswap32(v);
        else
            return __builtin_bswap64(v);
    }
    Bytes bytes_{};
};
using Be16 = BigEndian<std::uint16_t>;
using Be32 = BigEndian<std::uint32_t>;
static_assert(sizeof(Be16) == 2 && alignof(Be32) == 1);

struct Mac {
    std::array<std::uint8_t, 6> bytes{};
    auto operator<=>(const Mac&) const = default;
    constexpr bool operator==(const Mac& other) const { return word() == other.word(); }
    /// All six bytes in one integer, in memory order: for comparing and hashing.
    [[nodiscard]] constexpr std::uint64_t word() const {
        std::array<std::uint8_t, 8> padded{bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], 0, 0};
        return std::bit_cast<std::uint64_t>(padded);
    }
    [[nodiscard]] constexpr bool is_multicast() const { return (bytes[0] & 1) != 0; }
    [[nodiscard]] constexpr bool is_zero() const { return *this == Mac{}; }
};

struct Ipv4 {
    static constexpr std::uint8_t bits = 32;
    std::array<std::uint8_t, 4> bytes{};

    constexpr Ipv4() = default;
    constexpr Ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) : bytes{a, b, c, d} {}
    static constexpr Ipv4 from_host(std::uint32_t v) {
        Ipv4 address;
        address.bytes = std::bit_cast<std::array<std::uint8_t, 4>>(Be32(v));
        return address;
    }
    [[nodiscard]] constexpr std::uint32_t host() const { return std::bit_cast<Be32>(bytes).value(); }
    [[nodiscard]] constexpr std::uint32_t raw() const { return std::bit_cast<std::uint32_t>(bytes); }
    constexpr bool operator==(const Ipv4& other) const { return raw() == other.raw(); }
    constexpr auto operator<=>(const Ipv4& other) const { return host() <=> other.host(); }
};

struct Ipv6 {
    static constexpr std::uint8_t bits = 128;
    std::array<std::uint8_t, 16> bytes{};

    /// The two 64-bit halves as they lie in memory.
    [[nodiscard]] constexpr std::array<std::uint64_t, 2> raw() const {
        return std::bit_cast<std::array<std::uint64_t, 2>>(bytes);
    }
    constexpr bool operator==(const Ipv6& other) const {
        const auto a = raw(), b = other.raw();
        return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
    }
    constexpr auto operator<=>(const Ipv6& other) const { return bytes <=> other.bytes; }
};

/// Either family's address, for everything that is not a hot loop. IPv4 is kept IPv4-mapped (RFC 4291 §2.5.5.2).
class IpAddress {
public:
    constexpr IpAddress() = default;
    constexpr IpAddress(Ipv4 v4) {  // NOLINT: an address is an address
        bytes_.bytes[10] = bytes_.bytes[11] = 0xff;
        for (unsigned i = 0; i < 4; ++i) bytes_.bytes[12 + i] = v4.bytes[i];
    }
    constexpr IpAddress(Ipv6 v6) : bytes_(v6) {}  // NOLINT

    [[nodiscard]] constexpr bool is_v4() const {
        for (unsigned i = 0; i < 10; ++i)
            if (bytes_.bytes[i] != 0) return false;
        return bytes_.bytes[10] == 0xff && bytes_.bytes[11] == 0xff;
    }
    [[nodiscard]] constexpr bool is_unspecified() const { return bytes_ == Ipv6{} || *this == IpAddress(Ipv4{}); }
    /// Meaningful only when `is_v4()`.
    [[nodiscard]] constexpr Ipv4 v4() const {
        return {bytes_.bytes[12], bytes_.bytes[13], bytes_.bytes[14], bytes_.bytes[15]};
    }
    [[nodiscard]] constexpr Ipv6 v6() const { return bytes_; }
    [[nodiscard]] constexpr std::uint8_t bits() const { return is_v4() ? Ipv4::bits : Ipv6::bits; }
    auto operator<=>(const IpAddress&) const = default;

private:
    Ipv6 bytes_{};
};

template <class A>
concept Address = std::same_as<A, Ipv4> || std::same_as<A, Ipv6>;

/// `address` with every bit past `length` cleared. `length` ≤ A::bits.
[[nodiscard]] constexpr Ipv4 masked(Ipv4 address, std::uint8_t length) {
    return Ipv4::from_host(length == 0 ? 0 : address.host() & (~std::uint32_t{0} << (32U - length)));
}
[[nodiscard]] constexpr Ipv6 masked(const Ipv6& address, std::uint8_t length) {
    const auto ones = [](unsigned count) { return count == 0 ? 0 : ~std::uint64_t{0} << (64U - count); };
    const std::array<BigEndian<std::uint64_t>, 2> mask{BigEndian<std::uint64_t>(ones(length < 64 ? length : 64)),
                                                       BigEndian<std::uint64_t>(ones(length < 64 ? 0 : length - 64U))};
    auto halves = address.raw();
    for (unsigned i = 0; i < 2; ++i) halves[i] &= mask[i].raw();
    Ipv6 result;
    result.bytes = std::bit_cast<std::array<std::uint8_t, 16>>(halves);
    return result;
}

/// A prefix in canonical form: bits past `length` are zero.
template <Address A>
struct Prefix {
    A address{};
    std::uint8_t length = 0;

    constexpr Prefix() = default;
    constexpr Prefix(A any, std::uint8_t bits) : address(masked(any, bits)), length(bits) {}
    [[nodiscard]] constexpr bool contains(A a) const { return masked(a, length) == address; }
    [[nodiscard]] constexpr bool overlaps(const Prefix& other) const {
        return contains(other.address) || other.contains(address);
    }
    auto operator<=>(const Prefix&) const = default;
};

/// Either family's prefix, for tables and text. `length` counts in the address's own family (0–32 or 0–128).
struct IpPrefix {
    IpAddress address{};
    std::uint8_t length = 0;

    constexpr IpPrefix() = default;
    constexpr IpPrefix(Prefix<Ipv4> p) : address(p.address), length(p.length) {}  // NOLINT
    constexpr IpPrefix(Prefix<Ipv6> p) : address(p.address), length(p.length) {}  // NOLINT
    constexpr IpPrefix(IpAddress a, std::uint8_t bits)
        : IpPrefix(a.is_v4() ? IpPrefix(Prefix<Ipv4>(a.v4(), bits)) : IpPrefix(Prefix<Ipv6>(a.v6(), bits))) {}
    [[nodiscard]] constexpr bool is_v4() const { return address.is_v4(); }
    /// Meaningful only for the family that it is.
    [[nodiscard]] constexpr Prefix<Ipv4> v4() const { return {address.v4(), length}; }
    [[nodiscard]] constexpr Prefix<Ipv6> v6() const { return {address.v6(), length}; }
    [[nodiscard]] constexpr bool contains(IpAddress a) const {
        return a.is_v4() == is_v4() && (is_v4() ? v4().contains(a.v4()) : v6().contains(a.v6()));
    }
    [[nodiscard]] constexpr bool overlaps(const IpPrefix& other) const {
        return is_v4() == other.is_v4() && (is_v4() ? v4().overlaps(other.v4()) : v6().overlaps(other.v6()));
    }
    auto operator<=>(const IpPrefix&) const = default;
};

/// A VXLAN network identifier: 24 bits (RFC 7348 §5). Out-of-range values are cut; check user input with `fits`.
class Vni {
public:
    static constexpr std::uint32_t max = 0xffffff;
    constexpr Vni() = default;
    explicit constexpr Vni(std::uint32_t v) : value_(v & max) {}
    [[nodiscard]] static constexpr bool fits(std::uint32_t v) { return v <= max; }
    [[nodiscard]] constexpr std::uint32_t value() const { return value_; }
    auto operator<=>(const Vni&) const = default;

private:
    std::uint32_t value_ = 0;
};

/// IP protocol numbers that the gateway knows by name; any other value may occur.
enum class Protocol : std::uint8_t { icmp = 1, tcp = 6, udp = 17, icmpv6 = 58, sctp = 132 };

/// Index of a network in the snapshot. 255 networks at most; `none` never names one.
enum class NetworkId : std::uint8_t { none = 0xff };

/// What names a flow in one direction. For ICMP echo the request carries its identifier as `source_port` and 0 as
/// `destination_port`, the reply the other way round: so the two directions mirror each other as TCP's do.
template <Address A>
struct FlowKey {
    A source{};
    A destination{};
    Be16 source_port{};
    Be16 destination_port{};
    Protocol protocol{};
    NetworkId network{};
    std::uint16_t zero = 0;  // compared and hashed with the rest

    bool operator==(const FlowKey&) const = default;
    /// All that is neither address nor port, in one store.
    void set_rest(Protocol its_protocol, NetworkId its_network) noexcept {
        constexpr bool little = std::endian::native == std::endian::little;  // what comes first is lowest
        const std::uint32_t rest = std::uint32_t{static_cast<std::uint8_t>(its_protocol)} << (little ? 0U : 24U) |
                                   std::uint32_t{static_cast<std::uint8_t>(its_network)} << (little ? 8U : 16U);
        static_assert(sizeof(FlowKey) == offsetof(FlowKey, protocol) + sizeof rest);
        std::memcpy(static_cast<void*>(&protocol), &rest, sizeof rest);
    }
    /// The same flow seen from its other end.
    [[nodiscard]] constexpr FlowKey mirrored() const {
        return {destination, source, destination_port, source_port, protocol, network, 0};
    }
};
static_assert(sizeof(FlowKey<Ipv4>) == 16 && sizeof(FlowKey<Ipv6>) == 40);
static_assert(std::has_unique_object_representations_v<FlowKey<Ipv6>>);

}  // namespace viaduct
