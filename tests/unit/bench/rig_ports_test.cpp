// Which devices rig and gateway open, and what they need of EAL and of the kernel.
#include <gtest/gtest.h>

#include <algorithm>

#include "bench/rig/cluster.h"
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

std::string config_for(const std::string& outside, const std::string& underlay, std::string* commands) {
    const World world({.services = 1, .backends = 2, .peers = 1}, Family::v4, Family::v4);
    const GatewaySettings settings{
        .directory = "/run/rig", .outside = outside, .underlay = underlay, .cpus = "1", .connections = 64};
    *commands = kernel_commands(world, settings);
    return gateway_config(world, settings);
}

TEST(RigCluster, PciPortsGetTwinsAndTwinsTheAddresses) {
    std::string commands;
    const std::string config = config_for("0000:01:00.0", "0000:01:00.1", &commands);
    EXPECT_NE(config.find("[port.outside]\ndevice = 0000:01:00.0\ntwin = outside\n"), std::string::npos) << config;
    EXPECT_NE(commands.find(" dev underlay\n"), std::string::npos) << commands;
}

TEST(RigCluster, AfXdpPortsKeepTheirInterfaces) {
    std::string commands;
    const std::string config = config_for("af_xdp:eth1", "af_xdp:eth2", &commands);
    EXPECT_EQ(config.find("twin"), std::string::npos) << config;
    EXPECT_NE(commands.find("link set eth1 up\nlink set eth2 up\n"), std::string::npos) << commands;
    EXPECT_NE(commands.find("route add 198.18.0.0/15 via "), std::string::npos) << commands;
    EXPECT_EQ(commands.find("dev outside"), std::string::npos) << commands;
}

}  // namespace
}  // namespace viaduct::rig
