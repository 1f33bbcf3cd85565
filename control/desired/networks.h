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

struct NetworkOutput {
    DesiredNetwork network;
    std::vector<DesiredPeer> peers;
};

[[nodiscard]] NetworkOutput desired_network(const NetworkInput& input, std::vector<Finding>& findings);

}  // namespace viaduct
