// Nodes of a flannel network that come, go or change, one by one: at what they cost themselves.
//
// Theory of operation. Who holds which underlay address and pod subnet is kept beside the peers. While nobody contends
// for any, a Node's peers depend on that Node alone, so they can be exchanged. As soon as one is malformed, or wants
// what another holds, this gives up, and the network is made anew with everything that there is to tell about it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "control/desired/networks.h"

namespace viaduct {

struct NodeChange {
    Shared<NodeObject> before, after;  // nullptr: it was not there, or is no more
};

class PeerChanges {
public:
    /// `made` has rules.
    explicit PeerChanges(const NetworkOutput& made);

    /// Brings `made`, which was followed from its beginning, in line. False: it is to be made anew, and this too.
    [[nodiscard]] bool follow(std::span<const NodeChange> changes, NetworkOutput& made);

private:
    void remove(const std::string& node, std::vector<DesiredPeer>& peers);
    [[nodiscard]] bool add(const NodeObject& node, NetworkOutput& made);
    [[nodiscard]] bool hold(const DesiredPeer& peer);

    std::map<IpAddress, std::string> underlays_;
    SubnetClaims subnets_;
};

/// The Nodes that only one of two lists has, by pointer.
[[nodiscard]] std::vector<NodeChange> node_changes(const std::vector<Shared<NodeObject>>& before,
                                                   const std::vector<Shared<NodeObject>>& after);

}  // namespace viaduct
