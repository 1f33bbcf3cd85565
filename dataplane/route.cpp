// Stage route: where a packet leaves, and whether it may (RFC 1812 §5.2.4, §5.3.1, §4.3.2.7; RFC 8200 §5).
#include "dataplane/stages.h"
#include "encap/tcp_options.h"
#include "encap/ttl.h"
#include "lb/nat.h"

namespace viaduct {
namespace {

constexpr std::uint32_t no_next_hop = 0xffffffff;

template <Address A>
using IpHeader = std::conditional_t<std::same_as<A, Ipv4>, Ipv4Header, Ipv6Header>;

bool expired(const Ipv4Header& ip) noexcept { return ip.ttl <= 1; }
bool expired(const Ipv6Header& ip) noexcept { return ip.hop_limit <= 1; }
bool may_cut(const Ipv4Header& ip) noexcept { return (ip.fragment.value() & Ipv4Header::dont_fragment) == 0; }
bool may_cut(const Ipv6Header&) noexcept { return false; }  // only the source fragments (RFC 8200 §4.5)

template <Address A>
class Router {
public:
    Router(Burst& burst, const Snapshot& now, WaitingPackets& waiting, Originated& originated,
           const Surroundings& around, Seconds clock) noexcept
        : burst_(burst), now_(now), waiting_(waiting), originated_(originated), around_(around), clock_(clock) {}

    void go(Packet& packet, const RouteTable<A>& routes) noexcept;

private:
    [[nodiscard]] static bool is_syn(const Packet& packet) noexcept {
        return (packet.meta.tcp_flags & TcpHeader::syn) != 0;
    }
    [[nodiscard]] bool is_spoofed(const Packet& packet) const noexcept;
    void to_peer(Packet& packet, PeerIndex index) noexcept;
    void to_next_hop(Packet& packet, const NextHop& hop) noexcept;
    [[gnu::noinline]] void to_connected(Packet& packet, PortId port) noexcept;
    template <class Wait>
    void leave(Packet& packet, PortId port, std::uint16_t limit, const Wait& wait) noexcept;
    // what happens to few packets
    [[gnu::cold]] void to_kernel(Packet& packet) noexcept;
    [[gnu::cold]] void fit_segments(Packet& packet) noexcept;
    [[gnu::cold]] void wait_for(Packet& packet, PortId port, IpAddress address) noexcept {
        waiting_.hold(burst_, packet, port, address, around_, clock_);
    }
    [[gnu::cold]] void to_unresolved(Packet& packet, const Peer& peer) noexcept;
    [[gnu::cold]] void cut_or_refuse(Packet& packet, std::uint16_t mtu) noexcept;
    [[gnu::cold]] void refuse(Packet& packet, Drop why, const IcmpError& error) noexcept;

    Burst& burst_;
    const Snapshot& now_;
    WaitingPackets& waiting_;
    Originated& originated_;
    const Surroundings& around_;
    const Seconds clock_;
};

/// Our own address as the source of a packet that we did not send (RFC 1812 §5.3.7).
template <Address A>
inline bool Router<A>::is_spoofed(const Packet& packet) const noexcept {
    return packet.treatment.connection == nullptr && now_.owns(packet.meta.ingress, packet.meta.flow<A>().source);
}

template <Address A>
[[gnu::always_inline]] inline void Router<A>::go(Packet& packet, const RouteTable<A>& routes) noexcept {
    const RouteTarget target = routes.lookup(header_at<IpHeader<A>>(packet.ip).destination);
    if (target.kind == RouteKind::peer) return to_peer(packet, target.index);
    packet.peer = nullptr;
    packet.target.kind = target.kind;
    packet.target.index = target.index;
    if (target.kind == RouteKind::via) return to_next_hop(packet, now_.next_hops[target.index]);
    if (target.kind == RouteKind::connected) return to_connected(packet, static_cast<PortId>(target.index));
    // a port of no network: all is the kernel's
    if (target.kind == RouteKind::kernel || packet.network == NetworkId::none) return to_kernel(packet);
    if (!now_.has(packet.network)) return burst_.drop(packet, Drop::no_snapshot);  // it has gone meanwhile
    refuse(packet, Drop::no_route, IcmpError::no_route());
}

template <Address A>
void Router<A>::to_connected(Packet& packet, PortId port) noexcept {
    const A destination = header_at<IpHeader<A>>(packet.ip).destination;
    const bool resolved = now_.neighbours->find(port, destination) != nullptr;
    leave(packet, port, resolved ? now_.traits(port).mtu : std::uint16_t{0},
          [&]() noexcept { wait_for(packet, port, destination); });
}

template <Address A>
[[gnu::always_inline]] inline void Router<A>::to_next_hop(Packet& packet, const NextHop& hop) noexcept {
    packet.hop = &hop;
    leave(packet, hop.port, hop.limit, [&]() noexcept { wait_for(packet, hop.port, hop.address); });
}

template <Address A>
[[gnu::always_inline]] inline void Router<A>::to_peer(Packet& packet, PeerIndex index) noexcept {
    const Peer& peer = now_.peers[index];
    packet.peer = &peer;
    const bool translated = packet.treatment.connection != nullptr;
    if (index == packet.meta.ingress_peer && !translated) [[unlikely]]
        return burst_.drop(packet, Drop::split_horizon);
    leave(packet, peer.port, peer.limit, [&]() noexcept { to_unresolved(packet, peer); });
}

template <Address A>
void Router<A>::to_unresolved(Packet& packet, const Peer& peer) noexcept {
    if (peer.next_hop == no_next_hop) return burst_.drop(packet, Drop::no_route);
    const NextHop& hop = now_.next_hops[peer.next_hop];
    wait_for(packet, hop.port, hop.address);
}

/// A SYN must not promise its receiver segments that a tunnel on the way cannot carry: PMTU discovery is often
/// filtered.
template <Address A>
void Router<A>::fit_segments(Packet& packet) noexcept {
    const PeerIndex from = packet.meta.ingress_peer;
    if (packet.peer == nullptr && from == no_peer) return;
    const std::uint16_t mtu = packet.peer != nullptr ? packet.peer->mtu : now_.peers[from].mtu;
    const unsigned at = packet.meta.transport_at;
    clamp_mss(packet.frame() + at, packet.mbuf->data_len - at, static_cast<std::uint16_t>(mtu - tcp_overhead<A>));
}

template <Address A>
void Router<A>::to_kernel(Packet& packet) noexcept {
    const PacketMeta& meta = packet.meta;
    packet.target.kind = RouteKind::kernel;
    packet.egress =
        meta.from_overlay ? now_.network(meta.network()).settings.host_port : now_.traits(meta.ingress).kernel_port;
    if (is_spoofed(packet)) burst_.drop(packet, Drop::martian_source);
}

/// By this port, with at most `limit` bytes; with none at all while the MAC address of who comes next is not known.
template <Address A>
template <class Wait>
[[gnu::always_inline]] inline void Router<A>::leave(Packet& packet, PortId port, std::uint16_t limit,
                                                    const Wait& wait) noexcept {
    auto& ip = header_at<IpHeader<A>>(packet.ip);
    if (is_spoofed(packet)) [[unlikely]]
        return burst_.drop(packet, Drop::martian_source);
    if (expired(ip)) [[unlikely]]
        return refuse(packet, Drop::ttl_exceeded, IcmpError::time_exceeded());
    packet.egress = port;
    if (packet.meta.ip_length > limit) [[unlikely]]
        return limit == 0 ? wait() : cut_or_refuse(packet, limit);
    if (is_syn(packet)) fit_segments(packet);
    decrement_ttl(ip);
}

template <Address A>
void Router<A>::cut_or_refuse(Packet& packet, std::uint16_t mtu) noexcept {
    if (is_syn(packet)) fit_segments(packet);
    if (!may_cut(header_at<IpHeader<A>>(packet.ip)) || !originated_.cut(packet, mtu))
        return refuse(packet, Drop::packet_too_big, IcmpError::too_big(mtu));
    burst_.all_alike = false;
    decrement_ttl(header_at<IpHeader<A>>(packet.ip));  // its first piece lies elsewhere
}

/// Drops the packet and tells its sender, quoting it as the sender knows it.
template <Address A>
void Router<A>::refuse(Packet& packet, Drop why, const IcmpError& error) noexcept {
    const Treatment& treatment = packet.treatment;
    const PacketMeta& meta = packet.meta;
    const Connection<A>* connection = treatment.tracked<A>();
    if (connection != nullptr && connection->translated && meta.transport != Transport::icmp_error)
        translate_back(packet.frame(), meta, *connection, treatment.direction);
    originated_.tell(packet, error, now_, clock_);
    burst_.drop(packet, why);
}

template <Address A>
void route_family(Burst& burst, const Snapshot& now, Router<A> router) noexcept {
    NetworkId network = NetworkId::none;  // the last packet's, and its routes: a burst's are mostly of one
    const RouteTable<A>* routes = &now.routes<A>(network);
    burst.for_each_of<A>([&](Packet& packet) noexcept {
        if (packet.network != network) [[unlikely]] {
            network = packet.network;
            routes = &now.routes<A>(network);
        }
        router.go(packet, *routes);
    });
}

}  // namespace

void route(Burst& burst, const Snapshot& now, WaitingPackets& waiting, Originated& originated,
           const Surroundings& around, Seconds clock) noexcept {
    route_family<Ipv4>(burst, now, {burst, now, waiting, originated, around, clock});
    route_family<Ipv6>(burst, now, {burst, now, waiting, originated, around, clock});
}

}  // namespace viaduct
