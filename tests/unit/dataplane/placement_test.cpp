// Where threads run, how long idle ones sleep, and what a port's configuration means.
#include "dataplane/placement.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "dataplane/idle.h"
#include "dataplane/kernel_twin.h"
#include "dataplane/packet_pool.h"

namespace viaduct {
namespace {

using Cpus = std::vector<unsigned>;

TEST(Placement, LeavesTheFirstCpuToTheControlThread) {
    const Placement placement = place({2, 3, 7}, {}, 0);
    EXPECT_EQ(placement.workers, (Cpus{3, 7}));
    EXPECT_EQ(placement.control, Cpus{2});
}

TEST(Placement, OneCpuServesAll) {
    const Placement placement = place({5}, {}, 0);
    EXPECT_EQ(placement.workers, Cpus{5});
    EXPECT_EQ(placement.control, Cpus{5});
}

TEST(Placement, MoreWorkersThanCpusTakeTurns) {
    EXPECT_EQ(place({0, 1}, {}, 2).workers, (Cpus{1, 0}));
    EXPECT_EQ(place({0, 1}, {}, 3).workers, (Cpus{1, 0, 1}));
}

TEST(Placement, WantedCpusAreTakenAsListed) {
    EXPECT_EQ(place({0, 1, 2, 130}, {130, 1}, 0).workers, (Cpus{130, 1}));
    EXPECT_THROW((void)place({0, 1}, {4}, 0), std::invalid_argument);
    EXPECT_THROW((void)place({0, 1}, {}, 33), std::invalid_argument);
}

TEST(IdleBackoff, SleepsLongerAndLongerUntilThereIsWork) {
    using std::chrono::microseconds;
    IdleBackoff idle({.spin = false, .max_sleep = microseconds(5)});
    for (unsigned i = 1; i < IdleBackoff::patience; ++i) EXPECT_EQ(idle.after(false), microseconds(0));
    for (const int expected : {1, 2, 4, 5, 5}) EXPECT_EQ(idle.after(false), microseconds(expected));
    EXPECT_EQ(idle.after(true), microseconds(0));
    EXPECT_EQ(idle.after(false), microseconds(0));
}

TEST(IdleBackoff, SpinningNeverSleeps) {
    IdleBackoff idle({.spin = true});
    for (unsigned i = 0; i < 3 * IdleBackoff::patience; ++i) EXPECT_EQ(idle.after(false).count(), 0);
}

TEST(Device, IsAnInterfaceOrWhatDpdkUnderstands) {
    const Device shared = parse_device("af_xdp:eth0,force_copy=1");
    EXPECT_TRUE(shared.is_af_xdp());
    EXPECT_EQ(shared.interface, "eth0");
    EXPECT_EQ(shared.name, "net_af_xdp_eth0");
    EXPECT_EQ(shared.arguments, "force_copy=1");
    const Device memif = parse_device("net_memif0,role=client,id=3");
    EXPECT_EQ(memif.name, "net_memif0");
    EXPECT_EQ(memif.arguments, "role=client,id=3");
    EXPECT_FALSE(memif.is_pci());
    EXPECT_TRUE(parse_device("0000:3b:00.1,mprq_en=1").is_pci());
    EXPECT_TRUE(parse_device("3b:00.1").is_pci());
}

TEST(KernelTwin, BelongsToDevicesThatLinuxHasLost) {
    EXPECT_EQ(twin_interface({.name = "up", .device = "0000:3b:00.1"}), "vd-up");
    EXPECT_EQ(twin_interface({.name = "a-rather-long-name", .device = "net_memif0"}), "vd-a-rather-lon");
    EXPECT_EQ(twin_interface({.name = "up", .device = "af_xdp:eth0"}), std::nullopt);
    EXPECT_EQ(twin_interface({.name = "up", .device = "0000:3b:00.1", .twin = "off"}), std::nullopt);
    EXPECT_EQ(twin_interface({.name = "up", .device = "net_null0", .twin = "tap7"}), "tap7");
}

TEST(KernelTwin, HasThePortsIdentity) {
    PortFacts port;
    port.name = "up";
    port.mac = {{2, 0, 0, 0, 0, 9}};
    port.mtu = 9000;
    const PortOptions twin = twin_options(port, "vd-up", 4);
    EXPECT_EQ(twin.device, "net_tap4,iface=vd-up,mac=02:00:00:00:00:09");
    EXPECT_EQ(twin.mtu, 9000);
    EXPECT_TRUE(twin.host);
}

TEST(PacketPool, LargeFramesGetLargeBuffers) {
    EXPECT_EQ(PoolNeeds{}.room(), 2048 + 128);
    EXPECT_GE((PoolNeeds{.mtu = 9000}.room()), 9000 + 128 + 256);
    EXPECT_GT(largest_af_xdp_mtu(), 3000U);
    EXPECT_LT(largest_af_xdp_mtu(), 3600U);
    EXPECT_GT((PoolNeeds{.queues = 8}.memory_mib()), PoolNeeds{}.memory_mib());
}

}  // namespace
}  // namespace viaduct
