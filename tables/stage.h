// The pipeline's stages, in order, by the names that the pipeline, its counters, explain and viaductctl share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace viaduct {

enum class Stage : std::uint8_t { parse, decapsulate, track, balance, translate, route, encapsulate, transmit };

inline constexpr std::array<std::string_view, 8> stage_names{"parse",     "decapsulate", "track",       "balance",
                                                             "translate", "route",       "encapsulate", "transmit"};
inline constexpr std::size_t stage_count = stage_names.size();

[[nodiscard]] constexpr std::string_view name(Stage stage) noexcept {
    return stage_names[static_cast<std::size_t>(stage)];
}

}  // namespace viaduct
