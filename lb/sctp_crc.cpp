// CRC32c as arithmetic: polynomials over GF(2), bit-reversed, modulo the Castagnoli polynomial.
#include "lb/sctp_crc.h"

#include <array>

namespace viaduct {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78;
constexpr std::uint32_t one = 0x80000000;  // x⁰: the highest bit is the lowest power

constexpr std::uint32_t times_x(std::uint32_t a) { return (a >> 1U) ^ ((a & 1U) != 0 ? polynomial : 0U); }

constexpr std::uint32_t product(std::uint32_t a, std::uint32_t b) {
    std::uint32_t sum = 0;
    for (; a != 0; a <<= 1U, b = times_x(b))
        if ((a & one) != 0) sum ^= b;
    return sum;
}

// [k]: x to the power 8·2ᵏ, which appends 2ᵏ zero bytes. A packet has fewer than 2¹⁶.
constexpr std::array<std::uint32_t, 16> zero_bytes = [] {
    std::array<std::uint32_t, 16> powers{};
    powers[0] = one >> 8U;
    for (std::size_t k = 1; k < powers.size(); ++k) powers[k] = product(powers[k - 1], powers[k - 1]);
    return powers;
}();

constexpr std::uint32_t after_zeros(std::uint32_t crc, std::size_t count) {
    for (std::size_t k = 0; count != 0 && k < zero_bytes.size(); ++k, count >>= 1U)
        if ((count & 1U) != 0) crc = product(crc, zero_bytes[k]);
    return crc;
}

// The ports as four bytes of a message, first byte lowest, as a reflected CRC reads them.
std::uint32_t ports_word(const SctpHeader& sctp) {
    const std::uint32_t word = std::uint32_t{sctp.source_port.value()} << 16U | sctp.destination_port.value();
    return __builtin_bswap32(word);
}

}  // namespace

void rewrite_sctp_ports(SctpHeader& sctp, std::size_t length, Be16 source, Be16 destination) noexcept {
    const std::uint32_t before = ports_word(sctp);
    sctp.source_port = source;
    sctp.destination_port = destination;
    // The register is a message of its own followed by four zero bytes, so the ports count as shifted by what follows
    // them and by those four, which is `length` again.
    const std::uint32_t difference = after_zeros(before ^ ports_word(sctp), length);
    const std::uint32_t checksum = __builtin_bswap32(sctp.checksum.value()) ^ difference;
    sctp.checksum = Be32(__builtin_bswap32(checksum));
}

}  // namespace viaduct
