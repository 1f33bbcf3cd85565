// What single keys cannot tell: whether a configuration hangs together.
#pragma once

#include <string>
#include <vector>

#include "control/config.h"

namespace viaduct {

/// A sentence with the remedy for each contradiction or gap.
[[nodiscard]] std::vector<std::string> check_config(const Config& config);

}  // namespace viaduct
