// Neighbours on connected networks: (port, address) → next hop.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "encap/packet.h"

namespace viaduct {

class NeighbourTable {
public:
    struct Entry {
        PortId port{};
        IpAddress address;
        Mac mac;
    };
    NeighbourTable() = default;
    explicit NeighbourTable(std::span<const Entry> entries);
    /// The neighbour's MAC address, or nullptr while it is not known.
    [[nodiscard]] const Mac* find(PortId port, IpAddress address) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept;
};

}  // namespace viaduct
