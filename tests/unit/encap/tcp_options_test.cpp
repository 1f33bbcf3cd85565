// The MSS of SYNs, lowered without harm to anything else.
#include "encap/tcp_options.h"

#include <gtest/gtest.h>

#include "tests/unit/encap/parsing.h"

namespace viaduct::test {
namespace {

constexpr std::uint8_t nop = 1;

template <class T>
class TcpOptionsTest : public testing::Test {
protected:
    static Bytes syn(const Bytes& options, std::uint8_t flags = TcpHeader::syn) {
        return between_hosts<T>().tcp(4000, 80, flags).tcp_options(options).build();
    }
    /// The frame afterwards; its options must be `expected`, and all else right.
    static void expect_clamped(const Bytes& options, std::uint16_t max_mss, const Bytes& expected) {
        const Exact frame(syn(options));
        const PacketMeta meta = parsed(frame).meta;
        EXPECT_TRUE(clamp_mss(frame.data() + meta.transport_at, frame.size() - meta.transport_at, max_mss));
        EXPECT_EQ(frame.copy(), syn(expected));
    }
    static void expect_untouched(const Bytes& before, std::uint16_t max_mss) {
        const Exact frame(before);
        const PacketMeta meta = parsed(frame).meta;
        EXPECT_FALSE(clamp_mss(frame.data() + meta.transport_at, frame.size() - meta.transport_at, max_mss));
        EXPECT_EQ(frame.copy(), before);
    }
};
using Families = testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(TcpOptionsTest, Families);

TYPED_TEST(TcpOptionsTest, LowersWhatIsTooHigh) {
    this->expect_clamped({2, 4, 0x05, 0xb4}, 1410, {2, 4, 0x05, 0x82});
    this->expect_clamped({2, 4, 0xff, 0xff, 4, 2}, 536, {2, 4, 0x02, 0x18, 4, 2});
    this->expect_clamped({nop, nop, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 2, 4, 0x05, 0xb4}, 1000,
                         {nop, nop, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 2, 4, 0x03, 0xe8});
}

TYPED_TEST(TcpOptionsTest, AnOptionAtAnOddPlaceKeepsTheChecksumRight) {
    this->expect_clamped({nop, 2, 4, 0x05, 0xb4}, 1410, {nop, 2, 4, 0x05, 0x82});
    this->expect_clamped({3, 3, 7, 2, 4, 0x12, 0x34}, 0x0fff, {3, 3, 7, 2, 4, 0x0f, 0xff});
}

TYPED_TEST(TcpOptionsTest, EveryMssThereIs) {
    for (std::uint32_t mss = 537; mss <= 0xffff; mss += 13)
        this->expect_clamped({2, 4, static_cast<std::uint8_t>(mss >> 8U), static_cast<std::uint8_t>(mss)}, 536,
                             {2, 4, 0x02, 0x18});
}

TYPED_TEST(TcpOptionsTest, LeavesWhatFitsAndWhatIsNoSyn) {
    this->expect_untouched(this->syn({2, 4, 0x05, 0x82}), 1410);
    this->expect_untouched(this->syn({2, 4, 0x01, 0x00}), 1410);
    this->expect_untouched(this->syn({2, 4, 0x05, 0xb4}, TcpHeader::ack), 1410);
    this->expect_untouched(this->syn({nop, nop, nop, nop}), 1410);
    this->expect_untouched(this->syn({}), 1410);
}

TYPED_TEST(TcpOptionsTest, SynAckIsASyn) {
    const Exact frame(this->syn({2, 4, 0x05, 0xb4}, TcpHeader::syn | TcpHeader::ack));
    const PacketMeta meta = parsed(frame).meta;
    EXPECT_TRUE(clamp_mss(frame.data() + meta.transport_at, frame.size() - meta.transport_at, 1410));
    EXPECT_EQ(fault_in(frame.copy()), "");
}

TYPED_TEST(TcpOptionsTest, MalformedOptionsAreLeftAlone) {
    for (const Bytes& options :
         {Bytes{2, 3, 0xff, 0xff}, Bytes{2, 0, 0xff, 0xff}, Bytes{9, 1, 2, 4, 0xff, 0xff}, Bytes{9, 60, 2, 4},
          Bytes{nop, nop, nop, 2}, Bytes{nop, nop, 2, 4}, Bytes{0, 2, 4, 0xff, 0xff}, Bytes{2, 6, 0xff, 0xff, 0, 0}})
        this->expect_untouched(this->syn(options), 536);
}

TEST(TcpOptionsReadTest, NothingIsReadBeyondWhatIsThere) {
    const Bytes tcp = ip_packet(between_hosts<Ipv4>().tcp(1, 2, TcpHeader::syn).tcp_options({2, 4, 5, 180}).build());
    const Bytes segment(tcp.begin() + 20, tcp.end());
    for (std::size_t length = 0; length < segment.size(); ++length) {
        const Exact cut(segment, length);
        EXPECT_FALSE(clamp_mss(cut.data(), cut.size(), 536)) << length;
    }
}

TEST(TcpOptionsReadTest, OverheadPerFamily) {
    EXPECT_EQ(tcp_overhead<Ipv4>, 40);
    EXPECT_EQ(tcp_overhead<Ipv6>, 60);
}

}  // namespace
}  // namespace viaduct::test
