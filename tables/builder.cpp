// Assembles a snapshot from its parts.
#include "tables/builder.h"

#include <algorithm>
#include <utility>

#include "tables/build_peers.h"
#include "tables/build_routes.h"
#include "tables/build_services.h"
#include "tables/next_hops.h"

namespace viaduct {
namespace {

std::shared_ptr<const NeighbourTable> build_neighbours(const std::vector<DesiredNeighbour>& desired) {
    std::vector<NeighbourTable::Entry> entries;
    entries.reserve(desired.size());
    for (const DesiredNeighbour& neighbour : desired)
        entries.push_back({neighbour.port, neighbour.address, neighbour.mac});
    return std::make_shared<const NeighbourTable>(entries);
}

/// Whether peers and next hops would come out the same.
bool same_paths(const DesiredState& a, const DesiredState& b) {
    return a.neighbours == b.neighbours && a.ports == b.ports && a.routes == b.routes && a.networks == b.networks &&
           a.peers == b.peers;
}

}  // namespace

std::shared_ptr<const Snapshot> SnapshotBuilder::build(DesiredState desired,
                                                       const std::shared_ptr<const Snapshot>& previous) {
    const Snapshot& last = *last_;
    const DesiredState& before = last.desired();
    const auto next = std::make_shared<Snapshot>();
    next->version = previous != nullptr ? previous->version + 1 : 1;
    next->ports = desired.ports;
    if (same_paths(desired, before)) {
        next->neighbours = last.neighbours;
        next->networks = last.networks;
        next->peers = last.peers;
        next->next_hops = last.next_hops;
        next->peers_v4_ = last.peers_v4_;
        next->peers_v6_ = last.peers_v6_;
    } else {
        next->neighbours =
            desired.neighbours == before.neighbours ? last.neighbours : build_neighbours(desired.neighbours);
        NextHopList hops(desired.ports, *next->neighbours);
        next->networks = build_networks(desired, last, hops);
        next->peers = build_peers(desired, hops);
        next->next_hops = hops.take();
        next->index_peers();
    }
    next->index();
    BuiltServices services = build_services(desired.services, before.services, last.frontends, book_);
    next->frontends = std::move(services.table);
    next->services_version = last.services_version + (services.changed ? 1U : 0U);
    next->desired_ = std::make_shared<const DesiredState>(std::move(desired));
    last_ = next;
    return next;
}

}  // namespace viaduct
