// See checksum.h.
#include "encap/checksum.h"

namespace viaduct {
namespace {

template <class Word>
[[nodiscard]] Word load(const std::uint8_t* bytes) noexcept {
    Word word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

}  // namespace

std::uint64_t add_bytes(std::uint64_t sum, const std::uint8_t* bytes, std::size_t length) noexcept {
    const std::uint8_t* const end = bytes + length;
    // 32-bit words into a 64-bit sum leave the carries for later: 2^32 of them fit.
    for (; end - bytes >= 8; bytes += 8) {
        const auto word = load<std::uint64_t>(bytes);
        sum += (word & 0xffffffffU) + (word >> 32U);
    }
    if (end - bytes >= 4) {
        sum += load<std::uint32_t>(bytes);
        bytes += 4;
    }
    if (end - bytes >= 2) {
        sum += load<std::uint16_t>(bytes);
        bytes += 2;
    }
    if (end != bytes) sum += std::bit_cast<std::uint16_t>(std::array<std::uint8_t, 2>{*bytes, 0});
    return sum;
}

}  // namespace viaduct
