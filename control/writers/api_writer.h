// What the writers need of an API server: to send one request and to hear its answer later.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace viaduct {

struct ApiRequest {
    std::string method;  // "PATCH"
    std::string path;    // "/api/v1/…"
    std::string content_type;
    std::string body;
    bool operator==(const ApiRequest&) const = default;
};

struct ApiAnswer {
    int status = 0;    // of HTTP; 0: none came, and `body` says why
    std::string body;  // as far as it matters: the object, or a Status with a message
    std::chrono::seconds retry_after{};
    [[nodiscard]] bool good() const { return status >= 200 && status < 300; }
};

/// Control thread only.
class ApiWriter {
public:
    using Done = std::function<void(const ApiAnswer&)>;
    virtual ~ApiWriter() = default;
    /// `done` is called once, from the event loop and never from here.
    virtual void send(const ApiRequest& request, Done done) = 0;
};

inline constexpr const char* json_body = "application/json";
inline constexpr const char* merge_patch = "application/merge-patch+json";                      // RFC 7386
inline constexpr const char* strategic_merge_patch = "application/strategic-merge-patch+json";  // Kubernetes' own

}  // namespace viaduct
