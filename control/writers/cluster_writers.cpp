// Everything that the gateway says to one cluster.
#include "control/writers/cluster_writers.h"

#include <algorithm>

namespace viaduct {

namespace {

std::string uid_of(const Objects& objects, const EventTarget& target) {
    const auto is_target = [&](const auto& one) {
        return one->key.name == target.name && one->key.name_space == target.name_space;
    };
    // `kubectl describe node` looks for Events whose uid is the Node's name, as kubelets write it.
    if (target.kind == "Node") return target.name;
    const auto found =
        target.kind == "Service" ? std::ranges::find_if(objects.services, is_target) : objects.services.end();
    return found == objects.services.end() ? "" : (*found)->uid;
}

}  // namespace

ClusterWriters::ClusterWriters(const Config& config, const NetworkConfig& network, const ClusterWriterOptions& options,
                               ApiWriter& api, Timing timing)
    : config_(config),
      network_(network),
      events_wanted_(options.events),
      own_queue_(api, timing),
      shared_queue_(api, timing),
      lease_(api, timing,
             {options.lease.substr(0, options.lease.find('/')), options.lease.substr(options.lease.find('/') + 1),
              network.node_name}),
      node_lease_(api, timing, network.node_name),
      statuses_(config, network.name, shared_queue_),
      events_(shared_queue_, timing, network.node_name) {}

bool ClusterWriters::leader_needed() const { return events_wanted_ || has_pool(network_.name, config_); }

void ClusterWriters::update(const ClusterView& view) {
    const auto own = std::ranges::find_if(view.objects.nodes,
                                          [&](const auto& node) { return node->key.name == network_.node_name; });
    const NodeObject* node = own == view.objects.nodes.end() ? nullptr : own->get();
    join_findings_.clear();
    const std::string name = "Node " + network_.node_name;
    if (const auto request = join_request(network_, view.network, node, join_findings_))
        own_queue_.put(name, *request);
    else
        own_queue_.drop(name);
    node_uid_ =
        network_.join == Join::node && node != nullptr && node->is_gateway ? std::optional(node->uid) : std::nullopt;
    if (!lease_.leads()) return;
    statuses_.update(view.objects.services, view.assigned);
    if (events_wanted_)
        events_.update(view.findings, [&](const EventTarget& target) { return uid_of(view.objects, target); });
}

void ClusterWriters::run() {
    own_queue_.run();
    if (leader_needed()) lease_.run();
    if (lease_.leads()) shared_queue_.run();
    if (node_uid_) node_lease_.run(*node_uid_);
}

TimePoint ClusterWriters::due() const {
    TimePoint due = own_queue_.due().value_or(TimePoint::max());
    if (lease_.leads()) due = std::min(due, shared_queue_.due().value_or(TimePoint::max()));
    if (leader_needed()) due = std::min(due, lease_.due());
    if (node_uid_) due = std::min(due, node_lease_.due());
    return due;
}

std::vector<Finding> ClusterWriters::findings() const {
    std::vector<Finding> findings = join_findings_;
    for (const WriteQueue* queue : {&own_queue_, &shared_queue_})
        std::ranges::move(queue->findings(), std::back_inserter(findings));
    return findings;
}

}  // namespace viaduct
