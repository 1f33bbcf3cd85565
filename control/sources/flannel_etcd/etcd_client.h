// etcd's members as an EtcdTransport: TLS, user and password around HTTP.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/sources/flannel_etcd/etcd_call.h"
#include "control/sources/kubernetes/backoff.h"
#include "control/sources/kubernetes/credentials.h"
#include "control/sources/kubernetes/http.h"

namespace viaduct {

struct EtcdAccess {
    std::vector<std::string> endpoints;  // "https://192.0.2.2:2379", at least one
    ApiAccess credentials;               // `ca`, `certificate` and `key`; `token` holds the password
    std::string user;                    // empty: none
};

/// Control thread only.
class EtcdClient final : public EtcdTransport {
public:
    EtcdClient(EtcdAccess access, Http& http, const Timing& timing);

    bool ready() override;
    std::unique_ptr<Exchange> post(const std::string& path, const std::string& body, ResponseHandler& handler,
                                   bool fresh) override;
    void refused() override { token_.clear(); }

    /// The member that is asked now.
    [[nodiscard]] const std::string& endpoint() const { return endpoints_[member_]; }
    /// What stands in the way; empty: nothing.
    [[nodiscard]] const std::string& problem() const { return problem_.empty() ? files_.problem() : problem_; }

private:
    void authenticate();
    void take_token(const EtcdAnswer& answer);

    const std::vector<std::string> endpoints_;
    const std::string user_;
    Credentials files_;
    Http& http_;
    const Timing& timing_;
    std::size_t member_ = 0;
    std::string token_, problem_;
    bool needs_token_;
    std::unique_ptr<EtcdCall> authentication_;
    TimePoint next_authentication_{};
    Backoff backoff_;
};

}  // namespace viaduct
