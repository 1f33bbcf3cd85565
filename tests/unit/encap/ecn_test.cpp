// Congestion marks through the tunnel, all sixteen combinations (RFC 6040).
#include "encap/ecn.h"

#include <gtest/gtest.h>

#include "tests/unit/encap/parsing.h"

namespace viaduct::test {
namespace {

constexpr std::uint8_t dscp = 0xb8;  // expedited forwarding, in its place in the TOS byte

/// What leaves the tunnel, worded as RFC 6040 §4.2 does.
std::uint8_t expected(std::uint8_t inner, std::uint8_t outer) {
    if (inner == ecn::not_ect) return outer == ecn::ce ? ecn::drop : ecn::not_ect;
    if (outer == ecn::ce) return ecn::ce;
    if (inner == ecn::ect0 && outer == ecn::ect1) return ecn::ect1;
    return inner;
}

template <Address A>
void decapsulate_all() {
    for (std::uint8_t inner = 0; inner < 4; ++inner)
        for (std::uint8_t outer = 0; outer < 4; ++outer) {
            const auto tos = static_cast<std::uint8_t>(dscp | inner);
            const Bytes before =
                ip_packet(PacketBuilder().ethernet().ip(hosts<A>.a, hosts<A>.b).tos(tos).udp(1, 2).payload(9).build());
            const Exact packet(before);
            const std::uint8_t after = expected(inner, outer);
            const bool kept = decapsulate_ecn(packet.data(), family_of<A>, static_cast<std::uint8_t>(0x24U | outer));
            EXPECT_EQ(kept, after != ecn::drop) << +inner << +outer;
            EXPECT_EQ(tos_of(packet.data(), family_of<A>), kept ? dscp | after : tos) << +inner << +outer;
            EXPECT_EQ(fault_in_ip(packet.copy()), "");
        }
}
TEST(EcnTest, DecapsulatesAllCombinationsOverIpv4) { decapsulate_all<Ipv4>(); }
TEST(EcnTest, DecapsulatesAllCombinationsOverIpv6) { decapsulate_all<Ipv6>(); }

TEST(EcnTest, TableIsTheRfcs) {
    for (std::uint8_t inner = 0; inner < 4; ++inner)
        for (std::uint8_t outer = 0; outer < 4; ++outer)
            EXPECT_EQ(decapsulated_ecn[inner][outer], expected(inner, outer));
}

TEST(EcnTest, FlowLabelSurvivesAMark) {
    Ipv6Header ip{};
    ip.version_class_label = Be32(0x6b8abcdeU);
    set_ecn(ip, ecn::ce);
    EXPECT_EQ(ip.version_class_label.value(), 0x6bbabcdeU);
}

TEST(EcnTest, EncapsulationCopiesTheEcnField) {
    for (std::uint8_t codepoint = 0; codepoint < 4; ++codepoint) {
        const auto inner = static_cast<std::uint8_t>(dscp | codepoint);
        EXPECT_EQ(OuterTos::uniform().of(inner), inner);
        EXPECT_EQ(OuterTos::pipe(10).of(inner), 40 | codepoint);
    }
}

}  // namespace
}  // namespace viaduct::test
