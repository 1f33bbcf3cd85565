// After RFC 791, 8200, 768 and 7348. The first thing that is wrong ends the look.
#include "bench/rig/inspect.h"

#include <span>

namespace viaduct::rig {
namespace {

using Bytes = std::span<const std::uint8_t>;

/// The ones'-complement sum of big-endian words (RFC 1071 §4.1).
std::uint32_t sum_of_bytes(std::uint32_t sum, Bytes bytes) noexcept {
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += bytes[i] * 256U + bytes[i + 1];
    if (bytes.size() % 2 != 0) sum += bytes.back() * 256U;
    while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
    return sum;
}

constexpr std::uint32_t right_sum = 0xffff;
constexpr unsigned tunnel_ttl = 64, forwarded_ttl = 63;

/// Walks through a frame's headers and remembers the first fault.
class Reader {
public:
    Reader(Bytes left, bool sums) noexcept : left_(left), sums_(sums) {}
    [[nodiscard]] const char* fault() const noexcept { return fault_; }
    [[nodiscard]] Bytes left() const noexcept { return left_; }
    [[nodiscard]] bool sums() const noexcept { return sums_; }
    void require(bool holds, const char* otherwise) noexcept {
        if (!holds && fault_ == nullptr) fault_ = otherwise;
    }
    /// The next header; all zeros once the frame is too short.
    template <class Header>
    Header take() noexcept {
        Header header{};
        require(left_.size() >= sizeof header, "a frame that ends within its headers");
        if (fault_ != nullptr) return header;
        std::memcpy(&header, left_.data(), sizeof header);
        left_ = left_.subspan(sizeof header);
        return header;
    }

private:
    Bytes left_;
    bool sums_;
    const char* fault_ = nullptr;
};

void take_ethernet(Reader& in, const Mac& destination, const Mac& source, bool v4) noexcept {
    const auto ethernet = in.take<EthernetHeader>();
    in.require(ethernet.destination == destination, "a wrong destination MAC address");
    in.require(ethernet.source == source, "a wrong source MAC address");
    in.require(ethernet.type.value() == (v4 ? ether_type::ipv4 : ether_type::ipv6), "a wrong EtherType");
}

Ipv4Header take_ip(Reader& in, unsigned ttl, const Ipv4&) noexcept {
    const Bytes whole = in.left();
    const auto ip = in.take<Ipv4Header>();
    in.require(ip.version_ihl == 0x45, "a wrong IPv4 version or header length");
    in.require(ip.total_length.value() == whole.size(), "a wrong IPv4 total length");
    in.require(ip.ttl == ttl && ip.protocol == Protocol::udp && !ip.is_fragment(), "a wrong TTL, protocol or fragment");
    if (in.sums() && in.fault() == nullptr)
        in.require(sum_of_bytes(0, whole.first(sizeof ip)) == right_sum, "a wrong IPv4 header checksum");
    return ip;
}
Ipv6Header take_ip(Reader& in, unsigned ttl, const Ipv6&) noexcept {
    const auto ip = in.take<Ipv6Header>();
    in.require(ip.version() == 6 && ip.traffic_class() == 0, "a wrong IPv6 version or traffic class");
    const std::uint32_t label = ip.version_class_label.value() & 0xfffffU;
    in.require(label == 0 || ttl == tunnel_ttl, "a changed flow label");  // the tunnel's is its own (RFC 6438)
    in.require(ip.payload_length.value() == in.left().size(), "a wrong IPv6 payload length");
    in.require(ip.hop_limit == ttl && ip.next_header == static_cast<std::uint8_t>(Protocol::udp),
               "a wrong hop limit or next header");
    return ip;
}

template <class Ip>
UdpHeader take_udp(Reader& in, const Ip& ip, bool may_be_zero) noexcept {
    const Bytes datagram = in.left();
    const auto udp = in.take<UdpHeader>();
    in.require(udp.length.value() == datagram.size(), "a wrong UDP length");
    in.require(udp.checksum.raw() != 0 || may_be_zero, "no UDP checksum");
    if (!in.sums() || in.fault() != nullptr || udp.checksum.raw() == 0) return udp;
    auto sum = static_cast<std::uint32_t>(datagram.size()) + static_cast<std::uint32_t>(Protocol::udp);
    sum = sum_of_bytes(sum_of_bytes(sum, ip.source.bytes), ip.destination.bytes);
    in.require(sum_of_bytes(sum, datagram) == right_sum, "a wrong UDP checksum");
    return udp;
}

template <Address Outer>
PeerIndex take_tunnel(const Site& site, Reader& in, bool inner_v4) noexcept {
    const Bytes frame = in.left();
    in.take<EthernetHeader>();  // looked at when it is known whose it should be
    const auto ip = take_ip(in, tunnel_ttl, Outer{});
    in.require(ip.source == World::vtep<Outer>(), "a wrong outer source address");
    const PeerIndex peer = site.peer_at<Outer>(ip.destination);
    in.require(peer != no_peer, "an outer destination that is no peer's");
    const auto udp = take_udp(in, ip, std::same_as<Outer, Ipv4>);
    in.require(udp.destination_port.value() == World::udp_port, "a wrong outer destination port");
    const auto vxlan = in.take<std::array<std::uint8_t, sizeof(VxlanHeader)>>();
    constexpr std::uint32_t vni = World::vni.value();
    constexpr std::array<std::uint8_t, 8> wanted{8, 0, 0, 0, vni >> 16U & 0xffU, vni >> 8U & 0xffU, vni & 0xffU, 0};
    in.require(vxlan == wanted, "a wrong VXLAN header");
    if (in.fault() != nullptr) return no_peer;
    Reader ethernet(frame, false);
    take_ethernet(ethernet, World::host_mac(peer), site.mac(Side::underlay), std::same_as<Outer, Ipv4>);
    in.require(ethernet.fault() == nullptr, "a wrong outer Ethernet header");
    take_ethernet(in, World::peer_vtep_mac(peer), World::vtep_mac, inner_v4);
    return peer;
}

}  // namespace

template <Address A>
Seen<A> inspect(const Site& site, const rte_mbuf& mbuf, bool tunnelled, bool sums) noexcept {
    Reader in(Bytes(rte_pktmbuf_mtod(&mbuf, const std::uint8_t*), mbuf.data_len), sums);
    in.require(mbuf.nb_segs == 1, "more than one segment");
    constexpr bool v4 = std::same_as<A, Ipv4>;
    Seen<A> seen;
    constexpr std::uint8_t group = 1;  // of a MAC address's first byte
    seen.background = !in.left().empty() && (in.left().front() & group) != 0;
    if (seen.background) return seen;
    if (!tunnelled)
        take_ethernet(in, World::router_mac, site.mac(Side::outside), v4);
    else if (site.outer() == Family::v4)
        seen.flow.peer = take_tunnel<Ipv4>(site, in, v4);
    else
        seen.flow.peer = take_tunnel<Ipv6>(site, in, v4);
    const auto ip = take_ip(in, forwarded_ttl, A{});
    const auto udp = take_udp(in, ip, false);
    seen.stamp = in.take<Stamp>();
    seen.flow = {ip.source, ip.destination, udp.source_port, udp.destination_port, seen.flow.peer};
    seen.fault = in.fault();
    return seen;
}

template Seen<Ipv4> inspect(const Site&, const rte_mbuf&, bool, bool) noexcept;
template Seen<Ipv6> inspect(const Site&, const rte_mbuf&, bool, bool) noexcept;

}  // namespace viaduct::rig
