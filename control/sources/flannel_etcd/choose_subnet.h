// Which subnet a node of a flannel network may take: flanneld's rules for networks that Kubernetes does not cut up.
#pragma once

#include <span>

#include "control/sources/flannel_etcd/subnet_record.h"

namespace viaduct {

/// Where a family's subnets lie, from `first` to `last`, both included.
struct SubnetRange {
    IpPrefix first, last;
};

/// Throws std::invalid_argument saying what to change in net-conf.json.
[[nodiscard]] SubnetRange subnet_range(const FlannelConfig& config, Family family);

/// Whether a node of this network could have these.
[[nodiscard]] bool fits(const FlannelConfig& config, const SubnetPair& subnets);

/// Subnets that overlap none of `taken`, by chance among the first hundred of each family: two nodes that choose at the
/// same time then rarely choose the same. Throws std::invalid_argument when all are taken. `random` is from 0 up to,
/// not including, 1.
[[nodiscard]] SubnetPair choose_subnet(const FlannelConfig& config, std::span<const SubnetPair> taken, double random);

}  // namespace viaduct
