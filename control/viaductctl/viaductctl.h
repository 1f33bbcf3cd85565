// viaductctl as a function: arguments in, text and exit code out.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace viaduct {

/// 0: done; 1: it did not work; 2: the command line makes no sense. `terminal`: `out` may be redrawn in place.
int run_viaductctl(const std::vector<std::string>& arguments, bool terminal, std::ostream& out, std::ostream& err);

}  // namespace viaduct
