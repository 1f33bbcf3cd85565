// Keeps a Node of our own alive: its Lease in kube-node-lease, renewed as a kubelet would.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "control/sources/kubernetes/transport.h"
#include "control/status.h"
#include "control/writers/api_writer.h"

namespace viaduct {

/// Control thread only.
class NodeLease {
public:
    static constexpr std::chrono::seconds interval{10};
    static constexpr int duration_seconds = 40;  // after which the Node counts as not ready: the kubelet's default

    /// `uid` of the Node: the Lease is deleted with it. "": not known yet.
    NodeLease(ApiWriter& api, Timing timing, std::string node);
    void run(const std::string& uid);
    [[nodiscard]] TimePoint due() const;
    /// Why the server does not take it.
    [[nodiscard]] std::optional<Finding> problem() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

[[nodiscard]] std::string node_lease_path(const std::string& node);

}  // namespace viaduct
