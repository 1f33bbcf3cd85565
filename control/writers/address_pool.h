// Which LoadBalancer Service has which addresses: a pure function of pools, Services and what they had before.
//
// Theory of operation. Three rounds, each in the order of the Services' names, so that gateways that see the same
// objects decide alike:
//   keep    what a Service's status says (a restart, another gateway's choice), else what this process gave it before
//   grant   the addresses that a Service asks for by name
//   choose  a free address near a place computed from the Service's name: where no status survives a restart, most
//           Services find the same address again
// A Service that has an address never loses it to another that comes later.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "control/config.h"
#include "control/objects/objects.h"
#include "control/status.h"
#include "control/writers/pool_rules.h"

namespace viaduct {

/// The network and the Service in it: networks of different clusters may have Services of the same name.
using NetworkService = std::pair<std::string, ObjectKey>;
/// With their networks.
using Namespaces = std::vector<std::pair<std::string, Shared<NamespaceObject>>>;
/// For every Service that the pools serve; empty while it has none. At most one address of each family.
using Assignments = std::map<NetworkService, std::vector<IpAddress>>;

struct PoolInput {
    const Config& config;
    std::span<const std::pair<std::string, Shared<ServiceObject>>> services;  // with their networks
    const Namespaces& namespaces;                                             // for pools that choose by labels
    const Assignments& before;
    /// All Services are known. Until then addresses are kept but none is given away: it could be somebody's.
    bool complete = false;
};

struct PoolOutput {
    Assignments assigned;
    std::vector<Finding> findings;
};

[[nodiscard]] PoolOutput assign_addresses(const PoolInput& input);

}  // namespace viaduct
