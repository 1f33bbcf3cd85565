// Fills the neighbour table; the lookup is in the header.
#include "tables/neighbours.h"

namespace viaduct {

NeighbourTable::NeighbourTable(std::span<const Entry> entries) : slots_(entries.size()) {
    for (const Entry& entry : entries) {
        if (!entry.used()) continue;
        Entry& slot = slots_.place(hash(entry.port, entry.address),
                                   [&](const Entry& e) { return same(e, entry.port, entry.address); });
        size_ += slot.used() ? 0 : 1;
        slot = entry;
    }
}

}  // namespace viaduct
