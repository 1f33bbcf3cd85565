// Netlink against a real kernel, in a network namespace of each test's own. Needs root and iproute2.
#include <gtest/gtest.h>
#include <netlink/errno.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "control/kernel/kernel_changes.h"
#include "control/kernel/kernel_watcher.h"
#include "encap/net_text.h"

namespace viaduct {
namespace {

using namespace std::chrono_literals;

/// Follows `ip` commands in a fresh namespace with a veth pair left–right, both ends up.
class KernelTest : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(unshare(CLONE_NEWNET), 0) << "run as root";
        ip("link set lo up");
        ip("link add left address 02:00:00:00:00:0a type veth peer name right address 02:00:00:00:00:0b");
        ip("link set left up");
        ip("link set right up");
    }
    void TearDown() override {
        if (std::filesystem::exists("/run/netns/viaduct-kernel-test")) ip("netns del viaduct-kernel-test");
    }
    static void ip(const std::string& arguments) {
        ASSERT_EQ(std::system(("ip " + arguments).c_str()), 0) << arguments;
    }

    /// Processes events until `wanted` holds for the state or half a minute has passed.
    template <class Wanted>
    static bool wait_until(KernelWatcher& kernel, Wanted wanted) {
        const auto end = std::chrono::steady_clock::now() + 30s;
        while (!wanted(kernel.state())) {
            if (std::chrono::steady_clock::now() > end) return false;
            pollfd ready{kernel.fd(), POLLIN, 0};
            if (poll(&ready, 1, 100) > 0) kernel.process();
        }
        return true;
    }
    static const KernelRoute* route(const KernelState& state, const std::string& prefix) {
        const auto found = std::ranges::find_if(
            state.routes, [&](const KernelRoute& r) { return r.table == 254 && to_string(r.prefix) == prefix; });
        return found == state.routes.end() ? nullptr : &*found;
    }
    static const KernelNeighbour* neighbour(const KernelState& state, const std::string& address) {
        const auto found = std::ranges::find(state.neighbours, *parse_ip(address), &KernelNeighbour::address);
        return found == state.neighbours.end() ? nullptr : &*found;
    }
    static bool has_address(const KernelState& state, const std::string& address) {
        return std::ranges::find(state.addresses, *parse_ip(address), &KernelAddress::address) != state.addresses.end();
    }
};

TEST_F(KernelTest, DumpsInterfaces) {
    const KernelWatcher kernel;
    const KernelInterface* left = kernel.state().interface_of("left");
    ASSERT_NE(left, nullptr);
    EXPECT_EQ(left->kind, "veth");
    EXPECT_EQ(to_string(left->mac), "02:00:00:00:00:0a");
    EXPECT_EQ(left->mtu, 1500);
    EXPECT_TRUE(left->up);
    EXPECT_EQ(kernel.state().interface_of(left->index), left);
    EXPECT_EQ(kernel.state().interface_of("nosuch"), nullptr);
}

TEST_F(KernelTest, FollowsInterfaces) {
    KernelWatcher kernel;
    EXPECT_FALSE(kernel.process());
    ip("link set left mtu 1400 down");
    EXPECT_TRUE(wait_until(kernel, [](const KernelState& s) {
        return s.interface_of("left")->mtu == 1400 && !s.interface_of("left")->up;
    }));
    ip("link del left");
    EXPECT_TRUE(wait_until(kernel, [](const KernelState& s) { return s.interface_of("left") == nullptr; }));
}

TEST_F(KernelTest, FollowsAddressesOfBothFamilies) {
    KernelWatcher kernel;
    ip("addr add 192.0.2.1/24 dev left");
    ip("addr add 2001:db8::1/64 dev left nodad");
    EXPECT_TRUE(wait_until(
        kernel, [](const KernelState& s) { return has_address(s, "192.0.2.1") && has_address(s, "2001:db8::1"); }));
    const auto v4 = std::ranges::find(kernel.state().addresses, *parse_ip("192.0.2.1"), &KernelAddress::address);
    EXPECT_EQ(to_string(v4->subnet()), "192.0.2.0/24");
    EXPECT_FALSE(v4->link_local);
    ip("addr flush dev left");
    EXPECT_TRUE(wait_until(
        kernel, [](const KernelState& s) { return !has_address(s, "192.0.2.1") && !has_address(s, "2001:db8::1"); }));
}

TEST_F(KernelTest, LeavesOutAddressesThatAreNotOursYet) {
    ip("addr add 2001:db8::1/64 dev left");  // tentative while duplicate detection runs
    KernelWatcher kernel;
    EXPECT_FALSE(has_address(kernel.state(), "2001:db8::1"));
    EXPECT_TRUE(wait_until(kernel, [](const KernelState& s) { return has_address(s, "2001:db8::1"); }));
}

TEST_F(KernelTest, FollowsRoutesOfBothFamilies) {
    ip("addr add 192.0.2.1/24 dev left");
    ip("addr add 2001:db8::1/64 dev left nodad");
    KernelWatcher kernel;
    ip("route add default via 192.0.2.254");
    ip("route add 198.51.100.0/24 via 192.0.2.254 metric 50");
    ip("route add 198.51.100.0/24 via 192.0.2.253 metric 10");
    ip("route add unreachable 203.0.113.0/24");
    ip("-6 route add 2001:db8:1::/48 via 2001:db8::fe");
    ASSERT_TRUE(wait_until(kernel, [](const KernelState& s) { return route(s, "2001:db8:1::/48") != nullptr; }));
    const KernelState& state = kernel.state();
    EXPECT_EQ(to_string(route(state, "0.0.0.0/0")->gateway), "192.0.2.254");
    EXPECT_EQ(to_string(route(state, "198.51.100.0/24")->gateway), "192.0.2.253") << "the lowest metric wins";
    EXPECT_EQ(route(state, "203.0.113.0/24")->type, KernelRoute::Type::unreachable);
    EXPECT_EQ(to_string(route(state, "2001:db8:1::/48")->gateway), "2001:db8::fe");
    EXPECT_TRUE(route(state, "192.0.2.0/24")->gateway.is_unspecified());
    EXPECT_EQ(route(state, "192.0.2.0/24")->interface, state.interface_of("left")->index);
}

TEST_F(KernelTest, KnowsItsLocalAddressesAsRoutes) {
    ip("addr add 192.0.2.1/24 dev left");
    const KernelWatcher kernel;
    const auto local = std::ranges::find_if(kernel.state().routes, [](const KernelRoute& r) {
        return r.table == 255 && to_string(r.prefix) == "192.0.2.1/32";
    });
    ASSERT_NE(local, kernel.state().routes.end());
    EXPECT_EQ(local->type, KernelRoute::Type::local);
}

TEST_F(KernelTest, TakesTheFirstLiveNextHopOfAMultipathRoute) {
    ip("addr add 192.0.2.1/24 dev left");
    ip("addr add 2001:db8::1/64 dev left nodad");
    ip("route add 198.51.100.0/24 nexthop via 192.0.2.2 nexthop via 192.0.2.3");
    ip("-6 route add 2001:db8:1::/48 nexthop via 2001:db8::2 nexthop via 2001:db8::3");
    KernelWatcher kernel;
    EXPECT_EQ(to_string(route(kernel.state(), "198.51.100.0/24")->gateway), "192.0.2.2");
    EXPECT_EQ(to_string(route(kernel.state(), "2001:db8:1::/48")->gateway), "2001:db8::2");
    ip("-6 route del 2001:db8:1::/48 via 2001:db8::2");
    EXPECT_TRUE(wait_until(
        kernel, [](const KernelState& s) { return to_string(route(s, "2001:db8:1::/48")->gateway) == "2001:db8::3"; }));
}

TEST_F(KernelTest, NoticesRoutesThatVanishUnannounced) {
    ip("addr add 192.0.2.1/24 dev left");
    ip("route add 198.51.100.0/24 via 192.0.2.254");
    KernelWatcher kernel;
    ASSERT_NE(route(kernel.state(), "198.51.100.0/24"), nullptr);
    ip("link set left down");  // the kernel drops IPv4 routes here and announces the link alone
    EXPECT_TRUE(wait_until(kernel, [](const KernelState& s) { return route(s, "198.51.100.0/24") == nullptr; }));
}

TEST_F(KernelTest, TellsUsableNeighboursFromOthers) {
    ip("addr add 192.0.2.1/24 dev left");
    KernelWatcher kernel;
    ip("neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 nud permanent dev left");
    ip("neigh add 192.0.2.3 lladdr 02:00:00:00:00:03 nud stale dev left");
    ip("neigh add 192.0.2.4 lladdr 02:00:00:00:00:04 nud failed dev left");
    ip("neigh add 2001:db8::2 lladdr 02:00:00:00:00:06 nud reachable dev left");
    ASSERT_TRUE(wait_until(kernel, [](const KernelState& s) { return neighbour(s, "2001:db8::2") != nullptr; }));
    EXPECT_TRUE(neighbour(kernel.state(), "192.0.2.2")->usable);
    EXPECT_TRUE(neighbour(kernel.state(), "192.0.2.3")->usable);
    EXPECT_TRUE(neighbour(kernel.state(), "2001:db8::2")->usable);
    const KernelNeighbour* failed = neighbour(kernel.state(), "192.0.2.4");
    EXPECT_TRUE(failed == nullptr || !failed->usable);
    ip("neigh del 192.0.2.2 dev left");
    EXPECT_TRUE(wait_until(kernel, [](const KernelState& s) { return neighbour(s, "192.0.2.2") == nullptr; }));
}

TEST_F(KernelTest, ResolvesNeighboursOfBothFamilies) {
    ip("netns add viaduct-kernel-test");
    ip("link set right netns viaduct-kernel-test");
    ip("-n viaduct-kernel-test addr add 192.0.2.2/24 dev right");
    ip("-n viaduct-kernel-test addr add 2001:db8::2/64 dev right nodad");
    ip("-n viaduct-kernel-test link set right up");
    ip("addr add 192.0.2.1/24 dev left");
    ip("addr add 2001:db8::1/64 dev left nodad");
    KernelWatcher kernel;
    const unsigned left = kernel.state().interface_of("left")->index;
    EXPECT_TRUE(wait_until(kernel, [](const KernelState& s) { return s.interface_of("left")->has_carrier; }));
    EXPECT_TRUE(kernel.resolve(left, *parse_ip("192.0.2.2")));
    EXPECT_TRUE(kernel.resolve(left, *parse_ip("2001:db8::2")));
    EXPECT_TRUE(wait_until(kernel, [](const KernelState& s) {
        const KernelNeighbour *v4 = neighbour(s, "192.0.2.2"), *v6 = neighbour(s, "2001:db8::2");
        return v4 != nullptr && v4->usable && v6 != nullptr && v6->usable;
    }));
    EXPECT_EQ(to_string(neighbour(kernel.state(), "192.0.2.2")->mac), "02:00:00:00:00:0b");
    EXPECT_FALSE(kernel.resolve(9999, *parse_ip("192.0.2.2"))) << "no such interface";
}

TEST_F(KernelTest, LeavesFixedNeighboursAlone) {
    ip("addr add 192.0.2.1/24 dev left");
    ip("addr add 2001:db8::1/64 dev left nodad");
    ip("neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 nud permanent dev left");
    ip("neigh add 2001:db8::2 lladdr 02:00:00:00:00:06 nud permanent dev left");
    KernelWatcher kernel;
    const unsigned left = kernel.state().interface_of("left")->index;
    for (const char* address : {"192.0.2.2", "2001:db8::2"}) {
        EXPECT_TRUE(kernel.resolve(left, *parse_ip(address)));
        EXPECT_TRUE(neighbour(KernelWatcher().state(), address)->fixed) << address;
    }
}

TEST_F(KernelTest, LeavesAloneWhatWasFixedSinceItLastRead) {
    ip("addr add 192.0.2.1/24 dev left");
    ip("addr add 2001:db8::1/64 dev left nodad");
    ip("neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 nud stale dev left");
    KernelWatcher kernel;
    const unsigned left = kernel.state().interface_of("left")->index;
    for (const char* address : {"192.0.2.2", "192.0.2.3", "2001:db8::2"}) {
        ip("neigh replace " + std::string(address) + " lladdr 02:00:00:00:00:09 nud permanent dev left");
        EXPECT_TRUE(kernel.resolve(left, *parse_ip(address)));
        EXPECT_TRUE(neighbour(KernelWatcher().state(), address)->fixed) << address;
    }
}

// The gateway asks for many neighbours while an operator fixes them: each either was asked for before, or is left
// alone.
TEST_F(KernelTest, LosesNoNeighbourThatIsFixedMeanwhile) {
    ip("addr add 198.18.0.1/16 dev left");
    std::ofstream("/proc/sys/net/ipv4/neigh/left/mcast_solicit") << 120;  // seconds, in which none of them fails
    const std::string path = "/tmp/viaduct-kernel-test.batch";
    std::ofstream batch(path);
    const auto address = [](int i) { return "198.18.1." + std::to_string(i); };
    for (int i = 1; i < 255; ++i)
        batch << "neigh replace " << address(i) << " lladdr 02:00:00:00:00:09 nud permanent dev left\n";
    batch.close();
    KernelWatcher kernel;
    const unsigned left = kernel.state().interface_of("left")->index;
    std::thread operator_([&] { ip("-batch " + path); });
    for (int round = 0; round < 10; ++round)
        for (int i = 254; i > 0; --i) EXPECT_TRUE(kernel.resolve(left, *parse_ip(address(i))));
    operator_.join();
    unlink(path.c_str());
    const KernelWatcher after;
    EXPECT_EQ(std::ranges::count_if(
                  after.state().neighbours,
                  [](const KernelNeighbour& n) { return n.fixed && to_string(n.mac) == "02:00:00:00:00:09"; }),
              254);
}

TEST_F(KernelTest, SurvivesLostEvents) {
    KernelWatcher kernel;
    std::ofstream batch("/tmp/viaduct-kernel-test.batch");
    for (int i = 0; i < 6000; ++i) batch << "route add 198.18." << i / 250 << '.' << i % 250 << "/32 dev left\n";
    batch.close();
    ip("-batch /tmp/viaduct-kernel-test.batch");
    unlink("/tmp/viaduct-kernel-test.batch");
    EXPECT_TRUE(wait_until(kernel, [](const KernelState& s) { return s.routes.size() > 6000; }));
}

TEST_F(KernelTest, ConfiguresAHostInterface) {
    ip("tuntap add host0 mode tap");
    KernelWatcher kernel;
    KernelChanges changes;
    const unsigned host = kernel.state().interface_of("host0")->index;
    for (int repeated = 0; repeated < 2; ++repeated) {
        changes.set_mtu(host, 1450);
        changes.set_link_up(host);
        changes.add_address(host, *parse_ip("10.244.9.0"), 32);
        changes.add_address(host, *parse_ip("fd00:9::"), 128);
        changes.replace_route(*parse_prefix("10.244.0.0/16"), host, parse_ip("10.244.9.0"));
        changes.replace_route(*parse_prefix("fd00::/16"), host, parse_ip("fd00:9::"));
    }
    kernel.process();
    const KernelState& state = kernel.state();
    EXPECT_TRUE(state.interface_of("host0")->up);
    EXPECT_EQ(state.interface_of("host0")->mtu, 1450);
    EXPECT_TRUE(has_address(state, "10.244.9.0"));
    EXPECT_TRUE(has_address(state, "fd00:9::"));
    ASSERT_NE(route(state, "10.244.0.0/16"), nullptr);
    EXPECT_EQ(route(state, "10.244.0.0/16")->interface, host);
    ASSERT_NE(route(state, "fd00::/16"), nullptr);
    EXPECT_EQ(route(state, "fd00::/16")->interface, host);
}

TEST_F(KernelTest, NamesWhatTheKernelRefusedAndTheRemedy) {
    KernelChanges changes;
    try {
        changes.set_link_up(9999);
        FAIL() << "no such interface";
    } catch (const NetlinkError& error) {
        EXPECT_EQ(error.code(), NLE_NODEV);
        EXPECT_NE(std::string(error.what()).find("cannot set interface 9999 up"), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find("check `ip link`"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace viaduct
