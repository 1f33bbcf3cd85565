// Which endpoints of a Service port get its traffic: kube-proxy's CategorizeEndpoints, seen from a gateway.
//
// A traffic policy of Local asks for endpoints on the node that the packet reached. A gateway at the edge hosts no
// pods, so by default (`local-policy = cluster`) Local selects as Cluster does; the client's address is not preserved
// either way. With `local-policy = node` the gateway answers for the node of its own name, exactly as kube-proxy there
// would: only that node's endpoints, and silence when there are endpoints but none of them on it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "control/config.h"
#include "control/objects/objects.h"
#include "tables/desired.h"

namespace viaduct {

/// Where the gateway stands, for topology hints and the Local policies.
struct Place {
    std::string node_name;
    std::string zone;  // "": unknown
    LocalPolicy local_policy = LocalPolicy::cluster;
    bool operator==(const Place&) const = default;
};

/// An endpoint at the port that a Service port joins it by.
struct Candidate {
    IpAddress address;
    std::uint16_t port = 0;
    bool ready = false;
    const Endpoint* endpoint = nullptr;
};

/// The endpoints behind a Service port in one family: joined by port name and protocol, each (address, port) once.
[[nodiscard]] std::vector<Candidate> candidates(std::span<const EndpointSlice* const> slices, const ServicePort& port,
                                                Family family, bool publish_not_ready);

struct Selection {
    std::vector<DesiredBackend> backends;  // sorted
    WhenEmpty when_empty = WhenEmpty::reject;
};
[[nodiscard]] Selection select_backends(std::span<const Candidate> candidates, TrafficPolicy policy,
                                        const Place& place);

}  // namespace viaduct
