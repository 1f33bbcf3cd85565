// Where prefixes end and which follow.
#include "encap/prefixes.h"

#include <gtest/gtest.h>

#include "encap/net_text.h"

namespace viaduct {
namespace {

std::string last(const char* prefix) { return to_string(last_address(*parse_prefix(prefix))); }
std::string next(const char* prefix) {
    const auto next = next_prefix(*parse_prefix(prefix));
    return next ? to_string(*next) : "none";
}

TEST(Prefixes, EndWithAllHostBitsSet) {
    EXPECT_EQ(last("10.244.0.0/22"), "10.244.3.255");
    EXPECT_EQ(last("10.244.0.7/32"), "10.244.0.7");
    EXPECT_EQ(last("0.0.0.0/0"), "255.255.255.255");
    EXPECT_EQ(last("fd00:244::/47"), "fd00:244:1:ffff:ffff:ffff:ffff:ffff") << "an odd length";
    EXPECT_EQ(last("fd00::/64"), "fd00::ffff:ffff:ffff:ffff");
}

TEST(Prefixes, FollowOneAnother) {
    EXPECT_EQ(next("10.244.0.0/24"), "10.244.1.0/24");
    EXPECT_EQ(next("10.244.255.0/24"), "10.245.0.0/24") << "carried over two bytes";
    EXPECT_EQ(next("10.244.0.240/28"), "10.244.1.0/28");
    EXPECT_EQ(next("fd00:0:0:ffff::/64"), "fd00:0:1::/64");
    EXPECT_EQ(next("fd00::/128"), "fd00::1/128");
}

TEST(Prefixes, NothingFollowsTheLast) {
    EXPECT_EQ(next("255.255.255.0/24"), "none");
    EXPECT_EQ(next("0.0.0.0/0"), "none");
    EXPECT_EQ(next("ffff:ffff:ffff:ffff::/64"), "none");
}

}  // namespace
}  // namespace viaduct
