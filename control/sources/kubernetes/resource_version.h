// The order of two resourceVersions, as far as there is one.
#pragma once

#include <algorithm>
#include <string_view>

namespace viaduct {

/// Clients treat the versions of older servers as opaque; since 1.35 the API promises decimals that grow. Only those
/// are compared, and only to recognise an event that comes late: anything else is older than nothing.
[[nodiscard]] inline bool is_older(std::string_view a, std::string_view b) {
    const auto decimal = [](std::string_view text) {
        return !text.empty() && text[0] != '0' &&
               std::ranges::all_of(text, [](char one) { return one >= '0' && one <= '9'; });
    };
    if (!decimal(a) || !decimal(b)) return false;
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace viaduct
