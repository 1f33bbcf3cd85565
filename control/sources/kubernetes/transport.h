// What a reflector needs of HTTP: ask for a path, hear the answer piece by piece, take the question back.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace viaduct {

using TimePoint = std::chrono::steady_clock::time_point;

/// Time and chance, so that tests have neither.
struct Timing {
    std::function<TimePoint()> now;
    std::function<double()> random;  // from 0 up to, not including, 1
    std::function<std::chrono::system_clock::time_point()> wall = std::chrono::system_clock::now;
};
[[nodiscard]] Timing real_timing();

inline constexpr std::chrono::milliseconds credentials_time{100};  // between looks whether they are there

/// Hears what becomes of one request. Each call may take the request back.
class ResponseHandler {
public:
    /// `retry_after` is zero when the server asked for nothing.
    virtual void on_response(int status, std::chrono::seconds retry_after) = 0;
    virtual void on_data(std::string_view data) = 0;
    /// The last call. `error` is empty when the answer is complete, else says what went wrong on the way.
    virtual void on_end(const std::string& error) = 0;

protected:
    ~ResponseHandler() = default;
};

/// A request under way. Whoever destroys it hears no more of it.
class Exchange {
public:
    virtual ~Exchange() = default;
};

class ApiTransport {
public:
    /// Whether a request could be made now; credentials may have to be fetched first.
    virtual bool ready() = 0;
    /// A GET of the API server. With `fresh`, not over a connection that is open already: it may be dead.
    virtual std::unique_ptr<Exchange> get(const std::string& path, ResponseHandler& handler, bool fresh) = 0;
    /// The server answered 401: credentials are stale.
    virtual void refused() = 0;

protected:
    ~ApiTransport() = default;
};

}  // namespace viaduct
