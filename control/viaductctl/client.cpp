// HTTP over the gateway's socket; errors say how to reach it.
#include "control/viaductctl/client.h"

#include <httplib.h>
#include <unistd.h>

#include <algorithm>

namespace viaduct {
namespace {

constexpr time_t connect_timeout = 2, answer_timeout = 10;  // seconds

[[noreturn]] void fail_to_connect(const std::string& path, httplib::Error error) {
    const std::string what = "cannot reach the gateway at " + path + ": ";
    if (access(path.c_str(), F_OK) != 0) {
        throw CommandError(
            what + "there is no such socket",
            "start it with `viaduct --config /etc/viaduct/viaduct.conf`, or name its socket with --socket");
    }
    if (access(path.c_str(), R_OK | W_OK) != 0) {
        throw CommandError(what + "permission denied", "run viaductctl as root or join the group `viaduct`");
    }
    if (error == httplib::Error::Connection) {
        throw CommandError(what + "nobody listens", "the gateway has died; start it again and read its log");
    }
    throw CommandError(what + "no answer (" + httplib::to_string(error) + ")", "the gateway is busy; try again");
}

/// The gateway's own account of what was wrong with the request.
[[noreturn]] void fail_as_told(const httplib::Response& response) {
    const Json body = Json::parse(response.body, nullptr, false);
    if (!body.is_object() || !body.contains("error")) {
        throw CommandError("the gateway answered with status " + std::to_string(response.status),
                           "check that the socket belongs to viaduct");
    }
    throw CommandError(body["error"].value("message", ""), body["error"].value("remedy", ""));
}

}  // namespace

Json Client::get(const std::string& path, const Parameters& parameters) const {
    httplib::Client http(path_);
    http.set_address_family(AF_UNIX);
    http.set_connection_timeout(connect_timeout);
    http.set_read_timeout(answer_timeout);
    const httplib::Result result = http.Get(path, httplib::Params(parameters), httplib::Headers{});
    if (!result) fail_to_connect(path_, result.error());
    if (result->status != 200) fail_as_told(*result);
    Json body = Json::parse(result->body, nullptr, false);
    if (body.is_discarded()) {
        throw CommandError("the gateway's answer is not JSON", "check that the socket belongs to viaduct");
    }
    return body;
}

Json Client::list(const std::string& name, std::size_t limit) const {
    Json all = Json::array();
    Json answer;
    do {
        const std::size_t wanted = limit == 0 ? Page::largest : std::min(Page::largest, limit - all.size());
        answer = get("/v1/" + name, {{"offset", std::to_string(all.size())}, {"limit", std::to_string(wanted)}});
        if (answer[name].empty()) break;
        for (Json& item : answer[name]) all.push_back(std::move(item));
    } while (all.size() < answer["total"].get<std::size_t>() && (limit == 0 || all.size() < limit));
    return {{name, std::move(all)}, {"total", answer["total"]}};
}

}  // namespace viaduct
