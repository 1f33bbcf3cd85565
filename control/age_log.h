// Says in the log how old the state is that forwarding goes on by.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/status.h"

namespace viaduct {

/// Control thread only.
class AgeLog {
public:
    static constexpr std::chrono::seconds first{60};
    /// What is to be said now of sources that cannot be followed: after `first`, and whenever the age has doubled.
    [[nodiscard]] std::vector<std::string> due(const std::vector<SourceStatus>& sources,
                                               std::chrono::system_clock::time_point now);

private:
    std::map<std::string, std::chrono::seconds> next_;  // by source
};

}  // namespace viaduct
