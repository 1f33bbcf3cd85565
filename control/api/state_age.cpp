// How old what is known of a cluster is.
#include "control/api/state_age.h"

#include <algorithm>

namespace viaduct {

using std::chrono::seconds;

seconds state_age(const SourceStatus& source, std::chrono::system_clock::time_point now) {
    seconds age{};
    for (const ResourceStatus& one : source.resources)
        if (!one.error.empty() && one.last_heard.time_since_epoch().count() != 0)
            age = std::max(age, std::chrono::duration_cast<seconds>(now - one.last_heard));
    return age;
}

}  // namespace viaduct
