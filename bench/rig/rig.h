// `viaduct-bench rig`.
#pragma once

namespace viaduct::rig {

/// `argv[0]` is the word rig. Returns the exit status. Throws std::invalid_argument for a wrong command line, and
/// std::runtime_error.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace viaduct::rig
