// Text and back.
#include "encap/net_text.h"

#include <gtest/gtest.h>

namespace viaduct {
namespace {

TEST(NetTextTest, AddressesComeBackInTheirCanonicalForm) {
    constexpr std::array<std::array<std::string_view, 2>, 10> rows{{
        {"10.0.0.1", "10.0.0.1"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"2001:DB8::0:1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // RFC 5952 §4.2.2: one zero group is not shortened
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // §4.2.3: the longest run is
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // and of two the first
        {"fe80:0000:0000:0000:0000:0000:0000:000a", "fe80::a"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
    }};
    for (const auto& [text, canonical] : rows) {
        const auto address = parse_ip(text);
        ASSERT_TRUE(address.has_value()) << text;
        EXPECT_EQ(to_string(*address), canonical);
        EXPECT_EQ(parse_ip(canonical), address);
    }
}

TEST(NetTextTest, WhatIsNoAddress) {
    using namespace std::string_view_literals;
    for (const std::string_view text :
         {""sv, "10.0.0"sv, "10.0.0.256"sv, "10.0.0.01"sv, "10.0.0.1 "sv, " 10.0.0.1"sv, "10.0.0.1\0x"sv, "1.2.3.4.5"sv,
          ":::"sv, "fe80::1%eth0"sv, "12345::"sv, "1:2:3:4:5:6:7"sv, "::1/64"sv, "localhost"sv, "0x7f.0.0.1"sv})
        EXPECT_FALSE(parse_ip(text).has_value()) << text;
}

TEST(NetTextTest, PrefixesAreCutToTheirLength) {
    constexpr std::array<std::array<std::string_view, 2>, 7> rows{{
        {"10.244.1.0/24", "10.244.1.0/24"},
        {"10.244.1.77/24", "10.244.1.0/24"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"192.0.2.1/32", "192.0.2.1/32"},
        {"::/0", "::/0"},
        {"2001:db8::1/64", "2001:db8::/64"},
        {"::ffff:10.1.2.3/104", "10.0.0.0/8"},
    }};
    for (const auto& [text, canonical] : rows) {
        const auto prefix = parse_prefix(text);
        ASSERT_TRUE(prefix.has_value()) << text;
        EXPECT_EQ(to_string(*prefix), canonical);
    }
    EXPECT_EQ(to_string(Prefix<Ipv4>(Ipv4(10, 1, 2, 3), 8)), "10.0.0.0/8");
}

TEST(NetTextTest, WhatIsNoPrefix) {
    for (const std::string_view text : {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8",
                                        "10.0.0.0/8/8", "/8", "::/129", "::/256", "::ffff:0:0/90", "10.0.0.0/8 "})
        EXPECT_FALSE(parse_prefix(text).has_value()) << text;
}

TEST(NetTextTest, Macs) {
    const auto mac = parse_mac("0E:5f:00:01:02:ff");
    ASSERT_TRUE(mac.has_value());
    EXPECT_EQ(to_string(*mac), "0e:5f:00:01:02:ff");
    for (const std::string_view text : {"", "0e:5f:00:01:02", "0e:5f:00:01:02:fg", "0e-5f-00-01-02-ff",
                                        "0e:5f:00:01:02:ff:", "0e5f:00:01:02:fff", "0e:5f:00:01:02: 1"})
        EXPECT_FALSE(parse_mac(text).has_value()) << text;
}

TEST(NetTextTest, Protocols) {
    EXPECT_EQ(to_string(Protocol::tcp), "TCP");
    EXPECT_EQ(to_string(Protocol::sctp), "SCTP");
    EXPECT_EQ(to_string(Protocol{47}), "47");
}

}  // namespace
}  // namespace viaduct
