// See tcp_options.h.
#include "encap/tcp_options.h"

#include "encap/checksum.h"

namespace viaduct {
namespace {

/// Offset of the MSS value from `tcp`; 0 when there is none or the options make no sense.
std::size_t find_mss(const std::uint8_t* tcp, std::size_t end) noexcept {
    constexpr std::uint8_t end_of_list = 0, no_operation = 1, mss = 2, mss_length = 4;
    std::size_t at = sizeof(TcpHeader);
    while (at < end && tcp[at] != end_of_list) {
        if (tcp[at] == no_operation) {
            ++at;
            continue;
        }
        if (end - at < 2 || tcp[at + 1] < 2 || tcp[at + 1] > end - at) return 0;
        if (tcp[at] == mss) return tcp[at + 1] == mss_length ? at + 2 : 0;
        at += tcp[at + 1];
    }
    return 0;
}

/// The word as the checksum sees it when it straddles two of the checksum's own.
constexpr Be16 turned(Be16 v) noexcept { return Be16(__builtin_bswap16(v.value())); }

}  // namespace

bool clamp_mss(std::uint8_t* tcp, std::size_t available, std::uint16_t max_mss) noexcept {
    if (available < sizeof(TcpHeader)) return false;
    auto& header = header_at<TcpHeader>(tcp);
    if ((header.flags & TcpHeader::syn) == 0 || header.length() > available) return false;
    const std::size_t at = find_mss(tcp, header.length());
    if (at == 0) return false;
    Be16& value = header_at<Be16>(tcp + at);
    if (value.value() <= max_mss) return false;
    const Be16 before = value, after(max_mss);
    ChecksumDelta delta;
    at % 2 == 0 ? delta.change(before, after) : delta.change(turned(before), turned(after));
    apply(header.checksum, delta.value());
    value = after;
    return true;
}

}  // namespace viaduct
