// A template, then lengths, addresses, ports, the stamp and checksums.
#include "bench/rig/frame.h"

#include <algorithm>

#include "encap/checksum.h"

namespace viaduct::rig {
namespace {

constexpr unsigned check_sequence = 4;

void begin(Ipv4Header& ip) {
    ip = {};
    ip.version_ihl = 0x45;
    ip.fragment = Be16(Ipv4Header::dont_fragment);
    ip.ttl = 64;
    ip.protocol = Protocol::udp;
}
void begin(Ipv6Header& ip) {
    ip = {};
    ip.version_class_label = Be32(0x60000000);
    ip.next_header = static_cast<std::uint8_t>(Protocol::udp);
    ip.hop_limit = 64;
}

void finish_ip(Ipv4Header& ip, std::size_t length) noexcept {
    ip.total_length = Be16(static_cast<std::uint16_t>(length));
    ip.checksum = {};
    ip.checksum = finish(add_header(0, ip));
}
void finish_ip(Ipv6Header& ip, std::size_t length) noexcept {
    ip.payload_length = Be16(static_cast<std::uint16_t>(length - sizeof ip));
}

template <Address A>
using IpHeader = std::conditional_t<std::same_as<A, Ipv4>, Ipv4Header, Ipv6Header>;

template <Address A>
constexpr std::uint16_t ether_type_of = std::same_as<A, Ipv4> ? ether_type::ipv4 : ether_type::ipv6;

/// `there` bytes of the datagram may be other than zero.
template <Address A>
Be16 udp_checksum(const IpHeader<A>& ip, const std::uint8_t* udp, std::size_t length, std::size_t there) noexcept {
    const std::uint64_t pseudo =
        pseudo_sum(ip.source, ip.destination, Protocol::udp, static_cast<std::uint32_t>(length));
    return finish_udp(add_bytes(pseudo, udp, std::min(length, there)));
}

}  // namespace

template <Address A>
FrameMaker<A>::FrameMaker(const Site& site, bool tunnelled) : outer_(site.outer()), tunnelled_(tunnelled) {
    if (tunnelled && outer_ == Family::v4) prepare_outer<Ipv4>(site.mac(Side::underlay));
    if (tunnelled && outer_ == Family::v6) prepare_outer<Ipv6>(site.mac(Side::underlay));
    header_at<EthernetHeader>(template_.data() + inner_at_) = {tunnelled ? World::vtep_mac : site.mac(Side::outside),
                                                               World::router_mac, Be16(ether_type_of<A>)};
    begin(header_at<IpHeader<A>>(template_.data() + inner_at_ + sizeof(EthernetHeader)));
}

template <Address A>
template <Address Outer>
void FrameMaker<A>::prepare_outer(const Mac& gateway) {
    header_at<EthernetHeader>(template_.data()) = {gateway, World::router_mac, Be16(ether_type_of<Outer>)};
    std::uint8_t* at = template_.data() + sizeof(EthernetHeader);
    auto& ip = header_at<IpHeader<Outer>>(at);
    begin(ip);
    ip.destination = World::vtep<Outer>();
    auto& udp = header_at<UdpHeader>(at + sizeof ip);
    udp.destination_port = Be16(World::udp_port);
    header_at<VxlanHeader>(at + sizeof ip + sizeof udp) = VxlanHeader::of(World::vni);
    inner_at_ = sizeof(EthernetHeader) + sizeof ip + sizeof udp + sizeof(VxlanHeader);
}

template <Address A>
template <Address Outer>
void FrameMaker<A>::write_outer(std::uint8_t* frame, const Flow<A>& flow, std::size_t length) const noexcept {
    auto& ip = header_at<IpHeader<Outer>>(frame + sizeof(EthernetHeader));
    ip.source = World::peer_underlay<Outer>(flow.peer);
    finish_ip(ip, length - sizeof(EthernetHeader));
    constexpr std::size_t udp_at = sizeof(EthernetHeader) + sizeof ip;
    auto& udp = header_at<UdpHeader>(frame + udp_at);
    udp.source_port = Be16(static_cast<std::uint16_t>(0xc000U | flow.source_port.value() | flow.peer));
    udp.length = Be16(static_cast<std::uint16_t>(length - udp_at));
    if constexpr (std::same_as<Outer, Ipv6>)  // RFC 8200 §8.1; over IPv4 it stays zero (RFC 7348 §4.1)
        udp.checksum = udp_checksum<Ipv6>(ip, frame + udp_at, length - udp_at, written - udp_at);
}

template <Address A>
void FrameMaker<A>::write(rte_mbuf& mbuf, const Flow<A>& flow, unsigned size, const Stamp& stamp) const noexcept {
    auto* frame = rte_pktmbuf_mtod(&mbuf, std::uint8_t*);
    const std::size_t inner = std::max(size, smallest_stamped<A>) - check_sequence, length = inner_at_ + inner;
    mbuf.data_len = static_cast<std::uint16_t>(length);
    mbuf.pkt_len = static_cast<std::uint32_t>(length);
    std::memcpy(frame, template_.data(), written);
    const std::size_t ip_at = inner_at_ + sizeof(EthernetHeader), udp_at = ip_at + sizeof(IpHeader<A>);
    if (tunnelled_) header_at<EthernetHeader>(frame + inner_at_).source = World::peer_vtep_mac(flow.peer);
    auto& ip = header_at<IpHeader<A>>(frame + ip_at);
    ip.source = flow.source;
    ip.destination = flow.destination;
    finish_ip(ip, length - ip_at);
    auto& udp = header_at<UdpHeader>(frame + udp_at);
    udp.source_port = flow.source_port;
    udp.destination_port = flow.destination_port;
    udp.length = Be16(static_cast<std::uint16_t>(length - udp_at));
    std::memcpy(frame + udp_at + sizeof udp, &stamp, sizeof stamp);
    udp.checksum = udp_checksum<A>(ip, frame + udp_at, length - udp_at, sizeof udp + sizeof stamp);
    if (!tunnelled_) return;
    if (outer_ == Family::v4)
        write_outer<Ipv4>(frame, flow, length);
    else
        write_outer<Ipv6>(frame, flow, length);
}

template class FrameMaker<Ipv4>;
template class FrameMaker<Ipv6>;

}  // namespace viaduct::rig
