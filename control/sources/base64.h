// Base64 (RFC 4648, section 4): how JSON and YAML carry bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace viaduct {

[[nodiscard]] std::string to_base64(std::string_view bytes);
/// With line breaks and spaces anywhere, padded or not; nothing when it is no base64.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace viaduct
