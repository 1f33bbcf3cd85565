// Our end of the tunnels that a burst's packets come from: which network, and which inner MAC addresses are ours.
#pragma once

#include "tables/snapshot.h"

namespace viaduct {

/// The network that a tunnel packet belongs to. A burst's are mostly of one: the last one found saves the next look-up.
template <Address A>
class TunnelEnd {
public:
    explicit TunnelEnd(const Snapshot& now) noexcept : now_(now) {}

    /// Whether this is a tunnel packet for us, by its outer key. If so, `enter` means the VTEP that it is for.
    [[nodiscard]] bool is_addressed_by(const FlowKey<A>& key) noexcept {
        return key.protocol == Protocol::udp && (is_last(key) || is_other(key));
    }
    /// False when no network has its VNI.
    [[nodiscard]] bool enter(const VxlanHeader& vxlan) noexcept { return vxlan.word() == entered_ || find(vxlan); }
    // of the network that was entered last
    [[nodiscard]] NetworkId network() const noexcept { return id_; }
    [[nodiscard]] bool owns_mac(std::uint64_t mac) const noexcept { return mac == mac_ || is_former(mac); }

private:
    [[nodiscard]] bool is_last(const FlowKey<A>& key) const noexcept {
        return key.destination_port == port_ && key.destination == vtep_;
    }
    [[gnu::cold]] bool is_other(const FlowKey<A>& key) noexcept {
        if (!now_.is_vtep(key.destination, key.destination_port)) return false;
        vtep_ = key.destination;
        port_ = key.destination_port;
        entered_ = nothing;
        return true;
    }
    [[gnu::cold]] bool find(const VxlanHeader& vxlan) noexcept {
        if (!vxlan.has_vni()) return false;
        const Network* network = now_.network_of(vtep_, port_.value(), vxlan.vni());
        if (network == nullptr) return false;
        entered_ = vxlan.word();
        id_ = now_.id_of(*network);
        mac_ = network->settings.vtep_mac.word();
        return true;
    }
    /// Peers that have not heard of a change still send to it.
    [[gnu::cold]] bool is_former(std::uint64_t mac) const noexcept {
        for (const Mac& former : now_.network(id_).settings.former_macs)
            if (mac == former.word()) return true;
        return false;
    }

    const Snapshot& now_;
    A vtep_;  // this and the port are zero at first, which no tunnel packet has
    Be16 port_;
    static constexpr std::uint64_t nothing = ~std::uint64_t{0};
    std::uint64_t entered_ = nothing;  // a VXLAN header to this VTEP; what follows is of its network
    NetworkId id_{};
    std::uint64_t mac_ = 0;
};

}  // namespace viaduct
