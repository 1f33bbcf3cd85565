// From desired state to snapshot: off the data path, without clock or I/O, reusing what did not change.
//
// Theory of operation. Builds continue each other. What a build's input shares with the previous build's is taken over
// by pointer: route tables, neighbours, peers, the frontend table or its index and pages, and of changed services every
// backend set whose list is unchanged. Lists that are shared with the previous input are compared by pointer, so a
// build costs what has changed. Backends are recognised by (network, address, port), see backend_book.h.
#pragma once

#include <memory>

#include "tables/backend_book.h"
#include "tables/desired.h"
#include "tables/snapshot.h"

namespace viaduct {

/// Keeps backends' identities and shared tables between builds. Control thread only.
class SnapshotBuilder {
public:
    /// A snapshot of `desired`, numbered after `previous` (the published one, or nullptr). Unchanged parts come from
    /// this builder's last build, published or not. A backend keeps its BackendId while any service of its network has
    /// it; one that comes back after it was gone has another. Peers whose next hop is unresolved get empty headers and
    /// no port; those without a way to them also `next_hop` 0xffffffff. A service's backends and frontends of the wrong
    /// family, and frontends that are taken already (first wins), are left out.
    [[nodiscard]] std::shared_ptr<const Snapshot> build(DesiredState desired,
                                                        const std::shared_ptr<const Snapshot>& previous);
    /// Maglev tables made so far.
    [[nodiscard]] std::uint64_t tables_built() const noexcept { return book_.tables_built(); }

private:
    BackendBook book_;
    std::shared_ptr<const Snapshot> last_ = std::make_shared<const Snapshot>();
};

}  // namespace viaduct
