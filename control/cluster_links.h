// The writers of every cluster that can be written to, driven by the control thread's loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/config.h"
#include "control/sources/source.h"
#include "control/writers/address_book.h"
#include "control/writers/cluster_writers.h"

namespace viaduct {

/// What sets this gateway apart from others: its Node's name, which every flannel network has, else its host's.
[[nodiscard]] std::string gateway_identity(const NetworkConfig& network);

/// What the controller has made of its sources; all of it outlives the links.
struct ClusterFacts {
    const DesiredState& desired;  // as published
    const AddressBook& addresses;
    const std::vector<Finding>& findings;
};

/// Control thread only. Nothing here waits for an API server.
class ClusterLinks {
public:
    /// `config` outlives this.
    ClusterLinks(const Config& config, const ClusterFacts& facts) : config_(config), facts_(facts) {}

    /// A source that cannot be written to is left alone. `network` and `source` outlive this.
    void add(const SourceConfig& config, const NetworkConfig& network, Source& source);
    /// Something was published.
    void update();
    /// Once a second: what was found becomes Events.
    void tell();
    /// A source has heard something, so that answers may have come.
    void heard() { due_ = {}; }
    /// Sends what is due.
    void run();
    [[nodiscard]] TimePoint due() const { return due_; }
    [[nodiscard]] std::vector<Finding> findings() const;
    /// Adds who leads to what its source says.
    void describe(std::vector<SourceStatus>& sources) const;

    /// Lets other gateways lead at once; `released` when the servers know.
    void release();
    [[nodiscard]] bool released() const;

private:
    struct Link {
        std::string source_name;
        const NetworkConfig& network;
        Source& source;
        std::unique_ptr<ClusterWriters> writers;
        bool led = false;
    };

    void update(Link& link);
    [[nodiscard]] std::vector<Finding> findings_for(const Link& link) const;

    const Config& config_;
    const ClusterFacts facts_;
    std::vector<Link> links_;
    TimePoint due_{};
};

}  // namespace viaduct
