// What the pipeline knows about one packet: filled by parse, enriched by the stages, one cache line.
#pragma once

#include "encap/net_types.h"

namespace viaduct {

enum class Family : std::uint8_t { v4, v6 };
template <Address A>
inline constexpr Family family_of = std::same_as<A, Ipv4> ? Family::v4 : Family::v6;

/// A port (ethdev) of the gateway, as index into the snapshot's ports.
enum class PortId : std::uint8_t { none = 0xff };
inline constexpr std::size_t max_ports = 32;

/// Index of a peer in the snapshot; `none`: not known or not from the overlay.
using PeerIndex = std::uint32_t;
inline constexpr PeerIndex no_peer = 0xffffffff;

/// What parse found at the transport layer.
enum class Transport : std::uint8_t {
    flow,          // TCP, UDP or SCTP with its ports in the key
    echo_request,  // ICMP echo, identifier in the key (see FlowKey)
    echo_reply,
    icmp_error,      // the quoted packet starts at `transport + 8`
    other,           // anything else: the key holds addresses and protocol only
    later_fragment,  // no transport header in this packet: the key's ports are zero
};

/// Where a packet has come from.
struct Origin {
    NetworkId network = NetworkId::none;
    bool overlay = false;  // in a tunnel of this network, from `peer`
    PeerIndex peer = no_peer;
};

struct alignas(64) PacketMeta {
    union Key {
        FlowKey<Ipv4> v4;
        FlowKey<Ipv6> v6;
        Key() {}  // left unset on purpose: parse writes what is used
    } key;
    // What most packets have in common lies together, so that few stores write it.
    std::uint32_t hash;          // of the key (encap/flow_hash.h); 0 until a stage needs it
    PeerIndex ingress_peer;      // the VTEP that sent it, when `from_overlay`
    std::uint16_t network_at;    // offset of the IP header from the frame's first byte
    std::uint16_t transport_at;  // offset of the transport header
    Family family;
    Transport transport;
    bool first_fragment;      // carries ports, but more fragments follow
    bool from_overlay;        // arrived in a tunnel
    bool handed_over;         // by another worker, which has parsed and decapsulated it
    std::uint8_t hops;        // 0: its owner is not settled; then how many workers have looked for its connection
    bool originated;          // made by the gateway itself
    bool whole_flow;          // `transport` is `flow`, and it is no fragment: so are most
    std::uint16_t ip_length;  // bytes from the IP header to the packet's end, padding excluded
    PortId ingress;
    std::uint8_t tcp_flags;  // TcpHeader::fin… when the protocol is TCP

    /// As of a packet that has just been received, or has just come out of a tunnel: what only later stages find out is
    /// not known.
    void begin(Origin from = {}) noexcept {
        hash = 0;
        ingress_peer = from.peer;
        from_overlay = from.overlay;
        handed_over = originated = false;
        hops = 0;
    }

    template <Address A>
    [[nodiscard]] FlowKey<A>& flow() noexcept {
        if constexpr (std::same_as<A, Ipv4>)
            return key.v4;
        else
            return key.v6;
    }
    template <Address A>
    [[nodiscard]] const FlowKey<A>& flow() const noexcept {
        if constexpr (std::same_as<A, Ipv4>)
            return key.v4;
        else
            return key.v6;
    }
    [[nodiscard]] NetworkId network() const noexcept { return family == Family::v4 ? key.v4.network : key.v6.network; }
    void set_network(NetworkId id) noexcept { (family == Family::v4 ? key.v4.network : key.v6.network) = id; }
    [[nodiscard]] Protocol protocol() const noexcept {
        return family == Family::v4 ? key.v4.protocol : key.v6.protocol;
    }
};
static_assert(sizeof(PacketMeta) == 64);

}  // namespace viaduct
