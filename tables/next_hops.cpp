// Next hops and the MAC addresses that the kernel has resolved for them.
#include "tables/next_hops.h"

namespace viaduct {

std::uint32_t NextHopList::index_of(PortId port, IpAddress address) {
    const auto [entry, fresh] = index_.try_emplace({port, address}, static_cast<std::uint32_t>(hops_.size()));
    if (!fresh) return entry->second;
    const Mac* mac = neighbours_.find(port, address);
    const Mac& source = ports_[static_cast<std::size_t>(port)].mac;
    hops_.push_back({port, mac != nullptr, {mac != nullptr ? *mac : Mac{}, source, {}}, address});
    return entry->second;
}

}  // namespace viaduct
