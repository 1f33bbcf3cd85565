// ICMP errors about translated packets: rewritten inside and outside, and still valid (RFC 5508 §4.2).
#include <gtest/gtest.h>

#include "lb/nat.h"
#include "packets.h"

namespace viaduct::test {
namespace {

// An ICMP error from `source` to `destination` that quotes `quote`.
template <Address A>
Bytes icmp_error(const A& source, const A& destination, const Bytes& quote) {
    FlowKey<A> key{source, destination, Be16(0), Be16(0), icmp_of<A>, NetworkId{0}, 0};
    Bytes icmp(sizeof(IcmpHeader));
    header_at<IcmpHeader>(icmp.data()) = {.type = static_cast<std::uint8_t>(std::same_as<A, Ipv4> ? 3 : 2),
                                          .code = 4,
                                          .checksum = Be16(0),
                                          .id = Be16(0),
                                          .sequence = Be16(1400)};
    icmp = joined(icmp, quote);
    seal(icmp, 2, key);
    return framed(joined(ip_header(key, icmp.size()), icmp));
}

Bytes first(const Bytes& bytes, std::size_t count) {
    return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(count, bytes.size()))};
}

template <class A>
class NatIcmp : public ::testing::Test {
protected:
    NatIcmp() {
        if constexpr (std::same_as<A, Ipv4>)
            addresses = {Ipv4(198, 51, 100, 7), Ipv4(203, 0, 113, 80), Ipv4(10, 244, 0, 9), Ipv4(10, 244, 3, 5),
                         Ipv4(192, 0, 2, 1)};
        else
            for (std::size_t i = 0; i < addresses.size(); ++i)
                addresses[i].bytes = {0xfd, 0, static_cast<std::uint8_t>(i), 0x11};
    }

    Connection<A> connection(Protocol protocol) const {
        const auto [client, frontend, snat, backend, router] = addresses;
        Connection<A> c{};
        c.original = {client, frontend, Be16(40'000), Be16(80), protocol, NetworkId{0}, 0};
        c.reply = {backend, snat, Be16(8'080), Be16(2'500), protocol, NetworkId{0}, 0};
        if (protocol == icmp_of<A>) c.original.destination_port = c.reply.source_port = Be16(0);
        prepare_translation(c);
        return c;
    }

    // An error from `who` about a packet that `quoted_from` had sent: as it arrives, and as it must leave.
    void expect_row(Protocol protocol, Direction quoted_from, bool from_the_end, std::size_t quoted, bool sums) const {
        const auto c = connection(protocol);
        const bool original = quoted_from == Direction::original;
        const FlowKey<A> sent = original ? c.original : c.reply;
        const FlowKey<A> seen = (original ? c.reply : c.original).mirrored();
        const Shape shape{.payload = Bytes(30, 0x77), .reply = !original, .without_checksum = !sums};
        const std::size_t size = ip_header_size<A> + quoted;
        Bytes frame =
            icmp_error(from_the_end ? seen.destination : router(), seen.source, first(ip_packet(seen, shape), size));
        PacketMeta meta = meta_of(seen, frame, Transport::icmp_error);
        translate_icmp_error(frame.data(), frame.size(), meta, c, quoted_from);
        EXPECT_EQ(frame, icmp_error(from_the_end ? sent.destination : router(), sent.source,
                                    first(ip_packet(sent, shape), size)))
            << "protocol " << static_cast<int>(protocol) << ", quoted " << quoted;
    }

    A router() const { return addresses[4]; }
    std::array<A, 5> addresses{};
};

using Families = ::testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(NatIcmp, Families);

constexpr auto both_ways = {Direction::original, Direction::reply};

TYPED_TEST(NatIcmp, FromARouterOnTheWay) {
    for (const Protocol protocol : {Protocol::tcp, Protocol::udp, Protocol::sctp, icmp_of<TypeParam>})
        for (const Direction from : both_ways)
            for (const std::size_t quoted : {8U, 12U, 20U, 40U}) this->expect_row(protocol, from, false, quoted, true);
}

TYPED_TEST(NatIcmp, FromTheOtherEndItself) {
    for (const Protocol protocol : {Protocol::tcp, Protocol::udp, Protocol::sctp, icmp_of<TypeParam>})
        for (const Direction from : both_ways)
            for (const std::size_t quoted : {8U, 40U}) this->expect_row(protocol, from, true, quoted, true);
}

TYPED_TEST(NatIcmp, AQuotedUdpPacketWithoutChecksumKeepsNone) {
    for (const Direction from : both_ways) this->expect_row(Protocol::udp, from, true, 8, false);
}

// However little is quoted, nothing beyond the frame is touched and the error's own checksums are right.
TYPED_TEST(NatIcmp, TruncatedAtEveryByte) {
    for (const Protocol protocol : {Protocol::tcp, Protocol::udp, Protocol::sctp, icmp_of<TypeParam>}) {
        const auto c = this->connection(protocol);
        const FlowKey<TypeParam> seen = c.reply.mirrored();
        const Bytes whole = ip_packet(seen, {.payload = Bytes(8, 0x77)});
        for (std::size_t size = 0; size <= whole.size(); ++size) {
            Bytes frame = icmp_error(seen.destination, seen.source, first(whole, size));
            const PacketMeta meta = meta_of(seen, frame, Transport::icmp_error);
            translate_icmp_error(frame.data(), frame.size(), meta, c, Direction::original);
            const std::size_t quote_at = meta.transport_at + sizeof(IcmpHeader);
            const Bytes quote(frame.begin() + static_cast<std::ptrdiff_t>(quote_at), frame.end());
            ASSERT_EQ(frame, icmp_error(c.original.destination, c.original.source, quote)) << size;
        }
    }
}

TYPED_TEST(NatIcmp, ABadQuotedChecksumIsTolerated) {
    const auto c = this->connection(Protocol::udp);
    const FlowKey<TypeParam> seen = c.reply.mirrored();
    Bytes quote = ip_packet(seen, {.payload = Bytes(8, 0x77)});
    quote[ip_header_size<TypeParam> + 6] ^= 0x15;
    Bytes frame = icmp_error(this->router(), seen.source, quote);
    const PacketMeta meta = meta_of(seen, frame, Transport::icmp_error);
    translate_icmp_error(frame.data(), frame.size(), meta, c, Direction::original);
    const Bytes rewritten(frame.end() - static_cast<std::ptrdiff_t>(quote.size()), frame.end());
    EXPECT_EQ(frame, icmp_error(this->router(), c.original.source, rewritten));
    EXPECT_EQ(header_at<Be16>(&rewritten[ip_header_size<TypeParam>]), c.original.source_port);
}

TYPED_TEST(NatIcmp, PaddingBehindThePacketIsNotTheQuote) {
    const auto c = this->connection(Protocol::tcp);
    const FlowKey<TypeParam> seen = c.reply.mirrored();
    Bytes frame = icmp_error(this->router(), seen.source, first(ip_packet(seen, {}), ip_header_size<TypeParam> + 8));
    const PacketMeta meta = meta_of(seen, frame, Transport::icmp_error);
    frame.resize(frame.size() + 20, 0xcc);
    translate_icmp_error(frame.data(), frame.size(), meta, c, Direction::original);
    EXPECT_EQ(Bytes(frame.end() - 20, frame.end()), Bytes(20, 0xcc));
}

TEST(NatIcmpV4, AQuotedHeaderLengthThatCannotBe) {
    FlowKey<Ipv4> seen{Ipv4(10, 0, 0, 1), Ipv4(10, 0, 0, 2), Be16(3), Be16(4), Protocol::udp, NetworkId{0}, 0};
    Connection<Ipv4> c{};
    c.original = {Ipv4(10, 0, 0, 3), Ipv4(10, 0, 0, 4), Be16(5), Be16(6), Protocol::udp, NetworkId{0}, 0};
    c.reply = seen.mirrored();
    prepare_translation(c);
    Bytes quote = ip_packet(seen, {});
    quote[0] = 0x40;
    Bytes frame = icmp_error(seen.destination, seen.source, quote);
    const PacketMeta meta = meta_of(seen, frame, Transport::icmp_error);
    translate_icmp_error(frame.data(), frame.size(), meta, c, Direction::original);
    EXPECT_EQ(frame[frame.size() - quote.size()], 0x40);
    const Bytes rewritten(frame.end() - static_cast<std::ptrdiff_t>(quote.size()), frame.end());
    EXPECT_EQ(frame, icmp_error(c.original.destination, c.original.source, rewritten));
}

TEST(NatIcmpV6, QuotedExtensionHeadersAreWalked) {
    FlowKey<Ipv6> sent{}, seen{};
    sent.source.bytes[0] = 0x20, sent.destination.bytes[0] = 0x21, sent.source_port = Be16(1),
    sent.destination_port = Be16(2);
    seen.source.bytes[0] = 0x30, seen.destination.bytes[0] = 0x31, seen.source_port = Be16(3),
    seen.destination_port = Be16(4);
    sent.protocol = seen.protocol = Protocol::udp;
    Connection<Ipv6> c{};
    c.original = sent;
    c.reply = seen.mirrored();
    prepare_translation(c);
    const auto quote = [](const FlowKey<Ipv6>& key) {  // hop-by-hop options, then an atomic fragment header
        const Bytes extensions{44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 0, 1, 2, 3, 4};
        const Bytes payload = joined(extensions, transport_of(key, {.payload = Bytes(5, 9)}));
        Bytes ip = ip_header(key, payload.size());
        ip[6] = 0;
        return joined(ip, payload);
    };
    Bytes frame = icmp_error(seen.destination, seen.source, quote(seen));
    translate_icmp_error(frame.data(), frame.size(), meta_of(seen, frame, Transport::icmp_error), c,
                         Direction::original);
    EXPECT_EQ(frame, icmp_error(sent.destination, sent.source, quote(sent)));
}

}  // namespace
}  // namespace viaduct::test
