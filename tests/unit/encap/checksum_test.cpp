// Sums and updates against the slow and obvious way.
#include "encap/checksum.h"

#include <gtest/gtest.h>

#include <random>

#include "encap/wire.h"
#include "tests/unit/encap/parsing.h"

namespace viaduct::test {
namespace {

constexpr int rounds = 1'000'000;

class ChecksumTest : public testing::Test {
protected:
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_()) % limit; }
    Bytes random_bytes(std::size_t length) {
        Bytes bytes(length);
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random_());
        return bytes;
    }
    /// All the words that behave specially, and some that do not.
    Be16 random_word() {
        constexpr std::array<std::uint16_t, 4> special{0x0000, 0xffff, 0x0001, 0xfffe};
        return below(2) == 0 ? Be16(special[below(4)]) : Be16(static_cast<std::uint16_t>(random_()));
    }
    std::mt19937_64 random_{20241};
};

TEST_F(ChecksumTest, AgreesWithTheNaiveSumOnAnyLengthAndAlignment) {
    const Bytes pool = random_bytes(4096);
    for (int i = 0; i < rounds; ++i) {
        const std::size_t at = below(2048), length = below(i % 64 == 0 ? 2048 : 80);
        const Bytes copy(pool.begin() + static_cast<std::ptrdiff_t>(at),
                         pool.begin() + static_cast<std::ptrdiff_t>(at + length));
        ASSERT_EQ(finish(add_bytes(0, pool.data() + at, length)).value(), naive_checksum(copy)) << at << '+' << length;
    }
}

TEST_F(ChecksumTest, ReadsNoByteBeyondTheLast) {
    for (std::size_t length = 0; length < 40; ++length) {
        const Exact bytes(random_bytes(length));
        EXPECT_EQ(finish(add_bytes(0, bytes.data(), length)).value(), naive_checksum(bytes.copy()));
    }
}

TEST_F(ChecksumTest, PiecesAddUp) {
    const Bytes bytes = random_bytes(1001);
    for (std::size_t cut = 0; cut < bytes.size(); cut += 2) {
        const std::uint64_t front = add_bytes(0, bytes.data(), cut);
        EXPECT_EQ(fold(add_bytes(front, bytes.data() + cut, bytes.size() - cut)),
                  fold(add_bytes(0, bytes.data(), bytes.size())));
    }
}

TEST_F(ChecksumTest, FoldKeepsTheDifferenceBetweenNothingAndMinusZero) {
    EXPECT_EQ(fold(0), 0);
    EXPECT_EQ(fold(0xffff), 0xffff);
    EXPECT_EQ(fold(0x1fffe), 0xffff);
    EXPECT_EQ(fold(~std::uint64_t{0}), 0xffff);
    EXPECT_EQ(fold(0xffffffff00000001), 1);
}

TEST_F(ChecksumTest, HeaderSumIsTheSumOfItsBytes) {
    const Bytes bytes = random_bytes(sizeof(Ipv6Header));
    EXPECT_EQ(fold(add_header(0, header_at<Ipv6Header>(bytes.data()))), fold(add_bytes(0, bytes.data(), bytes.size())));
}

template <Address A>
void check_pseudo_header(std::uint32_t length) {
    const auto source = [] {
        A a;
        for (unsigned i = 0; i < a.bytes.size(); ++i) a.bytes[i] = static_cast<std::uint8_t>(0xf0 + i);
        return a;
    }();
    const A destination{};
    Bytes expected(source.bytes.begin(), source.bytes.end());
    for (const unsigned byte : {length >> 24U, length >> 16U, length >> 8U, length, 0U, 0U, 0U, 17U})
        expected.push_back(static_cast<std::uint8_t>(byte));
    EXPECT_EQ(finish(pseudo_sum(source, destination, Protocol::udp, length)).value(), naive_checksum(expected));
}
TEST_F(ChecksumTest, PseudoHeaders) {
    for (const std::uint32_t length : {0U, 8U, 255U, 256U, 1500U, 65535U}) {
        check_pseudo_header<Ipv4>(length);
        check_pseudo_header<Ipv6>(length);
    }
    check_pseudo_header<Ipv6>(70000);
}

/// Twelve words of which the first is the checksum: −0 and +0 turn up often among so few.
struct Segment {
    std::array<Be16, 12> words{};
    void renew() {
        words[0] = Be16{};
        words[0] = finish(sum());
    }
    [[nodiscard]] std::uint64_t sum() const {
        std::uint64_t sum = 0;
        for (const Be16 word : words) sum += sum_of(word);
        return sum;
    }
    [[nodiscard]] bool verifies() const { return fold(sum()) == 0xffff; }
};

TEST_F(ChecksumTest, UpdateEqualsFullRecomputation) {
    for (int i = 0; i < rounds; ++i) {
        Segment segment;
        segment.words[11] = Be16(1);  // as in a real header, something is never zero
        for (unsigned w = 1; w < 6; ++w) segment.words[w] = random_word();
        segment.renew();
        ChecksumDelta delta;
        for (unsigned w = 1 + below(5); w < 6; ++w) {
            const Be16 after = random_word();
            delta.change(segment.words[w], after);
            segment.words[w] = after;
        }
        apply(segment.words[0], delta.value());
        const Be16 updated = segment.words[0];
        segment.renew();
        ASSERT_EQ(updated, segment.words[0]);
        ASSERT_NE(updated.value(), 0xffff);
    }
}

TEST_F(ChecksumTest, DeltaOfManyFieldsServesManySegments) {
    for (int i = 0; i < rounds / 10; ++i) {
        const Bytes bytes = random_bytes(2 * sizeof(Ipv6Header));
        const auto& before = header_at<Ipv6Header>(bytes.data());
        const auto& after = header_at<Ipv6Header>(bytes.data() + sizeof(Ipv6Header));
        ChecksumDelta delta;
        delta.change(before.source, after.source);
        delta.change(before.payload_length, after.payload_length);
        Be16 checksum = finish(sum_of(before.source) + sum_of(before.payload_length) + 12345);
        apply(checksum, delta.value());
        ASSERT_EQ(checksum, finish(sum_of(after.source) + sum_of(after.payload_length) + 12345));
    }
}

TEST_F(ChecksumTest, NegationUndoes) {
    for (int i = 0; i < rounds; ++i) {
        Segment segment;
        for (unsigned w = 1; w < 4; ++w) segment.words[w] = random_word();
        segment.words[11] = Be16(1);
        segment.renew();
        if (segment.words[0].raw() == 0 && below(2) == 0) segment.words[0] = Be16(0xffff);  // TCP: just as good
        const Be16 old = segment.words[1], after = random_word();
        ChecksumDelta delta;
        delta.change(old, after);
        segment.words[1] = after;
        apply(segment.words[0], delta.value());
        ASSERT_TRUE(segment.verifies());
        segment.words[1] = old;
        apply(segment.words[0], negated(delta.value()));
        ASSERT_TRUE(segment.verifies());
    }
}

TEST_F(ChecksumTest, CombinedDeltasAreBothDeltas) {
    for (int i = 0; i < rounds / 10; ++i) {
        ChecksumDelta a, b, both;
        const Be16 u = random_word(), v = random_word(), x = random_word(), y = random_word();
        a.change(u, v), both.change(u, v);
        b.change(x, y), both.change(x, y);
        Be16 one = random_word(), other = one;
        apply(one, combined(a.value(), b.value()));
        apply(other, both.value());
        ASSERT_EQ(one, other);
    }
}

TEST_F(ChecksumTest, EveryChecksumSurvivesEveryDelta) {
    for (std::uint32_t checksum = 0; checksum <= 0xffff; ++checksum)
        for (const unsigned delta : {0x0000U, 0x0001U, 0x7fffU, 0x8000U, 0xfffeU, 0xffffU}) {
            Be16 field = Be16::from_raw(static_cast<std::uint16_t>(checksum));
            apply(field, static_cast<std::uint16_t>(delta));
            const std::uint32_t expected = (0xffffU - checksum + delta) % 0xffffU;
            ASSERT_EQ((0xffffU - field.raw()) % 0xffffU, expected);
        }
}

TEST_F(ChecksumTest, ADeltaOfZeroChangesNothing) {
    for (const unsigned value : {0x0000U, 0x1234U, 0xffffU}) {
        Be16 checksum(static_cast<std::uint16_t>(value));
        apply(checksum, 0);
        EXPECT_EQ(checksum.value(), value);
    }
}

TEST_F(ChecksumTest, UdpWithoutChecksumStaysWithout) {
    ChecksumDelta delta;
    delta.change(Be16(1), Be16(2));
    Be16 checksum{};
    apply_udp(checksum, delta.value());
    EXPECT_EQ(checksum.value(), 0);
}

TEST_F(ChecksumTest, UdpUpdateEqualsFullRecomputationAndIsNeverNone) {
    for (int i = 0; i < rounds; ++i) {
        const std::uint64_t rest = 1 + below(0xffff);
        const Be16 before = random_word();
        const Be16 after = below(4) == 0 ? finish(rest) : random_word();  // computes to 0
        ChecksumDelta delta;
        delta.change(before, after);
        Be16 checksum = finish_udp(rest + sum_of(before));
        apply_udp(checksum, delta.value());
        ASSERT_EQ(checksum, finish_udp(rest + sum_of(after)));
        ASSERT_NE(checksum.raw(), 0);
    }
}

}  // namespace
}  // namespace viaduct::test
