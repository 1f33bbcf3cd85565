// Neighbours on connected networks: (port, address) → MAC address.
#pragma once

#include <cstdint>
#include <span>

#include "encap/packet.h"
#include "tables/probe_table.h"

namespace viaduct {

class NeighbourTable {
public:
    struct Entry {
        PortId port = PortId::none;
        IpAddress address;
        Mac mac;
        [[nodiscard]] bool used() const noexcept { return port != PortId::none; }
    };
    NeighbourTable() = default;
    /// Of two entries for one neighbour the last one stays: the kernel's news come in order.
    explicit NeighbourTable(std::span<const Entry> entries);
    /// The neighbour's MAC address, or nullptr while it is not known.
    [[nodiscard]] const Mac* find(PortId port, IpAddress address) const noexcept {
        const Entry* entry = slots_.find(hash(port, address), [&](const Entry& e) { return same(e, port, address); });
        return entry != nullptr ? &entry->mac : nullptr;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    static std::uint64_t hash(PortId port, IpAddress address) noexcept {
        return spread(hash_of(address.v6()) + static_cast<std::uint64_t>(port));
    }
    static bool same(const Entry& entry, PortId port, IpAddress address) noexcept {
        return entry.address == address && entry.port == port;
    }

    ProbeTable<Entry> slots_;
    std::size_t size_ = 0;
};

}  // namespace viaduct
