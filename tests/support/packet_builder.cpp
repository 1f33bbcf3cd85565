// See packet_builder.h.
#include "tests/support/packet_builder.h"

#include <algorithm>
#include <stdexcept>

#include "encap/net_text.h"

namespace viaduct::test {
namespace {

constexpr std::uint8_t fragment_header = 44;

/// An address that lies in a frame.
template <class Address>
Address read(const Bytes& frame, std::size_t at) {
    Address address;
    std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(at), address.bytes.size(), address.bytes.begin());
    return address;
}
void put16(Bytes& bytes, std::size_t at, std::size_t value) {
    bytes.at(at) = static_cast<std::uint8_t>(value >> 8U);
    bytes.at(at + 1) = static_cast<std::uint8_t>(value);
}
void put32(Bytes& bytes, std::size_t at, std::uint32_t value) {
    put16(bytes, at, value >> 16U);
    put16(bytes, at + 2, value & 0xffffU);
}
template <class Container>
void append(Bytes& bytes, const Container& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}
void pad(Bytes& bytes, std::size_t multiple) {
    while (bytes.size() % multiple != 0) bytes.push_back(0);
}

/// Addresses, protocol and length, as TCP, UDP and ICMPv6 include them.
Bytes pseudo_header(const Bytes& ip, std::uint8_t protocol, std::size_t length) {
    const bool v4 = ip.at(0) >> 4U == 4;
    Bytes pseudo = v4 ? slice(ip, 12, 20) : slice(ip, 8, 40);
    append(pseudo, Bytes{0, protocol, static_cast<std::uint8_t>(length >> 8U), static_cast<std::uint8_t>(length)});
    return pseudo;
}

std::uint16_t transport_checksum(const Bytes& ip, std::uint8_t protocol, const Bytes& segment) {
    Bytes covered = protocol == 1 ? Bytes{} : pseudo_header(ip, protocol, segment.size());
    append(covered, segment);
    return naive_checksum(covered);
}

}  // namespace

Bytes slice(const Bytes& bytes, std::size_t from, std::size_t to) {
    return {bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(to)};
}

std::uint16_t naive_checksum(const Bytes& bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        sum += static_cast<std::uint32_t>(bytes[i] << 8U) + (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
        if (sum > 0xffff) sum -= 0xffff;  // the carry, brought round
    }
    return static_cast<std::uint16_t>(~sum);
}

PacketBuilder::Layer& PacketBuilder::add(Kind kind, Bytes bytes, std::uint8_t number) {
    layers_.push_back({.kind = kind, .number = number, .bytes = std::move(bytes)});
    return layers_.back();
}

PacketBuilder::Layer& PacketBuilder::latest(Kind kind) {
    for (std::size_t i = layers_.size(); i-- > 0;)
        if (layers_[i].kind == kind) return layers_[i];
    throw std::logic_error("PacketBuilder: no such layer yet");
}
PacketBuilder::Layer& PacketBuilder::latest_ip() { return layers_.at(ip_before(layers_.size())); }

std::size_t PacketBuilder::ip_before(std::size_t layer) const {
    while (layer-- > 0)
        if (layers_[layer].kind == Kind::ipv4 || layers_[layer].kind == Kind::ipv6) return layer;
    throw std::logic_error("PacketBuilder: no IP header yet");
}

PacketBuilder& PacketBuilder::ethernet(const Mac& destination, const Mac& source) {
    Bytes bytes(destination.bytes.begin(), destination.bytes.end());
    append(bytes, source.bytes);
    append(bytes, Bytes{0, 0});
    add(Kind::ethernet, std::move(bytes));
    return *this;
}

PacketBuilder& PacketBuilder::vlan(std::uint16_t id) {
    Bytes bytes(4);
    put16(bytes, 0, id);
    add(Kind::vlan, std::move(bytes));
    return *this;
}

PacketBuilder& PacketBuilder::ip(const IpAddress& source, const IpAddress& destination) {
    if (source.is_v4()) {
        Bytes bytes{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0};
        append(bytes, source.v4().bytes);
        append(bytes, destination.v4().bytes);
        add(Kind::ipv4, std::move(bytes));
    } else {
        Bytes bytes{0x60, 0, 0, 0, 0, 0, 0, 64};
        append(bytes, source.v6().bytes);
        append(bytes, destination.v6().bytes);
        add(Kind::ipv6, std::move(bytes));
    }
    return *this;
}
PacketBuilder& PacketBuilder::ip(std::string_view source, std::string_view destination) {
    return ip(parse_ip(source).value(), parse_ip(destination).value());
}

PacketBuilder& PacketBuilder::ttl(std::uint8_t ttl) {
    Layer& ip = latest_ip();
    ip.bytes[ip.kind == Kind::ipv4 ? 8 : 7] = ttl;
    return *this;
}

PacketBuilder& PacketBuilder::tos(std::uint8_t tos) {
    Layer& ip = latest_ip();
    if (ip.kind == Kind::ipv4)
        ip.bytes[1] = tos;
    else
        put16(ip.bytes, 0, 0x6000U | static_cast<unsigned>(tos << 4U));
    return *this;
}

PacketBuilder& PacketBuilder::protocol(std::uint8_t number) {
    (layers_.back().kind == Kind::extension ? layers_.back() : latest_ip()).protocol = number;
    return *this;
}

PacketBuilder& PacketBuilder::ipv4_id(std::uint16_t id) {
    put16(latest(Kind::ipv4).bytes, 4, id);
    return *this;
}

PacketBuilder& PacketBuilder::dont_fragment() {
    latest(Kind::ipv4).bytes[6] |= 0x40;
    return *this;
}

PacketBuilder& PacketBuilder::ipv4_options(const Bytes& options) {
    Bytes& bytes = latest(Kind::ipv4).bytes;
    append(bytes, options);
    pad(bytes, 4);
    bytes[0] = static_cast<std::uint8_t>(0x40U | bytes.size() / 4);
    return *this;
}

PacketBuilder& PacketBuilder::ipv6_extension(std::uint8_t type, const Bytes& body) {
    Bytes bytes{0, 0};
    append(bytes, body);
    pad(bytes, 8);
    if (type != fragment_header) bytes[1] = static_cast<std::uint8_t>(bytes.size() / 8 - 1);
    add(Kind::extension, std::move(bytes), type);
    return *this;
}

PacketBuilder& PacketBuilder::fragment(std::uint32_t id, std::uint16_t offset, bool more) {
    if (latest_ip().kind == Kind::ipv6) {
        Bytes body(6);
        put16(body, 0, offset | (more ? 1U : 0U));
        put32(body, 2, id);
        return ipv6_extension(fragment_header, body);
    }
    put16(latest_ip().bytes, 6, (more ? 0x2000U : 0U) | offset / 8U);
    return ipv4_id(static_cast<std::uint16_t>(id));
}

PacketBuilder& PacketBuilder::tcp(std::uint16_t source_port, std::uint16_t destination_port, std::uint8_t flags) {
    Bytes bytes(20);
    put16(bytes, 0, source_port);
    put16(bytes, 2, destination_port);
    bytes[12] = 0x50;
    bytes[13] = flags;
    put16(bytes, 14, 0xfaf0);
    add(Kind::tcp, std::move(bytes));
    return *this;
}

PacketBuilder& PacketBuilder::sequence(std::uint32_t sequence, std::uint32_t acknowledgement) {
    put32(latest(Kind::tcp).bytes, 4, sequence);
    put32(latest(Kind::tcp).bytes, 8, acknowledgement);
    return *this;
}

PacketBuilder& PacketBuilder::tcp_options(const Bytes& options) {
    Bytes& bytes = latest(Kind::tcp).bytes;
    append(bytes, options);
    pad(bytes, 4);
    bytes[12] = static_cast<std::uint8_t>(bytes.size() / 4 << 4U);
    return *this;
}

PacketBuilder& PacketBuilder::udp(std::uint16_t source_port, std::uint16_t destination_port) {
    Bytes bytes(8);
    put16(bytes, 0, source_port);
    put16(bytes, 2, destination_port);
    add(Kind::udp, std::move(bytes));
    return *this;
}

PacketBuilder& PacketBuilder::no_udp_checksum() {
    latest(Kind::udp).checksum = false;
    return *this;
}

PacketBuilder& PacketBuilder::sctp(std::uint16_t source_port, std::uint16_t destination_port) {
    Bytes bytes(12);
    put16(bytes, 0, source_port);
    put16(bytes, 2, destination_port);
    add(Kind::sctp, std::move(bytes));
    return *this;
}

PacketBuilder& PacketBuilder::icmp(std::uint8_t type, std::uint8_t code, std::uint32_t rest) {
    Bytes bytes{type, code, 0, 0, 0, 0, 0, 0};
    put32(bytes, 4, rest);
    add(Kind::icmp, std::move(bytes));
    return *this;
}
PacketBuilder& PacketBuilder::echo_request(std::uint16_t id, std::uint16_t sequence) {
    return icmp(latest_ip().kind == Kind::ipv4 ? 8 : 128, 0, std::uint32_t{id} << 16U | sequence);
}
PacketBuilder& PacketBuilder::echo_reply(std::uint16_t id, std::uint16_t sequence) {
    return icmp(latest_ip().kind == Kind::ipv4 ? 0 : 129, 0, std::uint32_t{id} << 16U | sequence);
}

PacketBuilder& PacketBuilder::vxlan(Vni vni) {
    Bytes bytes(8);
    put32(bytes, 4, vni.value() << 8U);
    bytes[0] = 0x08;
    add(Kind::vxlan, std::move(bytes));
    return *this;
}

PacketBuilder& PacketBuilder::payload(const Bytes& bytes) {
    add(Kind::payload, bytes);
    return *this;
}
PacketBuilder& PacketBuilder::payload(std::size_t length) {
    Bytes bytes(length);
    for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + 1);
    return payload(bytes);
}
PacketBuilder& PacketBuilder::payload(std::string_view text) { return payload(Bytes(text.begin(), text.end())); }

std::uint8_t PacketBuilder::next_protocol(std::size_t layer) const {
    if (layers_[layer].protocol >= 0) return static_cast<std::uint8_t>(layers_[layer].protocol);
    if (layer + 1 == layers_.size()) return 59;  // no next header
    const Layer& next = layers_[layer + 1];
    switch (next.kind) {
        case Kind::tcp:
            return 6;
        case Kind::udp:
            return 17;
        case Kind::sctp:
            return 132;
        case Kind::icmp:
            return layers_[ip_before(layer + 1)].kind == Kind::ipv4 ? 1 : 58;
        case Kind::extension:
            return next.number;
        case Kind::ipv4:
            return 4;
        case Kind::ipv6:
            return 41;
        default:
            return 253;  // for experiments (RFC 3692)
    }
}

std::uint16_t PacketBuilder::next_ether_type(std::size_t layer) const {
    if (layer + 1 == layers_.size()) return 0x88b5;  // for experiments (IEEE 802)
    switch (layers_[layer + 1].kind) {
        case Kind::ipv4:
            return 0x0800;
        case Kind::ipv6:
            return 0x86dd;
        case Kind::vlan:
            return 0x8100;
        default:
            return 0x88b5;
    }
}

void PacketBuilder::finish_ip(Bytes& bytes, std::size_t layer, std::size_t header) const {
    if (layers_[layer].kind == Kind::ipv6) {
        put16(bytes, 4, bytes.size() - header);
        bytes[6] = next_protocol(layer);
        return;
    }
    put16(bytes, 2, bytes.size());
    bytes[9] = next_protocol(layer);
    put16(bytes, 10, naive_checksum(slice(bytes, 0, header)));
}

void PacketBuilder::finish_transport(Bytes& bytes, std::size_t layer) const {
    const Layer& self = layers_[layer];
    const Bytes& ip = layers_[ip_before(layer)].bytes;
    if (self.kind == Kind::udp) put16(bytes, 4, bytes.size());
    if (!self.checksum) return;
    const std::size_t at = self.kind == Kind::tcp ? 16 : self.kind == Kind::udp ? 6 : 2;
    const std::uint16_t checksum = transport_checksum(ip, next_protocol(layer - 1), bytes);
    put16(bytes, at, self.kind == Kind::udp && checksum == 0 ? 0xffff : checksum);
}

Bytes PacketBuilder::finished(std::size_t layer, const Bytes& body) const {
    const Layer& self = layers_[layer];
    Bytes bytes = self.bytes;
    const std::size_t header = bytes.size();
    append(bytes, body);
    switch (self.kind) {
        case Kind::ethernet:
            put16(bytes, 12, next_ether_type(layer));
            break;
        case Kind::vlan:
            put16(bytes, 2, next_ether_type(layer));
            break;
        case Kind::ipv4:
        case Kind::ipv6:
            finish_ip(bytes, layer, header);
            break;
        case Kind::extension:
            bytes[0] = next_protocol(layer);
            break;
        case Kind::tcp:
        case Kind::udp:
        case Kind::icmp:
            finish_transport(bytes, layer);
            break;
        default:
            break;
    }
    return bytes;
}

Bytes PacketBuilder::build() const {
    Bytes bytes;
    for (std::size_t layer = layers_.size(); layer-- > 0;) bytes = finished(layer, bytes);
    return bytes;
}

Bytes ip_packet(const Bytes& frame) { return slice(frame, 14, frame.size()); }

std::vector<Bytes> fragmented(const Bytes& frame, std::uint16_t size, std::uint32_t id) {
    const bool v4 = frame.at(14) >> 4U == 4;
    const std::size_t transport = v4 ? 34 : 54;
    std::vector<Bytes> fragments;
    for (std::size_t at = transport; at < frame.size(); at += size) {
        const std::size_t end = std::min(frame.size(), at + size);
        PacketBuilder part;
        part.ethernet(read<Mac>(frame, 0), read<Mac>(frame, 6));
        if (v4)
            part.ip(read<Ipv4>(frame, 26), read<Ipv4>(frame, 30));
        else
            part.ip(read<Ipv6>(frame, 22), read<Ipv6>(frame, 38));
        part.fragment(id, static_cast<std::uint16_t>(at - transport), end != frame.size());
        part.protocol(frame[v4 ? 23 : 20]);
        fragments.push_back(part.payload(slice(frame, at, end)).build());
    }
    return fragments;
}

}  // namespace viaduct::test
