// Packets for tests, written layer by layer, with checksums computed the slow and obvious way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "encap/net_types.h"

namespace viaduct::test {

using Bytes = std::vector<std::uint8_t>;

inline constexpr Mac client_mac{{0x02, 0, 0, 0, 0, 0x01}};
inline constexpr Mac gateway_mac{{0x02, 0, 0, 0, 0, 0x02}};

/// Outermost layer first. Lengths, next protocols, EtherTypes and checksums follow from the layers; what a test wants
/// wrong it changes in the bytes that come out, or with the setters, which concern the latest layer of their kind.
///
///     PacketBuilder().ethernet().ip("10.0.0.1", "10.0.0.2").udp(1000, 53).payload(20).build()
class PacketBuilder {
public:
    PacketBuilder& ethernet(const Mac& destination = gateway_mac, const Mac& source = client_mac);
    PacketBuilder& vlan(std::uint16_t id);
    /// IPv4 or IPv6, as the addresses are.
    PacketBuilder& ip(const IpAddress& source, const IpAddress& destination);
    PacketBuilder& ip(std::string_view source, std::string_view destination);
    PacketBuilder& ttl(std::uint8_t ttl);
    PacketBuilder& tos(std::uint8_t tos);
    /// What the IP header (or the latest extension header) says that follows, whatever does.
    PacketBuilder& protocol(std::uint8_t number);
    PacketBuilder& ipv4_id(std::uint16_t id);
    PacketBuilder& dont_fragment();
    /// Appended to the IPv4 header and padded there.
    PacketBuilder& ipv4_options(const Bytes& options);
    /// `body`: what follows next header and length; padded to a multiple of 8 bytes.
    PacketBuilder& ipv6_extension(std::uint8_t type, const Bytes& body = {});
    /// Flags in the IPv4 header, or a fragment header in IPv6. `offset` in bytes.
    PacketBuilder& fragment(std::uint32_t id, std::uint16_t offset, bool more);

    PacketBuilder& tcp(std::uint16_t source_port, std::uint16_t destination_port, std::uint8_t flags);
    PacketBuilder& sequence(std::uint32_t sequence, std::uint32_t acknowledgement);
    /// Appended to the TCP header and padded there.
    PacketBuilder& tcp_options(const Bytes& options);
    PacketBuilder& udp(std::uint16_t source_port, std::uint16_t destination_port);
    PacketBuilder& no_udp_checksum();
    PacketBuilder& sctp(std::uint16_t source_port, std::uint16_t destination_port);
    /// ICMP or ICMPv6, as the IP header is. `rest`: the header's last four bytes, in host order.
    PacketBuilder& icmp(std::uint8_t type, std::uint8_t code, std::uint32_t rest = 0);
    PacketBuilder& echo_request(std::uint16_t id, std::uint16_t sequence = 1);
    PacketBuilder& echo_reply(std::uint16_t id, std::uint16_t sequence = 1);
    PacketBuilder& vxlan(Vni vni);

    PacketBuilder& payload(const Bytes& bytes);
    /// `length` bytes that differ from each other.
    PacketBuilder& payload(std::size_t length);
    PacketBuilder& payload(std::string_view text);

    [[nodiscard]] Bytes build() const;

private:
    enum class Kind : std::uint8_t { ethernet, vlan, ipv4, ipv6, extension, tcp, udp, sctp, icmp, vxlan, payload };
    struct Layer {
        Kind kind;
        std::uint8_t number = 0;  // of an extension header
        int protocol = -1;        // overrides what follows
        bool checksum = true;
        Bytes bytes;
    };

    Layer& add(Kind kind, Bytes bytes, std::uint8_t number = 0);
    Layer& latest_ip();
    Layer& latest(Kind kind);
    [[nodiscard]] std::size_t ip_before(std::size_t layer) const;
    [[nodiscard]] std::uint8_t next_protocol(std::size_t layer) const;
    [[nodiscard]] std::uint16_t next_ether_type(std::size_t layer) const;
    /// The layer's header in front of `body`, with all that depends on `body` filled in.
    [[nodiscard]] Bytes finished(std::size_t layer, const Bytes& body) const;
    void finish_ip(Bytes& bytes, std::size_t layer, std::size_t header) const;
    void finish_transport(Bytes& bytes, std::size_t layer) const;

    std::vector<Layer> layers_;
};

[[nodiscard]] Bytes slice(const Bytes& bytes, std::size_t from, std::size_t to);

/// The Internet checksum as RFC 1071 §1 words it: two bytes at a time.
[[nodiscard]] std::uint16_t naive_checksum(const Bytes& bytes);

/// What is wrong with the lengths and checksums of an Ethernet frame, nested VXLAN (UDP ports 4789 and 8472) included;
/// empty when nothing is. Payloads of fragments are not looked at.
[[nodiscard]] std::string fault_in(const Bytes& frame);
/// The same from an IP header on.
[[nodiscard]] std::string fault_in_ip(const Bytes& packet);

/// An untagged Ethernet frame without its Ethernet header.
[[nodiscard]] Bytes ip_packet(const Bytes& frame);

/// The frame's IP packet in fragments that carry `size` bytes each (a multiple of 8), the last one the rest. IPv4
/// without options, or IPv6 without extension headers.
[[nodiscard]] std::vector<Bytes> fragmented(const Bytes& frame, std::uint16_t size, std::uint32_t id);

}  // namespace viaduct::test
