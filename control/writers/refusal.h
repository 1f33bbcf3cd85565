// What it means that the API server refuses a write, as a finding that names the rule to add.
#pragma once

#include <string>

#include "control/status.h"
#include "control/writers/api_writer.h"

namespace viaduct {

/// What a request does to what, as a role would grant it.
struct Permission {
    std::string verb;      // "patch"
    std::string group;     // "" for the core
    std::string resource;  // "services/status"
    std::string name_space;
};
[[nodiscard]] Permission permission_of(const ApiRequest& request);

/// `object` names what was written about, as in "Service shop/web".
[[nodiscard]] Finding refusal(const std::string& object, const ApiRequest& request, const ApiAnswer& answer);

/// Not this request's fault: the server is away, or overloaded.
[[nodiscard]] inline bool is_outage(const ApiAnswer& answer) {
    return answer.status == 0 || answer.status == 429 || answer.status >= 500;
}

}  // namespace viaduct
