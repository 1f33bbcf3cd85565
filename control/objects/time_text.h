// Kubernetes' timestamps (RFC 3339).
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace viaduct {

/// "2026-01-02T03:04:05Z", with or without a fraction, UTC or with an offset. Nothing when it is no such thing.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text);

}  // namespace viaduct
