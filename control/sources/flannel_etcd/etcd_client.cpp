// Requests as etcd's members expect them.
#include "control/sources/flannel_etcd/etcd_client.h"

#include "control/sources/flannel_etcd/etcd_json.h"

namespace viaduct {

EtcdClient::EtcdClient(EtcdAccess access, Http& http, const Timing& timing)
    : endpoints_(std::move(access.endpoints)),
      user_(std::move(access.user)),
      files_(std::move(access.credentials), timing),
      http_(http),
      timing_(timing),
      needs_token_(!user_.empty()) {}

bool EtcdClient::ready() {
    if (!needs_token_ || !token_.empty()) return true;
    if (authentication_ == nullptr && timing_.now() >= next_authentication_) authenticate();
    return false;
}

std::unique_ptr<Exchange> EtcdClient::post(const std::string& path, const std::string& body, ResponseHandler& handler,
                                           bool fresh) {
    if (fresh) member_ = (member_ + 1) % endpoints_.size();
    const Credential files = files_.present();
    HttpRequest request;
    request.url = endpoint() + path;
    request.method = "POST";
    request.body = body;
    // A member that has lost its leader says so at once, instead of serving what may be old.
    request.headers = {"Content-Type: application/json", "Grpc-Metadata-hasleader: true"};
    if (!token_.empty()) request.headers.push_back("Authorization: " + token_);
    request.ca = files.ca;
    request.certificate = files.certificate;
    request.key = files.key;
    request.fresh = fresh;
    return http_.send(request, handler);
}

void EtcdClient::authenticate() {
    const std::string body = authenticate_request(user_, files_.present().token);
    authentication_ = std::make_unique<EtcdCall>(
        [&](ResponseHandler& handler) { return post("/v3/auth/authenticate", body, handler, false); },
        [this](const EtcdAnswer& answer) { take_token(answer); });
}

void EtcdClient::take_token(const EtcdAnswer& answer) {
    authentication_.reset();
    next_authentication_ = timing_.now() + backoff_.next(timing_.random());
    problem_.clear();
    const std::string refusal = answer.good() ? "" : read_refusal(answer.body);
    try {
        if (answer.good())
            token_ = read_token(answer.body), backoff_.reset();
        else if (refusal.find("authentication is not enabled") != std::string::npos)
            needs_token_ = false;
        else if (answer.status == 0)
            member_ = (member_ + 1) % endpoints_.size(), problem_ = endpoint() + ": " + answer.body;
        else
            problem_ = endpoint() + " does not accept the user " + user_ + " (" + refusal +
                       "): correct etcd-username, or the password in etcd-password-file";
    } catch (const BadEtcdAnswer& wrong) {
        problem_ = endpoint() + ": the answer to the password is unreadable: " + wrong.what();
    }
}

}  // namespace viaduct
