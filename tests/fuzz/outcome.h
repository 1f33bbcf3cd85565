// What the fuzzed parsers may do with nonsense: take it, or throw what they say they throw.
#pragma once

#include <spdlog/spdlog.h>

#include <cstdint>
#include <string>

namespace viaduct {

/// Another exception, or none of ours, ends the run.
template <class Error, class Parse>
void may_throw(Parse parse) {
    try {
        parse();
    } catch (const Error&) {
        // It says that the text is nonsense, which it is.
    }
}

inline std::string text_of(const std::uint8_t* data, std::size_t size) {
    spdlog::set_level(spdlog::level::off);
    return {data, data + size};
}

}  // namespace viaduct
