// See vxlan.h: what happens once per peer.
#include "encap/vxlan.h"

namespace viaduct {
namespace {

Ipv4Header outer_header(const VxlanPath& path, const Ipv4& source, const Ipv4& destination) {
    Ipv4Header ip{};
    ip.version_ihl = 0x45;
    ip.fragment = Be16(Ipv4Header::dont_fragment);  // VTEPs do not fragment (RFC 7348 §4.3)
    ip.ttl = path.ttl;
    ip.protocol = Protocol::udp;
    ip.source = source;
    ip.destination = destination;
    return ip;
}

Ipv6Header outer_header(const VxlanPath& path, const Ipv6& source, const Ipv6& destination) {
    Ipv6Header ip{};
    ip.version_class_label = Be32(6U << 28U);
    ip.next_header = static_cast<std::uint8_t>(Protocol::udp);
    ip.hop_limit = path.ttl;
    ip.source = source;
    ip.destination = destination;
    return ip;
}

template <class OuterIp, Address A>
void fill(VxlanTemplate& result, const VxlanPath& path, const A& source, const A& destination) {
    using Headers = detail::TunnelHeaders<OuterIp>;
    auto& headers = header_at<Headers>(result.bytes.data());
    headers.ethernet = {path.outer_destination, path.outer_source,
                        Be16(result.outer_v4 ? ether_type::ipv4 : ether_type::ipv6)};
    headers.ip = outer_header(path, source, destination);
    headers.udp.destination_port = Be16(path.udp_port);
    headers.vxlan = VxlanHeader::of(path.vni);
    headers.inner = {path.inner_destination, path.inner_source, Be16{}};
    result.length = sizeof headers;
    const std::size_t udp_at = offsetof(Headers, udp);
    result.udp_sum = fold(add_bytes(pseudo_sum(source, destination, Protocol::udp, 0), result.bytes.data() + udp_at,
                                    sizeof headers - udp_at));
    headers.inner.type = Be16(ether_type::ipv4);
}

}  // namespace

VxlanTemplate VxlanTemplate::make(const VxlanPath& path) {
    VxlanTemplate result;
    result.outer_v4 = path.destination.is_v4();
    if (result.outer_v4) {
        fill<Ipv4Header>(result, path, path.source.v4(), path.destination.v4());
        const auto* ip = result.bytes.data() + sizeof(EthernetHeader);
        result.ipv4_sum = fold(add_header(0, header_at<Ipv4Header>(ip)));
    } else {
        fill<Ipv6Header>(result, path, path.source.v6(), path.destination.v6());
    }
    return result;
}

}  // namespace viaduct
