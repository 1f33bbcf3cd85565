// Next hops and the MAC addresses that the kernel has resolved for them.
#include "tables/next_hops.h"

namespace viaduct {

std::uint32_t NextHopList::index_of(PortId port, IpAddress address) {
    const auto [entry, fresh] = index_.try_emplace({port, address}, static_cast<std::uint32_t>(hops_.size()));
    if (!fresh) return entry->second;
    const Mac* mac = neighbours_.find(port, address);
    const DesiredPort& own = ports_[static_cast<std::size_t>(port)];
    NextHop& hop = hops_.emplace_back();
    hop.port = port;
    hop.address = address;
    hop.ethernet = {mac != nullptr ? *mac : Mac{}, own.mac, Be16(ether_type::ipv4)};
    hop.resolved = mac != nullptr;
    hop.limit = hop.resolved ? own.mtu : std::uint16_t{0};
    return entry->second;
}

}  // namespace viaduct
