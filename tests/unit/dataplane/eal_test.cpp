// EAL: its command line, and that a test program has packet buffers.
#include "dataplane/eal.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <algorithm>

#include "tests/support/eal_environment.h"

namespace viaduct {
namespace {

bool has(const std::vector<std::string>& arguments, const char* wanted) {
    return std::ranges::find(arguments, wanted) != arguments.end();
}

TEST(EalArguments, WithoutHugepagesMemoryIsGivenAndNothingIsShared) {
    const auto arguments = eal_arguments({.memory_mib = 300, .control_cpu = 130});
    EXPECT_TRUE(has(arguments, "--no-huge"));
    EXPECT_TRUE(has(arguments, "--no-shconf"));
    EXPECT_TRUE(has(arguments, "300"));
    EXPECT_TRUE(has(arguments, "--lcores=0@130"));
    EXPECT_TRUE(has(arguments, "--no-pci"));
    EXPECT_FALSE(has(arguments, "--in-memory"));
}

TEST(EalArguments, HugepagesAreAnonymous) {
    const auto arguments = eal_arguments({.hugepages = true, .pci_devices = {"0000:01:00.0"}});
    EXPECT_TRUE(has(arguments, "--in-memory"));
    EXPECT_TRUE(has(arguments, "0000:01:00.0"));
    EXPECT_FALSE(has(arguments, "--no-huge"));
    EXPECT_FALSE(has(arguments, "--no-pci"));
}

TEST(Eal, StartsWithAPoolWhoseBuffersComeBack) {
    ASSERT_NE(test_pool(), nullptr);
    rte_mbuf* mbuf = rte_pktmbuf_alloc(test_pool());
    ASSERT_NE(mbuf, nullptr);
    EXPECT_GE(rte_pktmbuf_headroom(mbuf), 84);  // VXLAN over IPv6 goes in front
    rte_pktmbuf_free(mbuf);
}

}  // namespace
}  // namespace viaduct
