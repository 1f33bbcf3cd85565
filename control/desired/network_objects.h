// One network's objects out of all its sources, each object once: those that make the network, not its Services.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "control/desired/desired_state.h"

namespace viaduct {

class NetworkObjects {
public:
    /// `sources` with another network's name are passed over. An object that two sources carry is reported.
    NetworkObjects(const std::string& network, std::span<const SourceObjects> sources, std::vector<Finding>& findings);

    [[nodiscard]] const std::vector<const NodeObject*>& nodes() const { return nodes_; }
    [[nodiscard]] const NodeObject* node(const std::string& name) const;
    /// net-conf.json, or nullptr.
    [[nodiscard]] const FlannelConfig* flannel_config() const { return flannel_config_; }
    /// Calico's, in no particular order.
    [[nodiscard]] const std::vector<const IpPool*>& ip_pools() const { return ip_pools_; }
    [[nodiscard]] const std::vector<const BlockAffinity*>& block_affinities() const { return block_affinities_; }
    [[nodiscard]] const std::vector<const IpamBlock*>& ipam_blocks() const { return ipam_blocks_; }
    /// FelixConfiguration `default`, or nullptr.
    [[nodiscard]] const FelixConfig* felix_config() const { return felix_config_; }
    [[nodiscard]] const std::vector<const CiliumNode*>& cilium_nodes() const { return cilium_nodes_; }
    /// Some source was not let read these, and says so itself: what there is none of may be there.
    [[nodiscard]] bool unread(ObjectKind kind) const { return unread_.contains(kind); }
    /// cilium-config, or nullptr.
    [[nodiscard]] const CiliumConfig* cilium_config() const { return cilium_config_; }

private:
    std::vector<const NodeObject*> nodes_;
    const FlannelConfig* flannel_config_ = nullptr;
    std::vector<const IpPool*> ip_pools_;
    std::vector<const BlockAffinity*> block_affinities_;
    std::vector<const IpamBlock*> ipam_blocks_;
    const FelixConfig* felix_config_ = nullptr;
    std::vector<const CiliumNode*> cilium_nodes_;
    const CiliumConfig* cilium_config_ = nullptr;
    std::set<ObjectKind> unread_;
};

}  // namespace viaduct
