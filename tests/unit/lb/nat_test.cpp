// Translation of whole packets, against packets that were made from scratch.
#include "lb/nat.h"

#include <gtest/gtest.h>

#include "packets.h"

namespace viaduct::test {
namespace {

template <class A>
class Nat : public ::testing::Test {
protected:
    static constexpr std::array protocols{Protocol::tcp, Protocol::udp, icmp_of<A>, Protocol::sctp};

    // An ICMP echo connection has its identifier on the asking side only (see FlowKey).
    Connection<A> connection(Protocol protocol) {
        Connection<A> c{};
        c.original = random_key<A>(random, protocol);
        c.reply = random_key<A>(random, protocol);
        if (protocol == icmp_of<A>) c.original.destination_port = c.reply.source_port = Be16(0);
        prepare_translation(c);
        return c;
    }

    Shape shape(bool reply, bool without_checksum) {
        Shape s{.payload = Bytes(random() % 40), .reply = reply, .without_checksum = without_checksum};
        for (std::uint8_t& byte : s.payload) byte = static_cast<std::uint8_t>(random());
        return s;
    }

    // Makes the payload's first word such that the packet's checksum comes out as `target`.
    void aim(const FlowKey<A>& key, Shape& s, std::uint16_t target) {
        s.payload.resize(std::max<std::size_t>(s.payload.size(), 2));
        s.payload[0] = s.payload[1] = 0;
        const Bytes before = transport_of(key, s);
        const std::size_t at = key.protocol == Protocol::tcp ? 16 : key.protocol == Protocol::udp ? 6 : 2;
        const std::uint32_t value = std::uint32_t{before[at]} << 8U | before[at + 1];
        const std::uint32_t word = (value + 0xffffU - target) % 0xffffU;
        s.payload[0] = static_cast<std::uint8_t>(word >> 8U);
        s.payload[1] = static_cast<std::uint8_t>(word);
    }

    // There, compared with a packet made anew, and back, compared with the packet itself.
    void round_trip(const Connection<A>& c, Direction from, Shape s) {
        const bool original = from == Direction::original;
        const FlowKey<A>& received = original ? c.original : c.reply;
        const FlowKey<A> sent = (original ? c.reply : c.original).mirrored();
        if (received.protocol != Protocol::sctp && random() % 4 == 0) aim(received, s, random() % 2 == 0 ? 0 : 0xffff);
        const Bytes before = framed(ip_packet(received, s));
        Bytes frame = before;
        const PacketMeta meta = meta_of(received, frame, transport_kind(received.protocol, s.reply));
        translate(frame.data(), meta, c, from);
        ASSERT_EQ(frame, framed(ip_packet(sent, s)));
        translate_back(frame.data(), meta, c, from);
        ASSERT_EQ(frame, before);
    }

    Random random{20260101};
};

using Families = ::testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(Nat, Families);

TYPED_TEST(Nat, IncrementalEqualsFullRecomputationAndComesBack) {
    for (std::size_t i = 0; i < 500'000; ++i) {
        const Protocol protocol = this->protocols[i % 3];
        const Direction from = this->random() % 2 == 0 ? Direction::original : Direction::reply;
        const bool echo_reply = from == Direction::reply && protocol == icmp_of<TypeParam>;
        const bool without = protocol == Protocol::udp && this->random() % 4 == 0;
        this->round_trip(this->connection(protocol), from, this->shape(echo_reply, without));
        if (this->HasFatalFailure()) FAIL() << "round " << i;
    }
}

TYPED_TEST(Nat, SctpChecksumFollowsThePorts) {
    for (int i = 0; i < 20'000; ++i) {
        this->round_trip(this->connection(Protocol::sctp), static_cast<Direction>(i % 2), this->shape(false, false));
        if (this->HasFatalFailure()) FAIL() << "round " << i;
    }
}

TYPED_TEST(Nat, SctpChecksumOfLargePackets) {
    for (const std::size_t size : {1'400U, 8'191U, 65'000U}) {
        Shape s{.payload = Bytes(size, 0x5a)};
        this->round_trip(this->connection(Protocol::sctp), Direction::original, s);
    }
}

TYPED_TEST(Nat, AWrongChecksumStaysWrong) {
    for (const Protocol protocol : this->protocols) {
        const auto c = this->connection(protocol);
        Bytes frame = framed(ip_packet(c.original, {.payload = Bytes(32, 1)}));
        frame.back() ^= 0x40;
        const PacketMeta meta = meta_of(c.original, frame, transport_kind(protocol, false));
        translate(frame.data(), meta, c, Direction::original);
        Bytes good = framed(ip_packet(c.reply.mirrored(), {.payload = Bytes(32, 1)}));
        good.back() ^= 0x40;
        EXPECT_EQ(frame, good) << static_cast<int>(protocol);
    }
}

TYPED_TEST(Nat, LaterFragmentsGetTheirAddressesOnly) {
    const auto c = this->connection(Protocol::udp);
    const Bytes payload(24, 0xab);
    const auto fragment = [&](const FlowKey<TypeParam>& key) {
        return framed(joined(ip_header(key, payload.size()), payload));
    };
    Bytes frame = fragment(c.original);
    const PacketMeta meta = meta_of(c.original, frame, Transport::later_fragment);
    translate(frame.data(), meta, c, Direction::original);
    EXPECT_EQ(frame, fragment(c.reply.mirrored()));
}

TYPED_TEST(Nat, AnUntranslatedConnectionChangesNothing) {
    for (const Protocol protocol : this->protocols) {
        auto c = this->connection(protocol);
        c.reply = c.original.mirrored();
        prepare_translation(c);
        EXPECT_FALSE(c.translated);
        this->round_trip(c, Direction::original, this->shape(false, false));
    }
}

TYPED_TEST(Nat, PrepareSeesATranslation) { EXPECT_TRUE(this->connection(Protocol::tcp).translated); }

}  // namespace
}  // namespace viaduct::test
