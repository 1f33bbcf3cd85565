// Keeps a Node of our own alive.
#include "control/writers/node_lease.h"

#include <nlohmann/json.hpp>

#include "control/writers/lease.h"
#include "control/writers/refusal.h"

namespace viaduct {

namespace {

constexpr const char* collection = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

}  // namespace

struct NodeLease::State : std::enable_shared_from_this<State> {
    State(ApiWriter& writer, Timing clock, std::string name)
        : api(writer), timing(std::move(clock)), node(std::move(name)) {}

    void renew() {
        nlohmann::json lease = {{"spec",
                                 {{"holderIdentity", node},
                                  {"leaseDurationSeconds", duration_seconds},
                                  {"renewTime", micro_time(std::chrono::system_clock::now())}}}};
        if (!missing) return send({"PATCH", node_lease_path(node), merge_patch, lease.dump()});
        lease["apiVersion"] = "coordination.k8s.io/v1";
        lease["kind"] = "Lease";
        lease["metadata"] = {{"name", node}, {"namespace", "kube-node-lease"}};
        if (!uid.empty())
            lease["metadata"]["ownerReferences"] = {
                {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}, {"uid", uid}}};
        send({"POST", collection, json_body, lease.dump()});
    }

    void send(const ApiRequest& request) {
        in_flight = true;
        next = timing.now() + interval;
        api.send(request, [weak = weak_from_this(), request](const ApiAnswer& answer) {
            if (const auto alive = weak.lock()) alive->take(request, answer);
        });
    }

    void take(const ApiRequest& request, const ApiAnswer& answer) {
        in_flight = false;
        const bool was_missing = std::exchange(missing, answer.status == 404);
        if (missing && !was_missing) next = timing.now();
        if (is_outage(answer)) return;
        const bool fine = answer.good() || (missing && !was_missing);
        problem = fine ? std::nullopt : std::optional(refusal("Node " + node, request, answer));
    }

    ApiWriter& api;
    const Timing timing;
    const std::string node;
    std::string uid;
    TimePoint next{};
    bool in_flight = false, missing = false;
    std::optional<Finding> problem;
};

NodeLease::NodeLease(ApiWriter& api, Timing timing, std::string node)
    : state_(std::make_shared<State>(api, std::move(timing), std::move(node))) {}

void NodeLease::run(const std::string& uid) {
    state_->uid = uid;
    if (!state_->in_flight && state_->timing.now() >= state_->next) state_->renew();
}

TimePoint NodeLease::due() const { return state_->in_flight ? TimePoint::max() : state_->next; }

std::optional<Finding> NodeLease::problem() const { return state_->problem; }

std::string node_lease_path(const std::string& node) { return std::string(collection) + "/" + node; }

}  // namespace viaduct
