// flannel's reading of a Node: its lease, with the rules that flanneld applies to its peers' Nodes.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include "control/objects/objects.h"

namespace viaduct {

/// A lease in one family.
struct LeaseSide {
    IpAddress public_ip;
    Mac vtep_mac;
    IpPrefix pod_subnet;
};

struct Lease {
    std::optional<LeaseSide> v4, v6;
};

/// Why a Node is no peer. `what()` is the reason, `remedy()` what to change in the Node.
class NoLease : public std::runtime_error {
public:
    NoLease(const std::string& reason, std::string remedy) : std::runtime_error(reason), remedy_(std::move(remedy)) {}
    [[nodiscard]] const std::string& remedy() const noexcept { return remedy_; }

private:
    std::string remedy_;
};

/// All or nothing: a Node that lacks one of the network's families has no lease at all. Throws NoLease.
[[nodiscard]] Lease lease_of(const NodeObject& node, bool v4, bool v6);

/// The VtepMAC of a backend-data annotation, or nothing; the VNI beside it is of no use to peers.
[[nodiscard]] std::optional<Mac> vtep_mac_of(const std::string& backend_data);
/// The first pod CIDR of this family.
[[nodiscard]] std::optional<IpPrefix> pod_subnet_of(const NodeObject& node, Family family);

}  // namespace viaduct
