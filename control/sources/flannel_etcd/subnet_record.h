// What flannel keeps in etcd for a node: a key that is named after the node's subnets, and its lease as JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/objects/objects.h"

namespace viaduct {

/// A node's subnets: IPv4's always, IPv6's on a dual-stack network.
struct SubnetPair {
    IpPrefix v4;
    std::optional<IpPrefix> v6;
    bool operator==(const SubnetPair&) const = default;
};

/// What a node says of itself.
struct LeaseAttributes {
    Ipv4 public_ip;
    std::optional<Ipv6> public_ipv6;
    Vni vni;
    Mac vtep_mac;
};

/// "10.5.52.0-24", or "10.5.52.0-24&fd00:5:52::-64".
[[nodiscard]] std::string subnet_key(const SubnetPair& subnets);
[[nodiscard]] std::optional<SubnetPair> parse_subnet_key(std::string_view key);

/// Byte for byte what flanneld writes.
[[nodiscard]] std::string lease_text(const LeaseAttributes& attributes);
/// The lease as the Node that flannel's other manager would have written it to. Throws std::invalid_argument saying
/// what is wrong with the text.
[[nodiscard]] NodeObject node_of_lease(const std::string& name, const SubnetPair& subnets, const std::string& text);

}  // namespace viaduct
