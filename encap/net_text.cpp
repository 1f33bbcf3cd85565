// See net_text.h.
#include "encap/net_text.h"

#include <arpa/inet.h>

#include <charconv>

namespace viaduct {
namespace {

std::string text_of(int family, const void* bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(family, bytes, text.data(), text.size());
}

/// The whole of `text` as a number of the given base, without sign.
std::optional<std::uint8_t> parse_byte(std::string_view text, int base) {
    std::uint8_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    if (text.empty() || error != std::errc{} || stop != end) return {};
    return value;
}

}  // namespace

std::string to_string(Ipv4 address) { return text_of(AF_INET, address.bytes.data()); }

// The C library's form is RFC 5952's: lower case, the first longest run of zeros shortened, never a single zero.
std::string to_string(const Ipv6& address) { return text_of(AF_INET6, address.bytes.data()); }

std::string to_string(const IpAddress& address) {
    return address.is_v4() ? to_string(address.v4()) : to_string(address.v6());
}

std::string to_string(const IpPrefix& prefix) {
    return to_string(prefix.address) + '/' + std::to_string(prefix.length);
}

std::string to_string(const Mac& mac) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : mac.bytes) {
        if (!text.empty()) text += ':';
        text += {digits[byte >> 4U], digits[byte & 0xfU]};
    }
    return text;
}

std::string to_string(Protocol protocol) {
    switch (protocol) {
        case Protocol::icmp:
            return "ICMP";
        case Protocol::tcp:
            return "TCP";
        case Protocol::udp:
            return "UDP";
        case Protocol::icmpv6:
            return "ICMPv6";
        case Protocol::sctp:
            return "SCTP";
    }
    return std::to_string(static_cast<unsigned>(protocol));
}

std::optional<IpAddress> parse_ip(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return {};
    const std::string terminated(text);
    Ipv4 v4;
    if (inet_pton(AF_INET, terminated.c_str(), v4.bytes.data()) == 1) return v4;
    Ipv6 v6;
    if (inet_pton(AF_INET6, terminated.c_str(), v6.bytes.data()) == 1) return v6;
    return {};
}

std::optional<IpPrefix> parse_prefix(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return {};
    const auto address = parse_ip(text.substr(0, slash));
    const auto length = parse_byte(text.substr(slash + 1), 10);
    if (!address || !length) return {};
    const bool dotted = text.find(':') == std::string_view::npos;
    if (!address->is_v4() || dotted)
        return *length <= address->bits() ? IpPrefix(*address, *length) : std::optional<IpPrefix>{};
    // IPv4-mapped: what it stands for is an IPv4 prefix, if it is one at all.
    constexpr std::uint8_t mapped = Ipv6::bits - Ipv4::bits;
    if (*length < mapped || *length > Ipv6::bits) return {};
    return IpPrefix(*address, static_cast<std::uint8_t>(*length - mapped));
}

std::optional<Mac> parse_mac(std::string_view text) {
    constexpr std::size_t step = 3;  // two digits and a colon
    Mac mac;
    if (text.size() != mac.bytes.size() * step - 1) return {};
    for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
        const auto byte = parse_byte(text.substr(i * step, 2), 16);
        if (!byte || (i != 0 && text[i * step - 1] != ':')) return {};
        mac.bytes[i] = *byte;
    }
    return mac;
}

}  // namespace viaduct
