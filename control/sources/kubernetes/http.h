// HTTPS to one server without ever waiting for it: libcurl's multi interface on an epoll of its own.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/sources/kubernetes/transport.h"
#include "control/unique_fd.h"

namespace viaduct {

struct HttpRequest {
    std::string url;
    std::string method = "GET";
    std::string body{};                   // empty: none
    std::chrono::milliseconds timeout{};  // for the whole answer; zero: none, for a stream
    std::vector<std::string> headers;
    std::string proxy;       // empty: what the environment says (https_proxy, no_proxy)
    std::string connect_to;  // "host:port:address:port" when the certificate bears another name; empty: as the URL says
    std::string ca, certificate, key;  // PEM; an empty `ca` is the system's
    bool verify = true;
    bool fresh = false;  // on a connection of its own
};

/// Control thread only. Handlers are called from `process` alone.
class Http {
public:
    Http();
    ~Http();
    Http(const Http&) = delete;
    Http& operator=(const Http&) = delete;

    /// Readable when `process` has something to do, for epoll.
    [[nodiscard]] int fd() const { return epoll_.get(); }
    void process();
    /// Makes `fd` readable at this time even if nothing arrives.
    void wake_at(TimePoint when);
    /// `handler` outlives the Exchange, and the Exchange does not outlive this.
    [[nodiscard]] std::unique_ptr<Exchange> send(const HttpRequest& request, ResponseHandler& handler);

private:
    struct Transfer;
    class Handle;
    struct Curl;  // libcurl's callbacks

    void take_sockets();
    void take_results();
    void deliver();
    void deliver(std::uint64_t id);
    void arm();

    UniqueFd epoll_, timer_;
    void* multi_;
    std::map<std::uint64_t, std::unique_ptr<Transfer>> transfers_;
    std::uint64_t last_id_ = 0;
    TimePoint curl_due_ = TimePoint::max(), wake_at_ = TimePoint::max();
};

}  // namespace viaduct
