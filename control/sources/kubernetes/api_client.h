// The API server as an ApiTransport: credentials and TLS around HTTP.
#pragma once

#include "control/sources/kubernetes/credentials.h"
#include "control/sources/kubernetes/http.h"
#include "control/writers/api_writer.h"

namespace viaduct {

class ApiClient final : public ApiTransport {
public:
    ApiClient(ApiAccess access, Http& http, const Timing& timing)
        : access_(std::move(access)), http_(http), credentials_(access_, timing) {}

    bool ready() override { return credentials_.ready(); }
    std::unique_ptr<Exchange> get(const std::string& path, ResponseHandler& handler, bool fresh) override;
    void refused() override { credentials_.refused(); }
    /// Any request, of which the whole answer must have come within `timeout`; zero: it may take for ever.
    [[nodiscard]] std::unique_ptr<Exchange> begin(const ApiRequest& what, ResponseHandler& handler,
                                                  std::chrono::milliseconds timeout, bool fresh = false);

    [[nodiscard]] const std::string& server() const { return access_.server; }
    [[nodiscard]] const std::string& problem() const { return credentials_.problem(); }

private:
    const ApiAccess access_;
    Http& http_;
    Credentials credentials_;
};

}  // namespace viaduct
