// `viaductctl show …`: the API's lists as tables.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "control/viaductctl/client.h"

namespace viaduct {

struct ShowOptions {
    bool json = false;
    bool all = false;       // drops: also the reasons that never occurred
    std::size_t limit = 0;  // of long lists; 0: all, of connections the first thousand
};

/// What can be shown, in the order in which help lists it.
[[nodiscard]] const std::vector<std::string>& show_subjects();

/// Throws CommandError, also for an unknown subject.
void show(const std::string& subject, const ShowOptions& options, const Client& client, std::ostream& out);

}  // namespace viaduct
