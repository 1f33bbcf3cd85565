// Which devices the rig opens, and how EAL starts for them.
#include <gtest/gtest.h>

#include <algorithm>

#include "bench/rig/links.h"
#include "bench/rig/ports.h"

namespace viaduct::rig {
namespace {

constexpr std::uint64_t plenty = std::uint64_t{1} << 30U;

using Arguments = std::vector<std::string>;
bool has(const Arguments& arguments, const std::string& one) {
    return std::ranges::find(arguments, one) != arguments.end();
}

TEST(RigPorts, PciDevicesAreNamedToEal) {
    const EalOptions options = eal_options({"0000:02:00.0", "02:00.1,rx_db_nc=1"}, 3, plenty);
    EXPECT_TRUE(options.hugepages);
    const Arguments arguments = eal_arguments(options);
    EXPECT_FALSE(has(arguments, "--no-pci"));
    EXPECT_TRUE(has(arguments, "--lcores=0@3"));
    const Arguments wanted{"-a", "0000:02:00.0", "-a", "02:00.1,rx_db_nc=1"};
    EXPECT_NE(std::search(arguments.begin(), arguments.end(), wanted.begin(), wanted.end()), arguments.end());
}

TEST(RigPorts, OthersLeaveThePciBusAlone) {
    const EalOptions options = eal_options({"net_memif0,role=client", "net_memif1,role=client"}, 0, plenty);
    EXPECT_TRUE(has(eal_arguments(options), "--no-pci"));
    EXPECT_TRUE(has(eal_arguments(options), "--in-memory"));
    EXPECT_FALSE(eal_options({"net_memif0"}, 0, plenty / 8).hugepages) << "too few are free";
}

TEST(RigPorts, VirtioUserSharesItsMemoryByOneFile) {
    EXPECT_TRUE(has(eal_arguments(eal_options({"net_virtio_user0,path=/x", "net_memif0"}, 0, plenty)), "--no-huge"));
}

TEST(RigPorts, BothEndsOfALinkMeet) {
    const Link memif = link_of("memif", "/run/rig", Side::underlay),
               vhost = link_of("vhost", "/run/rig", Side::outside);
    EXPECT_TRUE(memif.gateway.starts_with("net_memif1,role=server,socket=/run/rig/underlay.memif,")) << memif.gateway;
    EXPECT_TRUE(memif.rig.starts_with("net_memif1,role=client,socket=/run/rig/underlay.memif,")) << memif.rig;
    EXPECT_EQ(vhost.gateway, "net_vhost0,iface=/run/rig/outside.vhost");
    EXPECT_TRUE(vhost.rig.starts_with("net_virtio_user0,path=/run/rig/outside.vhost,")) << vhost.rig;
    EXPECT_EQ(link_of("veth", "/run/rig", Side::outside).gateway, "af_xdp:outside");
    EXPECT_NE(link_commands("veth").find("type veth peer name rig-underlay"), std::string::npos);
    EXPECT_EQ(link_commands("vhost"), "");
}

}  // namespace
}  // namespace viaduct::rig
