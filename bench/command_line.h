// How every command line of viaduct-bench is read.
#pragma once

#include <boost/program_options.hpp>

namespace viaduct {

/// Throws std::invalid_argument. No abbreviations: a script must mean the same when an option is added.
[[nodiscard]] boost::program_options::variables_map parse_command_line(
    const boost::program_options::options_description& options, int argc, const char* const* argv);

}  // namespace viaduct
