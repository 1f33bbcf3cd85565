// One hop less, with every checksum there is.
#include "encap/ttl.h"

#include <gtest/gtest.h>

#include "encap/checksum.h"

namespace viaduct {
namespace {

TEST(TtlTest, ChecksumOfAnyHeaderIsKeptRight) {
    Ipv4Header ip{};
    ip.version_ihl = 0x45;
    ip.protocol = Protocol::udp;
    for (std::uint32_t id = 0; id <= 0xffff; ++id) {  // takes the checksum through all its values
        ip.id = Be16(static_cast<std::uint16_t>(id));
        ip.ttl = static_cast<std::uint8_t>(id % 255 + 1);
        ip.checksum = Be16{};
        ip.checksum = finish(add_header(0, ip));
        decrement_ttl(ip);
        Ipv4Header again = ip;
        again.checksum = Be16{};
        ASSERT_EQ(ip.ttl, id % 255);
        ASSERT_EQ(ip.checksum, finish(add_header(0, again)));
    }
}

TEST(TtlTest, EveryTtlDownToZero) {
    Ipv4Header ip{};
    ip.version_ihl = 0x45;
    ip.ttl = 255;
    ip.checksum = finish(add_header(0, ip));
    for (int ttl = 254; ttl >= 0; --ttl) {
        decrement_ttl(ip);
        EXPECT_EQ(ip.ttl, ttl);
        EXPECT_EQ(fold(add_header(0, ip)), 0xffff);
        EXPECT_NE(ip.checksum.value(), 0xffff);
    }
}

TEST(TtlTest, HopLimit) {
    Ipv6Header ip{};
    ip.hop_limit = 2;
    decrement_ttl(ip);
    EXPECT_EQ(ip.hop_limit, 1);
}

}  // namespace
}  // namespace viaduct
