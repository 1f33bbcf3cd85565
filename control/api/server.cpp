// The HTTP side of the local API: which path answers with what.
#include "control/api/server.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "control/api/activity_json.h"
#include "control/api/deadline_server.h"
#include "control/api/forwarding_json.h"
#include "control/api/metrics.h"
#include "control/api/question.h"
#include "control/api/request_queue.h"
#include "control/api/socket_path.h"

namespace viaduct {
namespace {

constexpr std::size_t threads = 8;
constexpr int backlog = 128;
constexpr std::size_t largest_request_body = 1024;  // bytes; nothing here reads one
constexpr std::size_t most_connections = 100'000;   // in one answer

void send(httplib::Response& response, const Json& body, int status = 200) {
    response.status = status;
    // Names come from the cluster and may hold any bytes.
    response.set_content(body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", "application/json");
}

void send_error(httplib::Response& response, int status, const std::string& message, const std::string& remedy) {
    send(response, {{"error", {{"message", message}, {"remedy", remedy}}}}, status);
}

Parameter parameters(const httplib::Request& request) {
    return [&request](const std::string& name) { return request.get_param_value(name); };
}

Page read_page(const httplib::Request& request) {
    Page page;
    page.offset = number("offset", request.get_param_value("offset"), 0, SIZE_MAX);
    page.limit = number("limit", request.get_param_value("limit"), page.limit, Page::largest);
    return page;
}

}  // namespace

class ApiServer::Impl {
public:
    Impl(std::string path, ApiSubject subject) : path_(std::move(path)), subject_(std::move(subject)) {
        limit_requests();
        offer_forwarding();
        offer_activity();
        offer_explain();
        listen();
    }
    ~Impl() {
        server_.stop();
        thread_.join();
        unlink(path_.c_str());
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

private:
    using Answer = std::function<Json(const httplib::Request&)>;

    void limit_requests() {
        server_.new_task_queue = [] { return new RequestQueue(threads); };  // httplib deletes it
        server_.set_payload_max_length(largest_request_body);
        server_.set_error_handler([](const httplib::Request& request, httplib::Response& response) {
            if (!response.body.empty()) return;
            send_error(response, response.status, "no answer to " + request.method + " " + request.path,
                       "GET /v1/version, totals, ports, workers, stages, drops, sources, networks, peers, routes, "
                       "services, backends, connections, explain, or /metrics");
        });
    }
    void offer(const std::string& path, Answer answer) {
        server_.Get(path, [answer = std::move(answer)](const httplib::Request& request, httplib::Response& response) {
            try {
                send(response, answer(request));
            } catch (const BadRequest& error) {
                send_error(response, 400, error.what(), error.remedy());
            } catch (const std::invalid_argument& error) {
                send_error(response, 400, error.what(), "`viaductctl show ports` and `show peers` list the names");
            } catch (const std::exception& error) {
                send_error(response, 500, error.what(), "look at the gateway's log");
            }
        });
    }
    void offer_forwarding() {
        const auto list = [this](const std::string& path, Json (*make)(const Snapshot&, Page)) {
            offer(path, [this, make](const auto& request) { return make(*snapshot(), read_page(request)); });
        };
        list("/v1/networks", networks_json);
        list("/v1/peers", peers_json);
        list("/v1/routes", routes_json);
        list("/v1/services", services_json);
        list("/v1/backends", backends_json);
    }
    void offer_activity() {
        offer("/v1/version", [this](const auto&) -> Json {
            return {{"version", VIADUCT_VERSION}, {"snapshot", snapshot()->version}, {"pid", getpid()}};
        });
        offer("/v1/ports", [this](const auto&) { return ports_json(subject_.view); });
        offer("/v1/workers", [this](const auto&) { return workers_json(subject_.view); });
        offer("/v1/stages", [this](const auto&) { return stages_json(subject_.view); });
        offer("/v1/drops", [this](const auto&) { return drops_json(subject_.view); });
        offer("/v1/totals", [this](const auto&) { return totals_json(subject_.view); });
        offer("/v1/sources", [this](const auto&) { return sources_json(subject_.status()); });
        offer("/v1/connections", [this](const auto& request) {
            const std::size_t limit = number("limit", request.get_param_value("limit"), 1'000, most_connections);
            return connections_json(subject_.view, *snapshot(), limit);
        });
        server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
            response.set_content(metrics_text(subject_.view, subject_.status()), "text/plain; version=0.0.4");
        });
    }
    void offer_explain() {
        offer("/v1/explain", [this](const httplib::Request& request) {
            const Question question = read_question(parameters(request));
            return explanation_json(subject_.view.explain(question, *snapshot()));
        });
    }
    void listen() {
        prepare_socket_path(path_);
        int socket = -1;
        server_.set_address_family(AF_UNIX).set_socket_options([&socket](int unbound) {
            restrict_socket(unbound);
            socket = unbound;
        });
        constexpr int unused_port = 1;
        if (!server_.bind_to_port(path_, unused_port)) {
            throw std::runtime_error("cannot listen on " + path_ + ": " + std::strerror(errno) +
                                     "; run the gateway as root or choose another `socket`");
        }
        // httplib's own backlog of 5 turns clients away (EAGAIN) in the slightest rush.
        ::listen(socket, backlog);
        share_with_group(path_);
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        // stop() before the server runs would be lost.
        while (!server_.is_running()) std::this_thread::yield();
    }
    [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const { return subject_.published.current(); }

    const std::string path_;
    const ApiSubject subject_;
    DeadlineServer server_;
    std::thread thread_;
};

ApiServer::ApiServer(const std::string& socket_path, ApiSubject subject)
    : impl_(std::make_unique<Impl>(socket_path, std::move(subject))) {}

ApiServer::~ApiServer() = default;

}  // namespace viaduct
