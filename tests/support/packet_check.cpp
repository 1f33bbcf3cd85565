// The tests' own judge of finished packets: it shares no code with what it judges.
#include "tests/support/packet_builder.h"

namespace viaduct::test {
namespace {

constexpr std::uint8_t icmp = 1, tcp = 6, udp = 17, icmpv6 = 58;

struct Packet {
    const Bytes& bytes;
    bool v4;
    std::size_t transport;
    std::size_t end;
    std::uint8_t protocol;
};

std::uint16_t get16(const Bytes& bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes.at(at) << 8U | bytes.at(at + 1));
}

/// 0 when the checksum that lies inside the covered bytes is right.
std::uint16_t residue(const Packet& p) {
    Bytes covered;
    const std::size_t length = p.end - p.transport;
    if (p.protocol != icmp) {
        covered = p.v4 ? slice(p.bytes, 12, 20) : slice(p.bytes, 8, 40);
        for (const std::size_t byte : {std::size_t{0}, std::size_t{p.protocol}, length >> 8U, length & 0xffU})
            covered.push_back(static_cast<std::uint8_t>(byte));
    }
    covered.insert(covered.end(), p.bytes.begin() + static_cast<std::ptrdiff_t>(p.transport),
                   p.bytes.begin() + static_cast<std::ptrdiff_t>(p.end));
    return naive_checksum(covered);
}

std::string fault_in_udp(const Packet& p) {
    if (p.end - p.transport < 8) return "UDP header cut";
    if (get16(p.bytes, p.transport + 4) != p.end - p.transport) return "UDP length";
    const std::uint16_t checksum = get16(p.bytes, p.transport + 6);
    if (checksum == 0 && !p.v4) return "no UDP checksum over IPv6";
    if (checksum != 0 && residue(p) != 0) return "UDP checksum";
    const std::uint16_t port = get16(p.bytes, p.transport + 2);
    if (port != 4789 && port != 8472) return {};
    const std::string inner = fault_in(slice(p.bytes, p.transport + 16, p.end));
    return inner.empty() ? inner : "inner " + inner;
}

std::string fault_in_transport(const Packet& p) {
    if (p.protocol == udp) return fault_in_udp(p);
    if (p.protocol == tcp) {
        if (p.end - p.transport < 20) return "TCP header cut";
        return residue(p) == 0 ? "" : "TCP checksum";
    }
    if (p.protocol == icmp || p.protocol == icmpv6) return residue(p) == 0 ? "" : "ICMP checksum";
    return {};
}

std::string fault_in_ipv4(const Bytes& bytes) {
    const std::size_t header = (bytes.at(0) & 15U) * 4U, total = get16(bytes, 2);
    if (header < 20 || total < header || total > bytes.size()) return "IPv4 length";
    if (naive_checksum(slice(bytes, 0, header)) != 0) return "IPv4 checksum";
    if ((get16(bytes, 6) & 0x3fffU) != 0) return {};
    return fault_in_transport({bytes, true, header, total, bytes.at(9)});
}

std::string fault_in_ipv6(const Bytes& bytes) {
    const std::size_t end = 40U + get16(bytes, 4);
    if (end > bytes.size()) return "IPv6 length";
    std::size_t at = 40;
    std::uint8_t next = bytes.at(6);
    while (next == 0 || next == 43 || next == 60 || next == 44) {
        if (next == 44 && (get16(bytes, at + 2) & 0xfff9U) != 0) return {};
        next = bytes.at(at);
        at += next == 44 ? 8U : bytes.at(at + 1) * 8U + 8U;
    }
    if (at > end) return "IPv6 extension headers";
    return fault_in_transport({bytes, false, at, end, next});
}

}  // namespace

std::string fault_in_ip(const Bytes& packet) {
    if (packet.empty()) return "empty";
    const unsigned version = packet[0] >> 4U;
    if (packet.size() < (version == 4 ? 20U : 40U)) return "IP header cut";
    if (version == 4) return fault_in_ipv4(packet);
    return version == 6 ? fault_in_ipv6(packet) : "IP version";
}

std::string fault_in(const Bytes& frame) {
    if (frame.size() < 14) return "Ethernet header cut";
    const std::uint16_t type = get16(frame, 12);
    if (type != 0x0800 && type != 0x86dd) return {};
    const Bytes packet = ip_packet(frame);
    if (!packet.empty() && (packet[0] >> 4U == 4) != (type == 0x0800)) return "EtherType";
    return fault_in_ip(packet);
}

}  // namespace viaduct::test
