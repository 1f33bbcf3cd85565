// See synthetic.h.
#include "dataplane/synthetic.h"

#include <algorithm>
#include <stdexcept>

#include "encap/checksum.h"
#include "encap/net_text.h"
#include "encap/vxlan.h"

namespace viaduct {
namespace {

std::uint16_t transport_header(Protocol protocol) {
    switch (protocol) {
        case Protocol::tcp:
            return sizeof(TcpHeader);
        case Protocol::udp:
            return sizeof(UdpHeader);
        case Protocol::icmp:
        case Protocol::icmpv6:
            return sizeof(IcmpHeader);
        case Protocol::sctp:
            return sizeof(SctpHeader);
    }
    throw std::invalid_argument("explain knows tcp, udp, sctp and icmp");
}

/// The transport header and its checksum; `length` of it and its (zero) payload.
template <Address A>
void write_transport(std::uint8_t* out, const Question& question, const A& source, const A& destination,
                     std::uint16_t length) {
    const Be16 from(question.source_port), to(question.destination_port);
    const std::uint64_t pseudo = pseudo_sum(source, destination, question.protocol, length);
    switch (question.protocol) {
        case Protocol::tcp: {
            auto& tcp = header_at<TcpHeader>(out);
            tcp = {from, to, Be32(1), Be32(0), 5U << 4U, TcpHeader::syn, Be16(65'535), {}, {}};
            tcp.checksum = finish(add_bytes(pseudo, out, length));
            break;
        }
        case Protocol::udp: {
            auto& udp = header_at<UdpHeader>(out);
            udp = {from, to, Be16(length), {}};
            udp.checksum = finish_udp(add_bytes(pseudo, out, length));
            break;
        }
        case Protocol::icmp:
        case Protocol::icmpv6: {
            const bool v6 = question.protocol == Protocol::icmpv6;
            auto& icmp = header_at<IcmpHeader>(out);
            icmp = {static_cast<std::uint8_t>(v6 ? 128 : 8), 0, {}, from, Be16(1)};
            icmp.checksum = finish(add_bytes(v6 ? pseudo : 0, out, length));
            break;
        }
        case Protocol::sctp:
            header_at<SctpHeader>(out) = {from, to, Be32(1), Be32(0)};
            break;
    }
}

void write_ip(std::uint8_t* out, const Question& question, std::uint16_t length) {
    if (question.source.is_v4()) {
        auto& ip = header_at<Ipv4Header>(out);
        ip = {0x45,
              0,
              Be16(length),
              Be16(1),
              Be16(Ipv4Header::dont_fragment),
              question.ttl,
              question.protocol,
              {},
              question.source.v4(),
              question.destination.v4()};
        ip.checksum = finish(add_bytes(0, out, sizeof ip));
        write_transport(out + sizeof ip, question, ip.source, ip.destination,
                        static_cast<std::uint16_t>(length - sizeof ip));
    } else {
        auto& ip = header_at<Ipv6Header>(out);
        const auto payload = static_cast<std::uint16_t>(length - sizeof ip);
        ip = {Be32(6U << 28U), Be16(payload),        static_cast<std::uint8_t>(question.protocol),
              question.ttl,    question.source.v6(), question.destination.v6()};
        write_transport(out + sizeof ip, question, ip.source, ip.destination, payload);
    }
}

PortId port_named(const std::string& name, const Snapshot& snapshot) {
    for (std::size_t i = 0; i < snapshot.ports.size(); ++i)
        if (name.empty() ? !snapshot.ports[i].host : snapshot.ports[i].name == name) return static_cast<PortId>(i);
    throw std::invalid_argument(name.empty() ? "the gateway has no ports yet" : "no port is called " + name);
}

/// Puts the headers of a tunnel from the peer to us in front; `ip` is where the inner packet lies in the frame.
void wrap(std::uint8_t* ip, const Peer& peer, const Question& question, const Snapshot& snapshot,
          std::uint16_t length) {
    const DesiredNetwork& network = snapshot.network(peer.network).settings;
    VxlanPath path;
    path.outer_destination = snapshot.port(peer.port).mac;
    path.source = peer.underlay;
    path.destination = peer.underlay.is_v4() ? IpAddress(network.vtep_v4.value_or(Ipv4{}))
                                             : IpAddress(network.vtep_v6.value_or(Ipv6{}));
    path.udp_port = network.udp_port;
    path.vni = network.vni;
    path.inner_destination = network.vtep_mac;
    write(VxlanTemplate::make(path), ip, question.source.is_v4() ? Family::v4 : Family::v6, length, 0, 0,
          OuterUdpChecksum::computed);
}

const Peer* peer_named(const std::string& name, const Snapshot& snapshot) {
    if (name.empty()) return nullptr;
    const auto found = std::find_if(snapshot.peers.begin(), snapshot.peers.end(), [&](const Peer& peer) {
        return peer.name == name && static_cast<std::size_t>(peer.port) < snapshot.ports.size();
    });
    if (found == snapshot.peers.end()) throw std::invalid_argument("no reachable peer is called " + name);
    return &*found;
}

}  // namespace

rte_mbuf* synthetic_packet(const Question& asked, const Snapshot& snapshot, rte_mempool* pool, PortId& ingress) {
    Question question = asked;
    const bool v4 = question.source.is_v4();
    if (v4 != question.destination.is_v4()) throw std::invalid_argument("source and destination differ in family");
    if (question.protocol == Protocol::icmp && !v4) question.protocol = Protocol::icmpv6;
    const Peer* peer = peer_named(question.peer, snapshot);
    ingress = peer != nullptr ? peer->port : port_named(question.port, snapshot);

    const auto smallest = static_cast<std::uint16_t>((v4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header)) +
                                                     transport_header(question.protocol));
    const std::uint16_t length = std::max(question.length, smallest);
    const auto front = static_cast<std::uint16_t>(peer == nullptr          ? ethernet_size
                                                  : peer->underlay.is_v4() ? VxlanTemplate::length_v4
                                                                           : VxlanTemplate::length_v6);
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool);
    if (mbuf == nullptr) throw std::runtime_error("the packet buffer pool is empty");
    char* start = rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(front + length));
    if (start == nullptr) {
        rte_pktmbuf_free(mbuf);
        throw std::invalid_argument("the packet is longer than a buffer");
    }
    auto* frame = reinterpret_cast<std::uint8_t*>(start);
    std::memset(frame, 0, front + std::size_t{length});
    write_ip(frame + front, question, length);
    if (peer != nullptr)
        wrap(frame + front, *peer, question, snapshot, length);
    else
        header_at<EthernetHeader>(frame) = {
            snapshot.port(ingress).mac, {}, Be16(v4 ? ether_type::ipv4 : ether_type::ipv6)};
    return mbuf;
}

}  // namespace viaduct
