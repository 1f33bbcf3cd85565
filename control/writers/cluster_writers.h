// Everything that the gateway says to one cluster: its own Node, load-balancer statuses and Events.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/writers/event_writer.h"
#include "control/writers/flannel_join.h"
#include "control/writers/lease.h"
#include "control/writers/node_lease.h"
#include "control/writers/status_writer.h"

namespace viaduct {

/// What is true of the cluster's network now.
struct ClusterView {
    const Objects& objects;
    const DesiredNetwork& network;
    const Assignments& assigned;
    std::span<const Finding> findings;
};

struct ClusterWriterOptions {
    bool events = true;                     // findings become Events
    std::string lease = "viaduct/gateway";  // namespace and name of the gateways' common Lease
};

/// Control thread only. Each gateway speaks of its own Node; of the rest only the one that holds the Lease.
class ClusterWriters {
public:
    /// `api` outlives this.
    ClusterWriters(const Config& config, const NetworkConfig& network, const ClusterWriterOptions& options,
                   ApiWriter& api, Timing timing);
    /// Works out what is to be said. Only with objects that were read completely.
    void update(const ClusterView& view);
    /// Sends what is due.
    void run();
    [[nodiscard]] TimePoint due() const;
    /// What cannot be said, and what stands in the way of joining.
    [[nodiscard]] std::vector<Finding> findings() const;
    /// Another gateway may lead at once.
    void release() { lease_.release(); }

private:
    [[nodiscard]] bool leader_needed() const;

    const Config& config_;
    const NetworkConfig& network_;
    const bool events_wanted_;
    WriteQueue own_queue_, shared_queue_;  // about our own Node; about what gateways have in common
    LeaderLease lease_;
    NodeLease node_lease_;
    StatusWriter statuses_;
    EventWriter events_;
    std::vector<Finding> join_findings_;
    std::optional<std::string> node_uid_;  // of a Node of our own making, while there is one
};

}  // namespace viaduct
