// The difference of two desired states, by name: what a publication changes, for one line of log.
#pragma once

#include <string>
#include <vector>

#include "tables/desired.h"

namespace viaduct {

/// What became of one kind of things.
struct KindChanges {
    const char* kind;  // "services"
    std::vector<std::string> added, changed, removed;
    [[nodiscard]] bool empty() const { return added.empty() && changed.empty() && removed.empty(); }
};

struct Changes {
    std::vector<KindChanges> kinds;  // only those where something changed
    [[nodiscard]] bool empty() const { return kinds.empty(); }
    /// Whether nothing but neighbours changed: routine, not news.
    [[nodiscard]] bool only_neighbours() const;
    /// "services +1 ~2 (shop/web:http, …), peers -1 (node3)"
    [[nodiscard]] std::string summary() const;
};

[[nodiscard]] Changes reconcile(const DesiredState& before, const DesiredState& after);

}  // namespace viaduct
