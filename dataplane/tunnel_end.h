// Our end of the tunnels that a burst's packets come from: which network, and which inner MAC addresses are ours.
#pragma once

#include "tables/snapshot.h"

namespace viaduct {

/// The network that a tunnel packet belongs to. A burst's are mostly of one: the last one found saves the next look-up.
template <Address A>
class TunnelEnd {
public:
    explicit TunnelEnd(const Snapshot& now) noexcept : now_(now) {}

    /// Whether this is a tunnel packet for us, by its outer key.
    [[nodiscard]] bool is_addressed_by(const FlowKey<A>& key) const noexcept {
        return key.protocol == Protocol::udp && (is_last(key) || now_.is_vtep(key.destination, key.destination_port));
    }
    /// False when no network has this VNI.
    [[nodiscard]] bool enter(const FlowKey<A>& key, Vni vni) noexcept {
        return (vni == vni_ && is_last(key)) || find(key, vni);
    }
    // of the network that was entered last
    [[nodiscard]] NetworkId network() const noexcept { return id_; }
    [[nodiscard]] bool owns_mac(std::uint64_t mac) const noexcept { return mac == mac_ || is_former(mac); }

private:
    [[nodiscard]] bool is_last(const FlowKey<A>& key) const noexcept {
        return key.destination_port == port_ && key.destination == vtep_;
    }
    [[gnu::cold]] bool find(const FlowKey<A>& key, Vni vni) noexcept {
        const Network* network = now_.network_of(key.destination, key.destination_port.value(), vni);
        if (network == nullptr) return false;
        vtep_ = key.destination;
        port_ = key.destination_port;
        vni_ = vni;
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
    Vni vni_;
    NetworkId id_{};
    std::uint64_t mac_ = 0;
};

}  // namespace viaduct
