// Boost's parser, with its errors as ours.
#include "bench/command_line.h"

#include <stdexcept>

namespace viaduct {

namespace po = boost::program_options;

po::variables_map parse_command_line(const po::options_description& options, int argc, const char* const* argv) try {
    po::variables_map values;
    const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::parse_command_line(argc, argv, options, style), values);
    return values;
} catch (const po::error& error) {
    throw std::invalid_argument(error.what());
}

}  // namespace viaduct
