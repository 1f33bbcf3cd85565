// Flows by the numbers, and frames from templates.
#include "bench/traffic.h"

#include <algorithm>
#include <random>

#include "encap/checksum.h"

namespace viaduct {
namespace {

constexpr std::uint16_t first_client_port = 32'768;
constexpr std::uint8_t hops = 64;

template <Address A>
using IpHeader = std::conditional_t<std::same_as<A, Ipv4>, Ipv4Header, Ipv6Header>;

template <Address A>
constexpr std::uint16_t ether_type_of = std::same_as<A, Ipv4> ? ether_type::ipv4 : ether_type::ipv6;

/// A header without addresses; its checksum is zero.
void begin(Ipv4Header& ip, Protocol protocol, unsigned ip_length) {
    ip = {.version_ihl = 0x45,
          .tos = 0,
          .total_length = Be16(static_cast<std::uint16_t>(ip_length)),
          .id = Be16(0),
          .fragment = Be16(Ipv4Header::dont_fragment),
          .ttl = hops,
          .protocol = protocol,
          .checksum = {},
          .source = {},
          .destination = {}};
}
void begin(Ipv6Header& ip, Protocol protocol, unsigned ip_length) {
    ip = {.version_class_label = Be32(0x60000000),
          .payload_length = Be16(static_cast<std::uint16_t>(ip_length - sizeof ip)),
          .next_header = static_cast<std::uint8_t>(protocol),
          .hop_limit = hops,
          .source = {},
          .destination = {}};
}

void set_checksum(Ipv4Header& ip, std::uint64_t sum) noexcept {
    ip.checksum = finish(sum + sum_of(ip.source) + sum_of(ip.destination));
}
void set_checksum(Ipv6Header&, std::uint64_t) noexcept {}

}  // namespace

template <Address A>
std::vector<Flow<A>> make_flows(const World& world, Destination destination, std::uint32_t count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<Flow<A>> flows(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        Flow<A>& flow = flows[i];
        flow.source = World::client<A>(i / ports_per_client);
        flow.source_port = Be16(static_cast<std::uint16_t>(first_client_port + i % ports_per_client));
        const std::uint64_t any = random();
        if (destination == Destination::services) {
            flow.destination = World::service<A>(static_cast<std::uint32_t>(any % world.size().services));
            flow.destination_port = Be16(World::service_port);
        } else {
            const Pod<A> pod = world.pod<A>(static_cast<std::uint32_t>(any % world.size().backends));
            flow.destination = pod.address;
            flow.peer = pod.peer;
            flow.destination_port = Be16(World::target_port);
        }
    }
    std::shuffle(flows.begin(), flows.end(), random);
    return flows;
}
template std::vector<Flow<Ipv4>> make_flows(const World&, Destination, std::uint32_t, std::uint64_t);
template std::vector<Flow<Ipv6>> make_flows(const World&, Destination, std::uint32_t, std::uint64_t);

template <Address A>
FrameWriter<A>::FrameWriter(const World& world, Kind kind, std::uint8_t tcp_flags, unsigned length)
    : outer_(world.outer()), kind_(kind) {
    const unsigned overhead = outer_ == Family::v4 ? vxlan_overhead_v4 : vxlan_overhead_v6;
    const unsigned frame_at = kind == Kind::plain ? 0 : overhead;
    ip_at_ = static_cast<std::uint16_t>(frame_at + sizeof(EthernetHeader));
    length_ = static_cast<std::uint16_t>(frame_at + length);
    header_at<EthernetHeader>(template_.data() + frame_at) = {
        kind == Kind::plain ? World::outside_mac : World::vtep_mac, World::router_mac, Be16(ether_type_of<A>)};
    prepare_inner(tcp_flags, static_cast<unsigned>(length - sizeof(EthernetHeader)));
    if (kind == Kind::plain) return;
    if (outer_ == Family::v4)
        prepare_outer<Ipv4>();
    else
        prepare_outer<Ipv6>();
}

template <Address A>
void FrameWriter<A>::prepare_inner(std::uint8_t tcp_flags, unsigned ip_length) {
    auto& ip = header_at<IpHeader<A>>(template_.data() + ip_at_);
    begin(ip, Protocol::tcp, ip_length);
    ip_sum_ = add_bytes(0, template_.data() + ip_at_, sizeof ip);
    std::uint8_t* transport = template_.data() + ip_at_ + sizeof ip;
    auto& tcp = header_at<TcpHeader>(transport);
    tcp.sequence = Be32(1);
    tcp.acknowledgement = Be32(1);
    tcp.data_offset = (sizeof tcp / 4) << 4U;
    tcp.flags = tcp_flags;
    tcp.window = Be16(0xffff);
    const auto segment = static_cast<std::uint32_t>(ip_length - sizeof ip);
    tcp_sum_ = add_bytes(pseudo_sum(A{}, A{}, Protocol::tcp, segment), transport, sizeof tcp);  // the payload is zeros
}

template <Address A>
template <Address Outer>
void FrameWriter<A>::prepare_outer() {
    header_at<EthernetHeader>(template_.data()) = {World::underlay_mac, World::router_mac, Be16(ether_type_of<Outer>)};
    std::uint8_t* at = template_.data() + sizeof(EthernetHeader);
    auto& ip = header_at<IpHeader<Outer>>(at);
    begin(ip, Protocol::udp, static_cast<unsigned>(length_ - sizeof(EthernetHeader)));
    outer_sum_ = add_bytes(0, at, sizeof ip);
    ip.destination = World::vtep<Outer>();
    auto& udp = header_at<UdpHeader>(at + sizeof ip);
    udp.destination_port = Be16(World::udp_port);
    udp.length = Be16(static_cast<std::uint16_t>(length_ - sizeof(EthernetHeader) - sizeof ip));
    header_at<VxlanHeader>(at + sizeof ip + sizeof udp) = VxlanHeader::of(World::vni);
}

template <Address A>
template <Address Outer>
void FrameWriter<A>::patch_outer(std::uint8_t* frame, const Flow<A>& flow) const noexcept {
    auto& ip = header_at<IpHeader<Outer>>(frame + sizeof(EthernetHeader));
    ip.source = World::peer_underlay<Outer>(flow.peer);
    set_checksum(ip, outer_sum_);
    auto& udp = header_at<UdpHeader>(frame + sizeof(EthernetHeader) + sizeof ip);
    udp.source_port = Be16(static_cast<std::uint16_t>(0xc000U | flow.source_port.value() | flow.peer));
    if constexpr (std::same_as<Outer, Ipv6>) {  // RFC 8200 §8.1; over IPv4 the checksum stays zero
        const std::uint16_t length = udp.length.value();
        const std::size_t written = template_length - sizeof(EthernetHeader) - sizeof ip;  // zeros follow
        udp.checksum =
            finish_udp(add_bytes(pseudo_sum(ip.source, ip.destination, Protocol::udp, length),
                                 reinterpret_cast<std::uint8_t*>(&udp), std::min<std::size_t>(length, written)));
    }
}

template <Address A>
void FrameWriter<A>::write(rte_mbuf& mbuf, const Flow<A>& flow) const noexcept {
    auto* frame = rte_pktmbuf_mtod(&mbuf, std::uint8_t*);
    mbuf.data_len = length_;
    mbuf.pkt_len = length_;
    std::memcpy(frame, template_.data(), template_length);
    auto& ip = header_at<IpHeader<A>>(frame + ip_at_);
    ip.source = flow.source;
    ip.destination = flow.destination;
    set_checksum(ip, ip_sum_);
    auto& tcp = header_at<TcpHeader>(frame + ip_at_ + sizeof ip);
    tcp.source_port = flow.source_port;
    tcp.destination_port = flow.destination_port;
    tcp.checksum = finish(tcp_sum_ + sum_of(flow.source) + sum_of(flow.destination) + sum_of(flow.source_port) +
                          sum_of(flow.destination_port));
    if (kind_ == Kind::plain) return;
    if (outer_ == Family::v4)
        patch_outer<Ipv4>(frame, flow);
    else
        patch_outer<Ipv6>(frame, flow);
}

template class FrameWriter<Ipv4>;
template class FrameWriter<Ipv6>;

}  // namespace viaduct
