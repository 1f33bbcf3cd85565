// What it means that the API server refuses a write.
#include "control/writers/refusal.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "control/sources/kubernetes/resource.h"

namespace viaduct {

namespace {

/// The message of a Kubernetes Status, or whatever came.
std::string message_of(const ApiAnswer& answer) {
    const auto json = nlohmann::json::parse(answer.body, nullptr, false);
    if (json.is_object() && json.contains("message") && json["message"].is_string()) return json["message"];
    return answer.body.substr(0, 200);
}

std::string verb_of(const std::string& method) {
    constexpr std::array<std::pair<const char*, const char*>, 5> verbs{
        {{"GET", "get"}, {"POST", "create"}, {"PUT", "update"}, {"PATCH", "patch"}, {"DELETE", "delete"}}};
    for (const auto& [name, verb] : verbs)
        if (method == name) return verb;
    return method;
}

/// Every namespace may have Events and Services; Leases are granted where they are.
std::string role_of(const Permission& wanted) {
    return wanted.resource == "leases" ? wanted.name_space : std::string();
}

}  // namespace

Permission permission_of(const ApiRequest& request) {
    std::vector<std::string> parts;  // "api", "v1" or "apis", group, version; then what the API serves there
    for (std::size_t from = 1; from <= request.path.size();) {
        const std::size_t end = std::min(request.path.find('/', from), request.path.size());
        parts.push_back(request.path.substr(from, end - from));
        from = end + 1;
    }
    Permission wanted{verb_of(request.method), "", "", ""};
    std::size_t at = 2;
    if (parts.front() == "apis" && parts.size() > 3) wanted.group = parts[1], at = 3;
    if (parts.size() > at + 2 && parts[at] == "namespaces") wanted.name_space = parts[at + 1], at += 2;
    if (parts.size() > at) wanted.resource = parts[at];
    if (parts.size() > at + 2) wanted.resource += "/" + parts[at + 2];
    return wanted;
}

Finding refusal(const std::string& object, const ApiRequest& request, const ApiAnswer& answer) {
    const Permission wanted = permission_of(request);
    const std::string text = "the gateway cannot " + wanted.verb + " " + wanted.resource + ": " +
                             std::to_string(answer.status) + " " + message_of(answer);
    if (answer.status == 401) return {Severity::error, object, text, "renew the gateway's credentials"};
    if (answer.status == 403)
        return {Severity::error, object, text,
                grant(wanted.group, wanted.resource, role_of(wanted), {wanted.verb.c_str()})};
    return {Severity::error, object, text, "it is tried again, in longer and longer intervals"};
}

}  // namespace viaduct
