// From desired state to snapshot: a pure function, off the data path, that reuses what did not change.
#pragma once

#include <memory>

#include "tables/desired.h"
#include "tables/snapshot.h"

namespace viaduct {

/// Keeps backends' identities and shared tables between builds. Control thread only.
class SnapshotBuilder {
public:
    /// A snapshot of `desired`. `previous` (or nullptr) lends its unchanged parts: route tables, backend sets with
    /// their Maglev tables, neighbours. A backend keeps its BackendId while its service has it, and one that comes back
    /// after it was gone gets a new generation. Peers whose next hop is unresolved get empty headers. A service's
    /// backends of the wrong family, and frontends that are taken already (first wins), are left out.
    [[nodiscard]] std::shared_ptr<const Snapshot> build(const DesiredState& desired,
                                                        const std::shared_ptr<const Snapshot>& previous);
};

}  // namespace viaduct
