// An overlay and its peers: from configuration, the gateway's own Node, the other Nodes and flannel's net-conf.json.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "control/desired/network_objects.h"
#include "tables/desired.h"

namespace viaduct {

/// What is already held in a network: an overlap is never settled by stealing.
class SubnetClaims {
public:
    /// Takes the prefix for `owner`, or returns who holds something of it already.
    [[nodiscard]] std::optional<std::string> claim(const IpPrefix& prefix, const std::string& owner);
    /// Undoes a claim that was granted.
    void release(const IpPrefix& prefix) { claims_.erase(prefix.address); }

private:
    struct Claim {
        IpPrefix prefix;
        std::string owner;
    };
    std::map<IpAddress, Claim> claims_;  // disjoint, by first address
};

struct NetworkInput {
    const NetworkConfig& config;
    NetworkId id{};
    const NetworkObjects& objects;
    std::span<const DesiredPort> ports;
    std::span<const PortFacts> facts;
    const DesiredState* previous = nullptr;
};

/// What the peers of a flannel network are made by, beside their Nodes.
struct PeerRules {
    bool v4 = false, v6 = false;  // families that a lease must have
    std::uint16_t mtu_v4 = 0, mtu_v6 = 0;
};

struct NetworkOutput {
    NetworkId id{};
    DesiredNetwork network{};
    std::vector<DesiredPeer> peers{};  // by name and underlay address
    /// Nothing: a Node that changes may change more than its own peers.
    std::optional<PeerRules> rules{};
};

[[nodiscard]] NetworkOutput desired_network(const NetworkInput& input, std::vector<Finding>& findings);

}  // namespace viaduct
