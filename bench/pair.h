// `viaduct-bench pair`: what two workers on two CPUs are worth, beside one.
#pragma once

namespace viaduct {

/// `argv[0]` is the word pair. Returns the exit status. Throws std::invalid_argument for a wrong command line,
/// WrongOutput, and std::runtime_error.
[[nodiscard]] int run_pair(int argc, const char* const* argv);

}  // namespace viaduct
