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
    std::uint64_t revision;  // of the assignments and of the Services that they are for
};

struct ClusterWriterOptions {
    std::string identity;                   // of this gateway among others: its Node's name
    bool events = true;                     // findings become Events
    std::string lease = "viaduct/gateway";  // namespace and name of the gateways' common Lease
};

/// Control thread only. Each gateway speaks of its own Node; of the rest only the one that holds the Lease.
class ClusterWriters {
public:
    /// `api` outlives this.
    ClusterWriters(const Config& config, const NetworkConfig& network, const ClusterWriterOptions& options,
                   ApiWriter& api, Timing timing);
    /// Works out what is to be said of Nodes and Services. Only with objects that were read completely.
    void update(const ClusterView& view);
    /// Makes findings Events. Once a second is enough.
    void tell(const Objects& objects, std::span<const Finding> findings);
    /// Sends what is due.
    void run();
    [[nodiscard]] TimePoint due() const;
    /// Of several gateways this one writes what they have in common: after it begins to, `update` is due.
    [[nodiscard]] bool leads() const { return lease_.leads(); }
    [[nodiscard]] std::string leader() const { return lease_.holder(); }
    /// What cannot be said, and what stands in the way of joining.
    [[nodiscard]] std::vector<Finding> findings() const;
    /// Another gateway may lead at once; `released` when the server knows.
    void release() { lease_.release(); }
    [[nodiscard]] bool released() const { return lease_.idle(); }

private:
    [[nodiscard]] bool leader_needed() const;
    void update_node(const ClusterView& view);
    void update_statuses(const ClusterView& view);

    const Config& config_;
    const NetworkConfig& network_;
    const Timing timing_;
    const bool events_wanted_;
    WriteQueue own_queue_, shared_queue_;  // about our own Node; about what gateways have in common
    LeaderLease lease_;
    NodeLease node_lease_;
    StatusWriter statuses_;
    EventWriter events_;
    std::vector<Finding> join_findings_;
    std::optional<std::string> node_uid_;           // of a Node of our own making, while there is one
    std::optional<std::uint64_t> status_revision_;  // that statuses were worked out for
    TimePoint next_statuses_{};
};

}  // namespace viaduct
