// Results for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "bench/machine.h"
#include "bench/options.h"
#include "bench/result.h"

namespace viaduct {

/// An aligned table, and below it what a reader must know.
[[nodiscard]] std::string table(const Machine& machine, const Options& options, const std::vector<Result>& results);
[[nodiscard]] std::string json(const Machine& machine, const Options& options, const std::vector<Result>& results);

}  // namespace viaduct
