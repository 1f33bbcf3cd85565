// Says in the log how old the state is that forwarding goes on by.
#include "control/age_log.h"

#include "control/age_text.h"
#include "control/api/state_age.h"

namespace viaduct {

std::vector<std::string> AgeLog::due(const std::vector<SourceStatus>& sources,
                                     std::chrono::system_clock::time_point now) {
    std::vector<std::string> lines;
    for (const SourceStatus& source : sources) {
        const std::chrono::seconds age = state_age(source, now);
        if (age.count() == 0) {
            next_.erase(source.name);
            continue;
        }
        std::chrono::seconds& next = next_.try_emplace(source.name, first).first->second;
        if (age < next) continue;
        next = 2 * age;
        lines.push_back("source " + source.name + ": forwarding goes on by what was known " + age_text(age) +
                        " ago: " + (source.errors.empty() ? "" : source.errors.front()));
    }
    return lines;
}

}  // namespace viaduct
