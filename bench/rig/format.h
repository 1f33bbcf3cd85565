// Text by a pattern of printf.
#pragma once

#include <cstdio>
#include <string>

namespace viaduct::rig {

template <class... Values>
[[nodiscard]] std::string format(const char* pattern, Values... values) {
    char text[1024];
    std::snprintf(text, sizeof text, pattern, values...);
    return text;
}

}  // namespace viaduct::rig
