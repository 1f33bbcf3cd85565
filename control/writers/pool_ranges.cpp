// Ranges of addresses as one row of numbered places.
#include "control/writers/pool_ranges.h"

#include <limits>

namespace viaduct {

namespace {

/// The lower half of an address counts places; IPv4 lies in its last 32 bits.
std::uint64_t half(const IpAddress& address, unsigned first_byte) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) value = value << 8 | address.v6().bytes[first_byte + i];
    return value;
}

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

std::uint64_t size_of(const AddressRange& range) {
    const std::uint64_t high = half(range.last, 0) - half(range.first, 0);
    const std::uint64_t low = half(range.last, 8) - half(range.first, 8);
    const bool borrows = half(range.last, 8) < half(range.first, 8);
    return high != (borrows ? 1U : 0U) || low == most ? most : low + 1;
}

IpAddress plus(const IpAddress& address, std::uint64_t n) {
    Ipv6 sum = address.v6();
    for (unsigned i = 16; i-- > 0 && n != 0;) {
        const std::uint64_t byte = sum.bytes[i] + (n & 0xff);
        sum.bytes[i] = static_cast<std::uint8_t>(byte);
        n = (n >> 8) + (byte >> 8);
    }
    return sum;
}

bool is_of(const AddressRange& range, Family family) { return range.first.is_v4() == (family == Family::v4); }

}  // namespace

std::uint64_t size_of(std::span<const AddressRange> ranges, Family family) {
    std::uint64_t size = 0;
    for (const AddressRange& range : ranges)
        if (is_of(range, family)) size = size_of(range) > most - size ? most : size + size_of(range);
    return size;
}

IpAddress address_at(std::span<const AddressRange> ranges, Family family, std::uint64_t place) {
    for (const AddressRange& range : ranges) {
        if (!is_of(range, family)) continue;
        if (place < size_of(range)) return plus(range.first, place);
        place -= size_of(range);
    }
    return {};
}

bool contains(std::span<const AddressRange> ranges, const IpAddress& address) {
    for (const AddressRange& range : ranges)
        if (range.first.is_v4() == address.is_v4() && range.first <= address && address <= range.last) return true;
    return false;
}

bool overlap(const AddressRange& a, const AddressRange& b) {
    return a.first.is_v4() == b.first.is_v4() && a.first <= b.last && b.first <= a.last;
}

}  // namespace viaduct
