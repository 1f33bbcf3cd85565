// The addresses in force: remembers assignments from one publication to the next, and computes them anew only when a
// Service has changed.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "control/desired/desired_state.h"
#include "control/writers/address_pool.h"

namespace viaduct {

/// Control thread only.
class AddressBook {
public:
    explicit AddressBook(const Config& config) : config_(config) {}
    /// `complete`: every source has been read.
    void update(std::span<const SourceObjects> sources, bool complete);
    [[nodiscard]] const Assignments& assigned() const { return now_.assigned; }
    [[nodiscard]] const std::vector<Finding>& findings() const { return now_.findings; }
    /// Another one whenever the Services that the pools serve, or what they were given, may have changed.
    [[nodiscard]] std::uint64_t revision() const { return revision_; }

private:
    using Services = std::vector<std::pair<std::string, Shared<ServiceObject>>>;

    const Config& config_;
    struct Seen {
        std::vector<Shared<ServiceObject>> services;
        std::vector<Shared<NamespaceObject>> namespaces;
    };
    std::vector<Seen> seen_;  // by source: `services_` and `namespaces_` were picked from them
    Services services_;       // that `now_` was made for; shared objects never change, so pointers tell
    Namespaces namespaces_;
    bool complete_ = false;
    PoolOutput now_;
    std::uint64_t revision_ = 0;
};

}  // namespace viaduct
