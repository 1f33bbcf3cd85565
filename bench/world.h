// The cluster that is timed: every address in it follows from a number, and the snapshot is built from all of them.
#pragma once

#include <memory>

#include "encap/packet.h"
#include "tables/snapshot.h"

namespace viaduct {

/// How large the cluster is. Backends are pods, spread evenly over the peers.
struct WorldSize {
    std::uint32_t services = 10'000;
    std::uint32_t backends = 100'000;
    std::uint32_t peers = 1'000;
};

/// A pod or a backend and the peer behind which it lives.
template <Address A>
struct Pod {
    A address;
    PeerIndex peer;
};

/// One gateway between the outside (port 0, plain) and the underlay (port 1, VXLAN), with one network. Services and
/// pods are of one family, the underlay of one too.
class World {
public:
    static constexpr PortId outside{0}, underlay{1};
    static constexpr NetworkId network{0};
    static constexpr std::uint16_t service_port = 80, target_port = 8080;
    static constexpr std::uint16_t udp_port = 8472;
    static constexpr Vni vni{1};
    static constexpr std::uint32_t max_clients = 131'000;  // of 198.18.0.0/15, the block for benchmarks (RFC 2544)

    World(const WorldSize& size, Family inner, Family outer);

    [[nodiscard]] const Snapshot& snapshot() const noexcept { return *snapshot_; }
    [[nodiscard]] const WorldSize& size() const noexcept { return size_; }
    [[nodiscard]] Family inner() const noexcept { return inner_; }
    [[nodiscard]] Family outer() const noexcept { return outer_; }

    template <Address A>
    [[nodiscard]] static A client(std::uint32_t number) noexcept;
    template <Address A>
    [[nodiscard]] static A service(std::uint32_t number) noexcept;
    /// Which service this address is.
    template <Address A>
    [[nodiscard]] static std::uint32_t service_number(const A& address) noexcept;
    /// A pod by its number, 0 … backends − 1. Service s has the pods s·n … s·n + n − 1.
    template <Address A>
    [[nodiscard]] Pod<A> pod(std::uint32_t number) const noexcept;
    [[nodiscard]] std::uint32_t backends_per_service() const noexcept { return size_.backends / size_.services; }
    template <Address A>
    [[nodiscard]] static Prefix<A> own_subnet() noexcept;

    template <Address A>
    [[nodiscard]] static A vtep() noexcept;
    template <Address A>
    [[nodiscard]] static A peer_underlay(PeerIndex peer) noexcept;
    /// The peer with this underlay address; no_peer when there is none.
    template <Address A>
    [[nodiscard]] PeerIndex peer_at(const A& address) const noexcept;

    // Ethernet addresses: our ports', our VTEP's, the outside router's, and what peer i's host and VTEP have.
    static constexpr Mac outside_mac{{2, 0, 0, 0, 0, 1}}, underlay_mac{{2, 0, 0, 0, 0, 2}};
    static constexpr Mac vtep_mac{{2, 0, 0, 0, 0, 3}}, router_mac{{2, 0, 0, 0, 0, 4}};
    [[nodiscard]] static Mac host_mac(PeerIndex peer) noexcept;
    [[nodiscard]] static Mac peer_vtep_mac(PeerIndex peer) noexcept;

private:
    WorldSize size_;
    Family inner_, outer_;
    std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace viaduct
