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

    void go(Slot slot) noexcept;

private:
    [[nodiscard]] bool is_spoofed(Slot slot) const noexcept;
    void to_peer(Slot slot, const Peer& peer) noexcept;
    void to_neighbour(Slot slot, PortId port, IpAddress address, bool resolved) noexcept;
    void to_kernel(Slot slot) noexcept;
    void fit_segments(Slot slot, std::uint16_t mtu) noexcept;
    void leave(Slot slot, PortId port, std::uint16_t mtu) noexcept;
    void refuse(Slot slot, Drop why, const IcmpError& error) noexcept;

    Burst& burst_;
    const Snapshot& now_;
    WaitingPackets& waiting_;
    Originated& originated_;
    const Surroundings& around_;
    const Seconds clock_;
};

/// Our own address as the source of a packet that we did not send (RFC 1812 §5.3.7).
template <Address A>
bool Router<A>::is_spoofed(Slot slot) const noexcept {
    const PacketMeta& meta = burst_.meta[slot];
    if (!now_.has(meta.ingress) || burst_.treatment[slot].connection != nullptr) return false;
    const DesiredPort& port = now_.port(meta.ingress);
    if (port.host) return false;
    for (const IpAddress& own : port.addresses)
        if (own == IpAddress(meta.flow<A>().source)) return true;
    return false;
}

template <Address A>
void Router<A>::go(Slot slot) noexcept {
    Treatment& treatment = burst_.treatment[slot];
    if (treatment.network == NetworkId::none) return to_kernel(slot);  // a port of no network: all is the kernel's
    if (!now_.has(treatment.network)) return burst_.drop(slot, Drop::no_snapshot);  // it has gone meanwhile
    const A destination = header_at<IpHeader<A>>(burst_.ip(slot)).destination;
    treatment.target = now_.network(treatment.network).template family<A>().routes->lookup(destination);
    switch (treatment.target.kind) {
        case RouteKind::peer:
            return to_peer(slot, now_.peers[treatment.target.index]);
        case RouteKind::via: {
            const NextHop& hop = now_.next_hops[treatment.target.index];
            return to_neighbour(slot, hop.port, hop.address, hop.resolved);
        }
        case RouteKind::connected: {
            const auto port = static_cast<PortId>(treatment.target.index);
            return to_neighbour(slot, port, destination, now_.neighbours->find(port, destination) != nullptr);
        }
        case RouteKind::kernel:
            return to_kernel(slot);
        case RouteKind::unreachable:
        case RouteKind::none:
            return refuse(slot, Drop::no_route, IcmpError::no_route());
    }
}

template <Address A>
void Router<A>::to_peer(Slot slot, const Peer& peer) noexcept {
    const bool translated = burst_.treatment[slot].connection != nullptr;
    if (burst_.treatment[slot].target.index == burst_.meta[slot].ingress_peer && !translated)
        return burst_.drop(slot, Drop::split_horizon);
    if (peer.headers.length == 0) {
        if (peer.next_hop == no_next_hop) return burst_.drop(slot, Drop::no_route);
        const NextHop& hop = now_.next_hops[peer.next_hop];
        return waiting_.hold(burst_, slot, hop.port, hop.address, around_, clock_);
    }
    fit_segments(slot, peer.mtu);
    leave(slot, peer.port, peer.mtu);
}

/// A SYN must not promise its receiver segments that a tunnel on the way cannot carry: PMTU discovery is often
/// filtered.
template <Address A>
void Router<A>::fit_segments(Slot slot, std::uint16_t mtu) noexcept {
    const PacketMeta& meta = burst_.meta[slot];
    if ((meta.tcp_flags & TcpHeader::syn) == 0) return;
    const auto max_mss = static_cast<std::uint16_t>(mtu - tcp_overhead<A>);
    clamp_mss(burst_.frame(slot) + meta.transport_at, burst_.mbufs[slot]->data_len - meta.transport_at, max_mss);
}

template <Address A>
void Router<A>::to_neighbour(Slot slot, PortId port, IpAddress address, bool resolved) noexcept {
    if (!resolved) return waiting_.hold(burst_, slot, port, address, around_, clock_);
    if (const PeerIndex from = burst_.meta[slot].ingress_peer; from != no_peer)
        fit_segments(slot, now_.peers[from].mtu);
    leave(slot, port, now_.port(port).mtu);
}

template <Address A>
void Router<A>::to_kernel(Slot slot) noexcept {
    const PacketMeta& meta = burst_.meta[slot];
    burst_.treatment[slot].target.kind = RouteKind::kernel;
    burst_.treatment[slot].egress =
        meta.from_overlay ? now_.network(meta.network()).settings.host_port : now_.port(meta.ingress).kernel_port;
    if (is_spoofed(slot)) burst_.drop(slot, Drop::martian_source);
}

template <Address A>
void Router<A>::leave(Slot slot, PortId port, std::uint16_t mtu) noexcept {
    auto& ip = header_at<IpHeader<A>>(burst_.ip(slot));
    if (is_spoofed(slot)) return burst_.drop(slot, Drop::martian_source);
    if (expired(ip)) return refuse(slot, Drop::ttl_exceeded, IcmpError::time_exceeded());
    if (burst_.meta[slot].ip_length > mtu && !(may_cut(ip) && originated_.cut(burst_, slot, mtu)))
        return refuse(slot, Drop::packet_too_big, IcmpError::too_big(mtu));
    burst_.treatment[slot].egress = port;
    decrement_ttl(header_at<IpHeader<A>>(burst_.ip(slot)));  // not `ip`: the packet may have been cut
}

/// Drops the packet and tells its sender, quoting it as the sender knows it.
template <Address A>
void Router<A>::refuse(Slot slot, Drop why, const IcmpError& error) noexcept {
    const Treatment& treatment = burst_.treatment[slot];
    const PacketMeta& meta = burst_.meta[slot];
    const Connection<A>* connection = treatment.tracked<A>();
    if (connection != nullptr && connection->translated && meta.transport != Transport::icmp_error)
        translate_back(burst_.frame(slot), meta, *connection, treatment.direction);
    originated_.tell(burst_, slot, error, now_, clock_);
    burst_.drop(slot, why);
}

}  // namespace

void route(Burst& burst, const Snapshot& now, WaitingPackets& waiting, Originated& originated,
           const Surroundings& around, Seconds clock) noexcept {
    Router<Ipv4> v4(burst, now, waiting, originated, around, clock);
    Router<Ipv6> v6(burst, now, waiting, originated, around, clock);
    burst.for_each([&](Slot slot) noexcept {
        if (burst.meta[slot].family == Family::v4)
            v4.go(slot);
        else
            v6.go(slot);
    });
}

}  // namespace viaduct
