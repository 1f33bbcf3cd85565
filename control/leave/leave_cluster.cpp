// Takes back what the gateway has written by the Kubernetes API.
#include <poll.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "control/cluster_links.h"
#include "control/leave/leave.h"
#include "control/sources/kubernetes/kubernetes_source.h"
#include "control/writers/flannel_join.h"
#include "control/writers/pool_rules.h"
#include "control/writers/refusal.h"

namespace viaduct {

namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr int most_tries = 3;
constexpr seconds between_tries{1}, longest_pause{10};

/// Asks, and waits for the answer: nothing else has to go on.
class PatientClient {
public:
    explicit PatientClient(const SourceConfig& source) : client_(api_access(source), http_, timing_) {}

    /// What the gateway says here is said as well twice, so a server that is away is asked again.
    [[nodiscard]] ApiAnswer ask(const ApiRequest& request) {
        ApiAnswer answer = ask_once(request);
        for (int tries = 1; is_outage(answer) && tries < most_tries; ++tries) {
            std::this_thread::sleep_for(std::clamp(answer.retry_after, between_tries, longest_pause));
            answer = ask_once(request);
        }
        return answer;
    }

private:
    [[nodiscard]] ApiAnswer ask_once(const ApiRequest& request) {
        std::optional<ApiAnswer> answer;
        sender_.send(request, [&](const ApiAnswer& came) { answer = came; });
        while (!answer) {  // the sender ends it in time
            http_.wake_at(sender_.due());
            pollfd wait{http_.fd(), POLLIN, 0};
            poll(&wait, 1, 100);
            http_.process();
            sender_.tick();
        }
        return *answer;
    }

    const Timing timing_ = real_timing();
    Http http_;
    ApiClient client_;
    ApiSender sender_{client_, timing_};
};

class ClusterFarewell {
public:
    ClusterFarewell(const SourceConfig& source, Farewell& farewell) : api_(source), farewell_(farewell) {}

    void leave_node(const NetworkConfig& network) {
        const std::string name = "Node " + network.node_name;
        const ApiRequest look{"GET", "/api/v1/nodes/" + network.node_name, "", ""};
        const auto answer = answer_to(name, look);
        if (!answer) return;
        const NodeObject node = read_node(answer->body);
        const std::vector<ApiRequest> requests = leave_requests(network, &node);
        if (requests.empty() && network.join == Join::node)
            farewell_.done.push_back(name + ": is not of a gateway's making and stays as it is");
        bool all = !requests.empty();
        for (const ApiRequest& request : requests) all = say(name, request) && all;
        if (all)
            farewell_.done.push_back(name + (network.join == Join::node
                                                 ? ": deleted, with its Lease"
                                                 : ": flannel's annotations are removed; a node forgets the gateway "
                                                   "when its flanneld is restarted"));
    }

    /// A gateway that was killed holds the common Lease for a while; others need not wait.
    void let_lease_go(const SourceConfig& source, const std::string& identity) {
        const std::size_t slash = source.lease.find('/');
        const std::string path = "/apis/coordination.k8s.io/v1/namespaces/" + source.lease.substr(0, slash) +
                                 "/leases/" + source.lease.substr(slash + 1);
        const std::string name = "Lease " + source.lease;
        const auto answer = answer_to(name, {"GET", path, "", ""});
        json lease = answer ? json::parse(answer->body, nullptr, false) : json();
        if (!lease.is_object() || lease.value("/spec/holderIdentity"_json_pointer, json()) != identity) return;
        lease["spec"]["holderIdentity"] = "";
        lease["spec"]["leaseDurationSeconds"] = 1;
        if (say(name, {"PUT", path, json_body, lease.dump()})) farewell_.done.push_back(name + ": let go");
    }

private:
    /// Nothing: there is no such object, or it cannot be seen, which is then a problem.
    std::optional<ApiAnswer> answer_to(const std::string& name, const ApiRequest& request) {
        ApiAnswer answer = api_.ask(request);
        if (answer.good()) return answer;
        if (answer.status != 404) note(name, request, answer);
        return {};
    }

    bool say(const std::string& name, const ApiRequest& request) {
        const ApiAnswer answer = api_.ask(request);
        if (answer.good() || answer.status == 404) return true;
        note(name, request, answer);
        return false;
    }

    void note(const std::string& name, const ApiRequest& request, const ApiAnswer& answer) {
        Finding problem = refusal(name, request, answer);
        if (answer.status != 401 && answer.status != 403) problem.remedy = "leave again when the server is well";
        farewell_.problems.push_back(std::move(problem));
    }

    static NodeObject read_node(const std::string& body) {
        const WatchEvent event = JsonReader().read_event(ObjectKind::node, R"({"type":"ADDED","object":)" + body + "}");
        if (!event.item.object) throw BadAnswer(event.item.error + ", so that it cannot be told whose it is");
        return *std::get<Shared<NodeObject>>(*event.item.object);
    }

    PatientClient api_;
    Farewell& farewell_;
};

}  // namespace

void leave_cluster(const Config& config, const SourceConfig& source, const NetworkConfig& network, Farewell& farewell) {
    ClusterFarewell cluster(source, farewell);
    if (network.join != Join::off) cluster.leave_node(network);
    if (source.events || has_pool(network.name, config)) cluster.let_lease_go(source, gateway_identity(network));
}

}  // namespace viaduct
