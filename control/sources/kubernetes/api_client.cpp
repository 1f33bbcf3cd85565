// Requests as an API server expects them.
#include "control/sources/kubernetes/api_client.h"

namespace viaduct {

namespace {

/// "https://192.0.2.2:6443" as host, with the brackets of an IPv6 address, and port.
std::pair<std::string, std::string> host_and_port(const std::string& server) {
    const std::size_t begin = server.find("://") + 3, end = std::min(server.find('/', begin), server.size());
    const std::string authority = server.substr(begin, end - begin);
    const std::size_t colon = authority.rfind(':');
    if (colon != std::string::npos && authority.find(']', colon) == std::string::npos)
        return {authority.substr(0, colon), authority.substr(colon + 1)};
    return {authority, server.starts_with("https") ? "443" : "80"};
}

}  // namespace

std::unique_ptr<Exchange> ApiClient::get(const std::string& path, ResponseHandler& handler, bool fresh) {
    return begin({"GET", path, "", ""}, handler, {}, fresh);
}

std::unique_ptr<Exchange> ApiClient::begin(const ApiRequest& what, ResponseHandler& handler,
                                           std::chrono::milliseconds timeout, bool fresh) {
    const Credential credential = credentials_.present();
    HttpRequest request;
    request.method = what.method;
    request.url = access_.server + what.path;
    request.body = what.body;
    request.timeout = timeout;
    request.headers = {"Accept: application/json", std::string("User-Agent: viaduct/") + VIADUCT_VERSION};
    if (!what.content_type.empty()) request.headers.push_back("Content-Type: " + what.content_type);
    if (!credential.token.empty()) request.headers.push_back("Authorization: Bearer " + credential.token);
    if (!access_.tls_server_name.empty()) {
        // TLS and the URL bear the certificate's name, the connection goes where the server is.
        const auto [host, port] = host_and_port(access_.server);
        const std::size_t end = access_.server.find(host) + host.size();
        request.url = "https://" + access_.tls_server_name + access_.server.substr(end) + what.path;
        request.connect_to = access_.tls_server_name + ":" + port + ":" + host + ":" + port;
    }
    request.proxy = access_.proxy;
    request.ca = credential.ca;
    request.certificate = credential.certificate;
    request.key = credential.key;
    request.verify = access_.verify;
    request.fresh = fresh;
    return http_.send(request, handler);
}

}  // namespace viaduct
