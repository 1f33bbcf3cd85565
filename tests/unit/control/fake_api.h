// An API server that answers when a test says so, and a clock that a test moves.
#pragma once

#include <deque>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "control/sources/kubernetes/transport.h"
#include "control/writers/api_writer.h"

namespace viaduct {

class FakeClock {
public:
    [[nodiscard]] Timing timing() {
        return {[this] { return now; }, [] { return 0.0; }};
    }
    TimePoint now{std::chrono::hours(1)};
};

/// Keeps requests until they are answered.
class FakeApi final : public ApiWriter {
public:
    void send(const ApiRequest& request, Done done) override { waiting.push_back({request, std::move(done)}); }
    /// Answers the oldest request and returns it.
    ApiRequest answer(int status, const std::string& body = "{}", std::chrono::seconds retry_after = {}) {
        if (waiting.empty()) return {"nothing was sent", "", "", ""};
        auto [request, done] = std::move(waiting.front());
        waiting.pop_front();
        done({status, body, retry_after});
        return request;
    }
    struct Waiting {
        ApiRequest request;
        Done done;
    };
    std::deque<Waiting> waiting;
};

/// A server with one Lease, for several clients: resourceVersions, conflicts, and time that passes on the way.
class FakeLeaseServer {
public:
    [[nodiscard]] ApiAnswer take(const ApiRequest& request) {
        using nlohmann::json;
        if (request.method == "GET")
            return lease.is_null() ? ApiAnswer{404, "{}", {}} : ApiAnswer{200, lease.dump(), {}};
        json sent = json::parse(request.body);
        if (request.method == "POST" && !lease.is_null()) return {409, "{}", {}};
        if (request.method == "PUT" && lease["metadata"]["resourceVersion"] != sent["metadata"]["resourceVersion"])
            return {409, "{}", {}};
        sent["metadata"]["resourceVersion"] = std::to_string(++version);
        lease = sent;
        return {request.method == "POST" ? 201 : 200, lease.dump(), {}};
    }
    nlohmann::json lease;
    int version = 0;
};

}  // namespace viaduct
