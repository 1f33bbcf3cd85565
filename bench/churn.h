// `viaduct-bench churn`: what changes of the tables cost a worker that forwards meanwhile.
#pragma once

namespace viaduct {

/// `argv[0]` is the word churn. Returns the exit status. Throws std::invalid_argument for a wrong command line,
/// WrongOutput, and std::runtime_error.
[[nodiscard]] int run_churn(int argc, const char* const* argv);

}  // namespace viaduct
