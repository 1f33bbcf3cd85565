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
      timing_(timing),
      events_wanted_(options.events),
      own_queue_(api, timing),
      shared_queue_(api, timing),
      lease_(api, timing,
             {options.lease.substr(0, options.lease.find('/')), options.lease.substr(options.lease.find('/') + 1),
              options.identity}),
      node_lease_(api, timing, network.node_name),
      statuses_(config, network.name, shared_queue_),
      events_(shared_queue_, timing, options.identity) {}

bool ClusterWriters::leader_needed() const { return events_wanted_ || has_pool(network_.name, config_); }

void ClusterWriters::update(const ClusterView& view) {
    if (network_.join != Join::off) update_node(view);
    if (lease_.leads()) update_statuses(view);
}

void ClusterWriters::update_node(const ClusterView& view) {
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
}

/// When a Service changed; and now and then all the same, for the queue does not repeat at once what it has just said.
void ClusterWriters::update_statuses(const ClusterView& view) {
    const TimePoint now = timing_.now();
    if (status_revision_ == view.revision && now < next_statuses_) return;
    statuses_.update(view.objects.services, view.assigned);
    status_revision_ = view.revision;
    next_statuses_ = now + WriteQueue::echo;
}

void ClusterWriters::tell(const Objects& objects, std::span<const Finding> findings) {
    if (!events_wanted_ || !lease_.leads()) return;
    std::vector<Finding> all(findings.begin(), findings.end());
    all.insert(all.end(), join_findings_.begin(), join_findings_.end());
    events_.update(all, [&](const EventTarget& target) { return uid_of(objects, target); });
}

void ClusterWriters::run() {
    own_queue_.run();
    if (leader_needed()) lease_.run();
    if (lease_.leads()) {
        shared_queue_.run();
    } else if (status_revision_) {
        // What waits is another's to say from now on, and may be wrong when this gateway leads again.
        shared_queue_.drop_all();
        status_revision_.reset();
    }
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
    for (const auto& one : {lease_.problem(), node_lease_.problem()})
        if (one) findings.push_back(*one);
    return findings;
}

}  // namespace viaduct
