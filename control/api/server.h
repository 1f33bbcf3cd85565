// The local API: read-only JSON over HTTP on a Unix socket, for viaductctl and for metrics.
//
//   /v1/version /v1/totals /v1/ports /v1/workers /v1/drops /v1/sources        small
//   /v1/networks /v1/peers /v1/routes /v1/services /v1/backends               ?offset=&limit=, newest snapshot
//   /v1/connections                                                           ?limit=
//   /v1/explain                                ?from=&to=&proto=&port=&peer=&length=&ttl=
//   /metrics                                   Prometheus' text format
// Errors are {"error":{"message":…,"remedy":…}} with a status of 4xx or 5xx.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control/status.h"
#include "tables/gateway_view.h"
#include "tables/published.h"

namespace viaduct {

/// What the API tells about. All of it is used from the server's threads and outlives the server.
struct ApiSubject {
    GatewayView& view;
    const Published& published;
    std::function<ControlStatus()> status;
};

class ApiServer {
public:
    /// Listens and serves in threads of its own until destroyed. The socket of a gateway that died is replaced; its
    /// mode is 0660 and its group `viaduct`, where there is one. Throws std::runtime_error naming the remedy.
    ApiServer(const std::string& socket_path, ApiSubject subject);
    ~ApiServer();
    ApiServer(const ApiServer&) = delete;
    ApiServer& operator=(const ApiServer&) = delete;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct
