// Collects the next hops of routes and peers for a snapshot: one entry per (port, address), resolved or not.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "tables/snapshot.h"

namespace viaduct {

class NextHopList {
public:
    /// Both must outlive the list.
    NextHopList(const std::vector<DesiredPort>& ports, const NeighbourTable& neighbours)
        : ports_(ports), neighbours_(neighbours) {}

    /// The index of this next hop, entered when it is new. `port` must exist.
    std::uint32_t index_of(PortId port, IpAddress address);
    [[nodiscard]] const NextHop& operator[](std::uint32_t index) const { return hops_[index]; }
    [[nodiscard]] bool has_port(PortId port) const { return static_cast<std::size_t>(port) < ports_.size(); }
    [[nodiscard]] std::vector<NextHop> take() { return std::move(hops_); }

private:
    const std::vector<DesiredPort>& ports_;
    const NeighbourTable& neighbours_;
    std::vector<NextHop> hops_;
    std::map<std::pair<PortId, IpAddress>, std::uint32_t> index_;
};

}  // namespace viaduct
