// Which endpoints of a Service port get its traffic.
#include "control/selection.h"

#include <algorithm>
#include <tuple>

namespace viaduct {

namespace {

bool holds(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

bool is_draining(const Candidate& one) { return one.endpoint->serving && one.endpoint->terminating; }

using Filter = bool (*)(const Candidate&, const std::string& wanted);

bool any(const Candidate&, const std::string&) { return true; }
bool hinted_for_node(const Candidate& one, const std::string& node) { return holds(one.endpoint->node_hints, node); }
bool hinted_for_zone(const Candidate& one, const std::string& zone) { return holds(one.endpoint->zone_hints, zone); }

/// Hints count only if every ready endpoint has one and one is for us: a half-written set would starve somebody.
bool hints_usable(std::span<const Candidate> all, std::vector<std::string> Endpoint::*hints, const std::string& mine) {
    bool one_for_us = false;
    for (const Candidate& one : all) {
        if (!one.ready) continue;
        if ((one.endpoint->*hints).empty()) return false;
        one_for_us |= holds(one.endpoint->*hints, mine);
    }
    return one_for_us;
}

std::vector<DesiredBackend> chosen(std::span<const Candidate> all, auto wanted) {
    std::vector<DesiredBackend> backends;
    for (const Candidate& one : all)
        if (wanted(one)) backends.push_back({one.address, one.port, 1});
    return backends;
}

/// Ready ones that pass; without any, those that still serve while they terminate, topology disregarded.
std::vector<DesiredBackend> ready_else_draining(std::span<const Candidate> all, Filter filter, const std::string& arg) {
    auto backends = chosen(all, [&](const Candidate& one) { return one.ready && filter(one, arg); });
    return backends.empty() ? chosen(all, is_draining) : backends;
}

Selection select_cluster(std::span<const Candidate> all, const Place& place) {
    if (hints_usable(all, &Endpoint::node_hints, place.node_name))
        return {ready_else_draining(all, hinted_for_node, place.node_name), WhenEmpty::reject};
    if (hints_usable(all, &Endpoint::zone_hints, place.zone))
        return {ready_else_draining(all, hinted_for_zone, place.zone), WhenEmpty::reject};
    return {ready_else_draining(all, any, ""), WhenEmpty::reject};
}

Selection select_local(std::span<const Candidate> all, const std::string& node) {
    std::vector<Candidate> local;
    for (const Candidate& one : all)
        if (one.endpoint->node_name == node) local.push_back(one);
    const bool served_elsewhere =
        std::ranges::any_of(all, [](const Candidate& one) { return one.ready || is_draining(one); });
    Selection selection{ready_else_draining(local, any, ""), WhenEmpty::reject};
    if (selection.backends.empty() && served_elsewhere) selection.when_empty = WhenEmpty::drop;
    return selection;
}

}  // namespace

std::vector<Candidate> candidates(std::span<const EndpointSlice* const> slices, const ServicePort& port, Family family,
                                  bool publish_not_ready) {
    std::vector<Candidate> all;
    for (const EndpointSlice* slice : slices) {
        if (slice->family != family) continue;
        for (const EndpointPort& target : slice->ports) {
            if (target.port == 0 || target.name != port.name || target.protocol != port.protocol) continue;
            for (const Endpoint& endpoint : slice->endpoints)
                all.push_back({endpoint.address, target.port, endpoint.ready || publish_not_ready, &endpoint});
        }
    }
    // An endpoint on its way from one slice to another is in both: the copy that gets traffic counts.
    std::ranges::stable_sort(
        all, {}, [](const Candidate& one) { return std::tuple(one.address, one.port, !one.ready, !is_draining(one)); });
    const auto same = [](const Candidate& a, const Candidate& b) { return a.address == b.address && a.port == b.port; };
    all.erase(std::unique(all.begin(), all.end(), same), all.end());
    return all;
}

Selection select_backends(std::span<const Candidate> candidates, TrafficPolicy policy, const Place& place) {
    if (policy == TrafficPolicy::local && place.local_policy == LocalPolicy::node)
        return select_local(candidates, place.node_name);
    return select_cluster(candidates, place);
}

}  // namespace viaduct
