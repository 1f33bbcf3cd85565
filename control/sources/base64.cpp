// Base64.
#include "control/sources/base64.h"

#include <cstdint>

namespace viaduct {

namespace {
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}  // namespace

std::string to_base64(std::string_view bytes) {
    std::string text;
    std::uint32_t bits = 0;
    unsigned count = 0;  // of `bits` that are not written yet
    for (const char one : bytes) {
        bits = (bits << 8U) | static_cast<unsigned char>(one);
        for (count += 8; count >= 6; count -= 6) text += alphabet[(bits >> (count - 6)) & 63U];
    }
    if (count != 0) text += alphabet[(bits << (6 - count)) & 63U];
    text.append((4 - text.size() % 4) % 4, '=');
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    std::string decoded;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char one : text) {
        if (one == '=' || one == '\n' || one == '\r' || one == ' ') continue;
        const std::size_t value = alphabet.find(one);
        if (value == std::string_view::npos) return {};
        bits = (bits << 6U) | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        decoded += static_cast<char>((bits >> count) & 0xffU);
    }
    return decoded;
}

}  // namespace viaduct
