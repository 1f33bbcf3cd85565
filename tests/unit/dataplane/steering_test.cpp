// Steering: what a snapshot asks for, and what the XDP program in the kernel then does with packets.
#include "dataplane/steering.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/socket.h>

#include <algorithm>

#include "tests/unit/dataplane/world.h"

namespace viaduct::test {
namespace {

template <class Key>
bool has(const std::vector<Key>& keys, const Key& wanted) {
    return std::ranges::binary_search(keys, wanted);
}

SteeringEntries entries_of(const DesiredState& desired) {
    return steering_entries(*SnapshotBuilder().build(desired, nullptr));
}

template <class A>
struct Steered : testing::Test {};
using Families = testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(Steered, Families);

TYPED_TEST(Steered, ServicesEndpointsAndPodsAreListed) {
    using P = Place<TypeParam>;
    const SteeringEntries entries = entries_of(desired_world());
    EXPECT_TRUE(has(entries.addresses, IpAddress(P::vip).v6()));
    EXPECT_TRUE(has(entries.ports, SteeredPort{IpAddress(P::gateway_outside).v6(), Be16(30080), Protocol::tcp}));
    EXPECT_TRUE(has(entries.ports, SteeredPort{IpAddress(P::vtep).v6(), Be16(8472), Protocol::udp}));
    const std::uint32_t mapped = std::same_as<TypeParam, Ipv4> ? 96 + 24 : 64;
    EXPECT_TRUE(has(entries.subnets, SteeredSubnet{mapped, IpAddress(masked(P::pod1, mapped == 64 ? 64 : 24)).v6()}));
    EXPECT_TRUE(has(entries.subnets, SteeredSubnet{mapped, IpAddress(P::overlay).v6()}));
}

TYPED_TEST(Steered, AnAddressOfTheGatewaysIsNeverTakenWhole) {
    using P = Place<TypeParam>;
    DesiredState desired = desired_world();
    // An external IP that is the gateway's own address, too, where a NodePort makes it shared.
    const IpAddress own = P::gateway_outside;
    for (std::size_t i = 0; i < desired.services.size(); ++i)
        if (DesiredService& service = desired.services.edit(i);
            std::ranges::any_of(service.frontends, [&](const auto& frontend) { return frontend.address == own; }))
            service.frontends.push_back({own, 9000, FrontendKind::external_ip});
    const SteeringEntries entries = entries_of(desired);
    EXPECT_FALSE(has(entries.addresses, own.v6()));
    EXPECT_TRUE(has(entries.ports, SteeredPort{own.v6(), Be16(9000), Protocol::tcp}));
}

/// The program, loaded but attached to nothing, with a socket on queue 0 and the world's entries.
class Program {
public:
    Program() {
        EXPECT_GE(socket_.get(), 0) << "needs root";
        steering.serve(0, socket_.get());
        steering.update(entries_of(desired_world()));
    }
    /// XDP_PASS or XDP_REDIRECT.
    [[nodiscard]] std::uint32_t verdict(const std::uint8_t* frame, std::size_t length) const {
        return verdict_of(steering, frame, length);
    }
    [[nodiscard]] std::uint32_t verdict(Bytes frame) const {
        frame.resize(std::max<std::size_t>(frame.size(), 60));
        return verdict(frame.data(), frame.size());
    }
    static std::uint32_t verdict_of(const Steering& steering, const std::uint8_t* frame, std::size_t length) {
        bpf_test_run_opts run{};
        run.sz = sizeof run;
        run.data_in = frame;
        run.data_size_in = static_cast<std::uint32_t>(length);
        EXPECT_EQ(bpf_prog_test_run_opts(steering.program(), &run), 0);
        return run.retval;
    }

    Steering steering;

private:
    FileDescriptor socket_{socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0)};
};

template <class A>
struct SteeringProgram : testing::Test {
    static PacketBuilder to(A destination) { return PacketBuilder().ethernet().ip(Place<A>::client, destination); }
    void expect(std::uint32_t wanted, const PacketBuilder& packet) {
        EXPECT_EQ(program.verdict(packet.build()), wanted);
    }

    Program program;
};
TYPED_TEST_SUITE(SteeringProgram, Families);

TYPED_TEST(SteeringProgram, TakesEveryPacketToAServicesAddress) {
    using P = Place<TypeParam>;
    this->expect(XDP_REDIRECT, this->to(P::vip).tcp(40000, 80, 2));
    this->expect(XDP_REDIRECT, this->to(P::vip).udp(40000, 12345).payload(20));  // answered: no such port
    this->expect(XDP_REDIRECT, this->to(P::vip).echo_request(7));
    this->expect(XDP_REDIRECT, this->to(P::vip).fragment(1, 1480, false).protocol(17).payload(64));
}

TYPED_TEST(SteeringProgram, TakesPacketsToPods) {
    using P = Place<TypeParam>;
    this->expect(XDP_REDIRECT, this->to(P::pod1).tcp(40000, 8080, 2));
    this->expect(XDP_REDIRECT, this->to(P::pod2).echo_request(7));
    this->expect(XDP_REDIRECT, this->to(P::overlay).udp(40000, 53).payload(8));
}

TYPED_TEST(SteeringProgram, TakesTunnelPacketsToOurEndpoint) {
    using P = Place<TypeParam>;
    const auto tunnel = [] { return PacketBuilder().ethernet().ip(P::node1, P::vtep); };
    this->expect(XDP_REDIRECT, tunnel().udp(50000, 8472).payload(60));
    this->expect(XDP_REDIRECT, tunnel().fragment(5, 0, true).udp(50000, 8472).payload(64));  // counted there
    this->expect(XDP_PASS, tunnel().udp(50000, 4790).payload(60));
    this->expect(XDP_PASS, tunnel().tcp(50000, 8472, 2));
    this->expect(XDP_PASS, PacketBuilder().ethernet().ip(P::vtep, P::node1).udp(50000, 8472).payload(60));
}

TYPED_TEST(SteeringProgram, TakesNodePortsAndLeavesTheRestOfTheAddress) {
    using P = Place<TypeParam>;
    this->expect(XDP_REDIRECT, this->to(P::gateway_outside).tcp(40000, 30080, 2));
    this->expect(XDP_PASS, this->to(P::gateway_outside).tcp(40000, 22, 2));   // SSH
    this->expect(XDP_PASS, this->to(P::gateway_outside).tcp(40000, 179, 2));  // BGP
    this->expect(XDP_PASS, this->to(P::gateway_outside).udp(40000, 30080));   // a TCP NodePort
    this->expect(XDP_PASS, this->to(P::gateway_outside).echo_request(7));
    this->expect(XDP_PASS, this->to(P::gateway_outside).fragment(9, 64, false).protocol(6).payload(64));
}

TYPED_TEST(SteeringProgram, PassesWhatItDoesNotKnow) {
    using P = Place<TypeParam>;
    this->expect(XDP_PASS, this->to(P::stranger).tcp(40000, 80, 2));
    this->expect(XDP_PASS, PacketBuilder().ethernet().vlan(5).ip(P::client, P::vip).tcp(40000, 80, 2));
    const Mac broadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    this->expect(XDP_PASS, PacketBuilder().ethernet(broadcast).ip(P::client, P::vip).udp(1, 2));
}

TYPED_TEST(SteeringProgram, ReadsNoFurtherThanThePacketReaches) {
    using P = Place<TypeParam>;
    const Bytes whole = this->to(P::gateway_outside).tcp(40000, 30080, 2).build();
    const std::size_t ports = whole.size() - 20;
    // The test run wants 14 bytes at least; up to the ports nothing can be taken, and nothing may fail.
    for (std::size_t length = 14; length < ports + 4; ++length)
        EXPECT_EQ(this->program.verdict(whole.data(), length), static_cast<std::uint32_t>(XDP_PASS)) << length;
    EXPECT_EQ(this->program.verdict(whole.data(), ports + 4), static_cast<std::uint32_t>(XDP_REDIRECT));
}

TYPED_TEST(SteeringProgram, FollowsChanges) {
    using P = Place<TypeParam>;
    SteeringEntries entries = entries_of(desired_world());
    std::erase(entries.addresses, IpAddress(P::vip).v6());
    entries.addresses.insert(entries.addresses.begin(), IpAddress(P::stranger).v6());
    std::ranges::sort(entries.addresses);
    this->program.steering.update(entries);
    this->expect(XDP_PASS, this->to(P::vip).tcp(40000, 80, 2));
    this->expect(XDP_REDIRECT, this->to(P::stranger).tcp(40000, 80, 2));
    this->expect(XDP_REDIRECT, this->to(P::udp_vip).udp(40000, 53));
    this->program.steering.update({});
    this->expect(XDP_PASS, this->to(P::stranger).tcp(40000, 80, 2));
    this->expect(XDP_PASS, this->to(P::pod1).tcp(40000, 80, 2));
}

TEST(SteeringProgramAlone, LeavesArpWithTheKernel) {
    const Program program;
    Bytes arp(42);
    arp[0] = gateway_mac.bytes[0];
    arp[12] = 0x08;
    arp[13] = 0x06;
    EXPECT_EQ(program.verdict(arp), static_cast<std::uint32_t>(XDP_PASS));
}

TEST(SteeringProgramAlone, AQueueWithoutASocketIsLinuxs) {
    Steering steering;
    steering.update(entries_of(desired_world()));
    const Bytes packet = PacketBuilder().ethernet().ip(Place<Ipv4>::client, Place<Ipv4>::vip).tcp(1, 80, 2).build();
    EXPECT_EQ(Program::verdict_of(steering, packet.data(), packet.size()), static_cast<std::uint32_t>(XDP_PASS));
}

}  // namespace
}  // namespace viaduct::test
