// An independent look at emitted packets: slow, plain, and after RFC 791, 8200, 768, 9293 and 7348.
#include "bench/verify.h"

#include <algorithm>
#include <span>

#include "encap/net_text.h"

namespace viaduct {
namespace {

using Bytes = std::span<const std::uint8_t>;

void require(bool right, const char* what) {
    if (!right) throw WrongOutput(what);
}

/// The ones'-complement sum of big-endian words, word by word (RFC 1071 §4.1): 0xffff when a checksum is right.
class Sum {
public:
    Sum& add(Bytes bytes) {
        for (std::size_t i = 0; i < bytes.size(); ++i) add(i % 2 == 0 ? bytes[i] * 256U : bytes[i]);
        return *this;
    }
    Sum& add(std::uint32_t number) {
        for (value_ += number; value_ > 0xffff;) value_ = (value_ & 0xffffU) + (value_ >> 16U);
        return *this;
    }
    [[nodiscard]] bool right() const { return value_ == 0xffff; }

private:
    std::uint32_t value_ = 0;
};

template <Address A>
bool transport_sum_right(const A& source, const A& destination, Protocol protocol, Bytes segment) {
    Sum sum;
    sum.add(Bytes(source.bytes)).add(Bytes(destination.bytes)).add(static_cast<std::uint32_t>(protocol));
    return sum.add(static_cast<std::uint32_t>(segment.size())).add(segment).right();
}

void check_ethernet(Bytes frame, const Mac& destination, const Mac& source, bool v4) {
    require(frame.size() >= sizeof(EthernetHeader), "shorter than an Ethernet header");
    const auto& ethernet = header_at<EthernetHeader>(frame.data());
    require(ethernet.destination == destination, "a wrong destination MAC address");
    require(ethernet.source == source, "a wrong source MAC address");
    require(ethernet.type.value() == (v4 ? ether_type::ipv4 : ether_type::ipv6), "a wrong EtherType");
}

/// An IP packet taken apart.
template <Address A>
struct Packet {
    A source, destination;
    Bytes payload;
};

Packet<Ipv4> check_ip(Bytes bytes, Protocol protocol, unsigned ttl, const Ipv4&) {
    require(bytes.size() >= sizeof(Ipv4Header), "shorter than an IPv4 header");
    const auto& ip = header_at<Ipv4Header>(bytes.data());
    require(ip.version_ihl == 0x45, "a wrong IPv4 version or header length");
    require(ip.total_length.value() == bytes.size(), "a wrong IPv4 total length");
    require(!ip.is_fragment(), "an unexpected fragment");
    require(ip.ttl == ttl, "a wrong TTL");
    require(ip.protocol == protocol, "a wrong IPv4 protocol");
    require(Sum().add(bytes.first(sizeof ip)).right(), "a wrong IPv4 header checksum");
    return {ip.source, ip.destination, bytes.subspan(sizeof ip)};
}
Packet<Ipv6> check_ip(Bytes bytes, Protocol protocol, unsigned ttl, const Ipv6&) {
    require(bytes.size() >= sizeof(Ipv6Header), "shorter than an IPv6 header");
    const auto& ip = header_at<Ipv6Header>(bytes.data());
    const std::uint32_t label = ip.version_class_label.value() & 0xfffffU;
    require(ip.version() == 6 && ip.traffic_class() == 0, "a wrong IPv6 version or traffic class");
    require(label == 0 || protocol == Protocol::udp, "a changed flow label");  // the tunnel's is its own (RFC 6438)
    require(ip.payload_length.value() == bytes.size() - sizeof ip, "a wrong IPv6 payload length");
    require(ip.hop_limit == ttl, "a wrong hop limit");
    require(ip.next_header == static_cast<std::uint8_t>(protocol), "a wrong IPv6 next header");
    return {ip.source, ip.destination, bytes.subspan(sizeof ip)};
}

template <Address A>
Flow<A> dissect_inner(Bytes bytes) {
    const Packet<A> ip = check_ip(bytes, Protocol::tcp, 63, A{});
    require(ip.payload.size() >= sizeof(TcpHeader), "shorter than a TCP header");
    require(transport_sum_right(ip.source, ip.destination, Protocol::tcp, ip.payload), "a wrong TCP checksum");
    const auto& tcp = header_at<TcpHeader>(ip.payload.data());
    return {ip.source, ip.destination, tcp.source_port, tcp.destination_port, no_peer};
}

template <Address Outer>
void check_udp(const Packet<Outer>& ip) {
    require(ip.payload.size() >= sizeof(UdpHeader) + sizeof(VxlanHeader), "shorter than a VXLAN header");
    const auto& udp = header_at<UdpHeader>(ip.payload.data());
    require(udp.source_port.value() >= 49'152, "an outer source port below 49152");
    require(udp.destination_port.value() == World::udp_port, "a wrong outer destination port");
    require(udp.length.value() == ip.payload.size(), "a wrong outer UDP length");
    if constexpr (std::same_as<Outer, Ipv4>) {
        require(udp.checksum.raw() == 0, "an outer UDP checksum that was not asked for");
    } else {
        require(udp.checksum.raw() != 0, "no outer UDP checksum over IPv6");
        require(transport_sum_right(ip.source, ip.destination, Protocol::udp, ip.payload),
                "a wrong outer UDP checksum");
    }
}

template <Address Outer, Address A>
Flow<A> dissect_tunnelled(const World& world, Bytes frame) {
    const Packet<Outer> ip = check_ip(frame.subspan(sizeof(EthernetHeader)), Protocol::udp, 64, Outer{});
    require(ip.source == World::vtep<Outer>(), "a wrong outer source address");
    const PeerIndex peer = world.peer_at<Outer>(ip.destination);
    require(peer != no_peer, "an outer destination that is no peer's");
    check_ethernet(frame, World::host_mac(peer), World::underlay_mac, std::same_as<Outer, Ipv4>);
    check_udp(ip);
    const Bytes vxlan = ip.payload.subspan(sizeof(UdpHeader), sizeof(VxlanHeader));
    constexpr std::uint32_t vni = World::vni.value();
    const std::array<std::uint8_t, sizeof(VxlanHeader)> header{8, 0, 0, 0, vni >> 16U, vni >> 8U, vni, 0};
    require(std::equal(vxlan.begin(), vxlan.end(), header.begin()), "a wrong VXLAN header");
    const Bytes inner = ip.payload.subspan(sizeof(UdpHeader) + sizeof(VxlanHeader));
    check_ethernet(inner, World::peer_vtep_mac(peer), World::vtep_mac, std::same_as<A, Ipv4>);
    Flow<A> flow = dissect_inner<A>(inner.subspan(sizeof(EthernetHeader)));
    flow.peer = peer;
    return flow;
}

template <Address A>
std::string text(const Flow<A>& flow) {
    return to_string(flow.source) + " port " + std::to_string(flow.source_port.value()) + " to " +
           to_string(flow.destination) + " port " + std::to_string(flow.destination_port.value()) +
           (flow.peer == no_peer ? ", plain" : ", in the tunnel of peer " + std::to_string(flow.peer));
}

}  // namespace

template <Address A>
Flow<A> dissect(const World& world, const rte_mbuf& mbuf) {
    require(mbuf.nb_segs == 1 && mbuf.pkt_len == mbuf.data_len, "more than one segment");
    const Bytes frame(rte_pktmbuf_mtod(&mbuf, const std::uint8_t*), mbuf.data_len);
    require(frame.size() >= sizeof(EthernetHeader), "shorter than an Ethernet header");
    if (header_at<EthernetHeader>(frame.data()).source == World::outside_mac) {
        check_ethernet(frame, World::router_mac, World::outside_mac, std::same_as<A, Ipv4>);
        return dissect_inner<A>(frame.subspan(sizeof(EthernetHeader)));
    }
    return world.outer() == Family::v4 ? dissect_tunnelled<Ipv4, A>(world, frame)
                                       : dissect_tunnelled<Ipv6, A>(world, frame);
}
template Flow<Ipv4> dissect(const World&, const rte_mbuf&);
template Flow<Ipv6> dissect(const World&, const rte_mbuf&);

template <Address A>
void check_choice(const World& world, const Flow<A>& received, const Flow<A>& emitted) {
    const std::uint32_t service = World::service_number(received.destination), each = world.backends_per_service();
    bool known = false;
    for (std::uint32_t b = 0; b < each && !known; ++b) {
        const Pod<A> pod = world.pod<A>(service * each + b);
        known = pod.address == emitted.destination && pod.peer == emitted.peer;
    }
    const bool right = known && emitted.destination_port.value() == World::target_port &&
                       World::own_subnet<A>().contains(emitted.source) && emitted.source_port.value() >= 1024;
    if (!right) throw WrongOutput("a wrong choice: " + text(received) + " became " + text(emitted));
}
template void check_choice(const World&, const Flow<Ipv4>&, const Flow<Ipv4>&);
template void check_choice(const World&, const Flow<Ipv6>&, const Flow<Ipv6>&);

template <Address A>
void check_flow(const Flow<A>& expected, const Flow<A>& emitted) {
    if (emitted != expected) throw WrongOutput(text(emitted) + " instead of " + text(expected));
}
template void check_flow(const Flow<Ipv4>&, const Flow<Ipv4>&);
template void check_flow(const Flow<Ipv6>&, const Flow<Ipv6>&);

std::uint64_t digest(const rte_mbuf& mbuf) noexcept {
    constexpr std::size_t most = 192;  // all headers that there can be
    const auto* bytes = rte_pktmbuf_mtod(&mbuf, const std::uint8_t*);
    const std::size_t length = std::min<std::size_t>(mbuf.data_len, most);
    std::uint64_t value = mbuf.pkt_len;
    for (std::size_t at = 0; at < length; at += sizeof value) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + at, std::min(sizeof word, length - at));
        value = (value ^ word) * 0x9e3779b97f4a7c15U;
        value ^= value >> 32U;
    }
    return value;
}

}  // namespace viaduct
