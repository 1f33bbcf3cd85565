// A run's results as text, JSON, CSV, and a page with plots.
#pragma once

#include <string>

#include "bench/rig/results.h"

namespace viaduct::rig {

[[nodiscard]] std::string text_report(const Results& results);
[[nodiscard]] std::string json_report(const Results& results);
/// A line for each throughput that was searched.
[[nodiscard]] std::string csv_report(const Results& results);
/// Self-contained: no script, no file besides it.
[[nodiscard]] std::string html_report(const Results& results);

}  // namespace viaduct::rig
