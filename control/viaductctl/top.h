// `viaductctl top`: what changed between two looks at the gateway, as rates.
#pragma once

#include <chrono>
#include <iosfwd>

#include "control/viaductctl/client.h"

namespace viaduct {

/// One look: the API's answers and when they came.
struct Sample {
    std::chrono::steady_clock::time_point when;
    Json ports, workers, drops, connections;  // the lists alone
};
[[nodiscard]] Sample take_sample(const Client& client);

/// The rates between two samples as text.
void print_rates(const Sample& before, const Sample& after, std::ostream& out);
/// The same as one JSON object.
[[nodiscard]] Json rates_json(const Sample& before, const Sample& after);

struct TopOptions {
    bool json = false;
    bool redraw = false;    // in place, on a terminal
    std::size_t count = 0;  // pictures; 0: until interrupted
    std::chrono::duration<double> interval{1};
};
void top(const TopOptions& options, const Client& client, std::ostream& out);

}  // namespace viaduct
