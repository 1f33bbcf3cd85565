// An age as people say it.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <utility>

namespace viaduct {

/// In the largest unit that it has one of: "59 s", "2 min", "3 h", "4 d".
[[nodiscard]] inline std::string age_text(std::chrono::seconds age) {
    constexpr std::array<std::pair<long, const char*>, 3> units{{{86'400, " d"}, {3'600, " h"}, {60, " min"}}};
    for (const auto& [length, name] : units)
        if (age.count() >= length) return std::to_string(age.count() / length) + name;
    return std::to_string(age.count()) + " s";
}

}  // namespace viaduct
