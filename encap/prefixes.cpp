// Arithmetic on prefixes.
#include "encap/prefixes.h"

namespace viaduct {

namespace {

/// The number of an address's bit in the 128 of its IPv6 form.
unsigned bit_in_v6(const IpPrefix& prefix, unsigned bit) { return prefix.is_v4() ? 96 + bit : bit; }

}  // namespace

IpAddress last_address(const IpPrefix& prefix) {
    Ipv6 address = prefix.address.v6();
    for (unsigned bit = bit_in_v6(prefix, prefix.length); bit < 128; ++bit)
        address.bytes[bit / 8] = static_cast<std::uint8_t>(address.bytes[bit / 8] | (0x80U >> (bit % 8)));
    return address;
}

IpAddress address_in(const IpPrefix& prefix, std::uint32_t offset) {
    if (prefix.is_v4()) return Ipv4::from_host(prefix.v4().address.host() + offset);
    Ipv6 address = prefix.address.v6();
    std::uint64_t carry = offset;
    for (unsigned i = 16; carry != 0 && i-- > 0; carry >>= 8U) {
        carry += address.bytes[i];
        address.bytes[i] = static_cast<std::uint8_t>(carry);
    }
    return address;
}

std::optional<IpPrefix> next_prefix(const IpPrefix& prefix) {
    if (prefix.length == 0) return {};
    const unsigned last_bit = bit_in_v6(prefix, prefix.length - 1U), first_byte = prefix.is_v4() ? 12 : 0;
    Ipv6 address = prefix.address.v6();
    unsigned carry = 0x80U >> (last_bit % 8);
    for (unsigned i = last_bit / 8 + 1; carry != 0 && i-- > first_byte;) {
        const unsigned sum = address.bytes[i] + carry;
        address.bytes[i] = static_cast<std::uint8_t>(sum);
        carry = sum >> 8U;
    }
    return carry != 0 ? std::nullopt : std::optional(IpPrefix(address, prefix.length));
}

}  // namespace viaduct
