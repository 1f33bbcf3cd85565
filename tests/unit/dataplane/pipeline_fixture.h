// What tests of the whole pipeline share: packets from clients and pods, and a look at what was sent.
#pragma once

#include <gtest/gtest.h>

#include "encap/headers.h"
#include "tests/unit/dataplane/world.h"

namespace viaduct::test {

inline constexpr std::uint8_t syn = TcpHeader::syn, ack = TcpHeader::ack, rst = TcpHeader::rst, fin = TcpHeader::fin;

/// What a frame carries, tunnel or not.
struct Seen {
    PacketMeta outer, inner;
    Bytes inner_frame;
    bool tunnel = false;
    Vni vni;
};

template <Address A>
class PipelineTest : public testing::Test {
protected:
    using Here = Place<A>;
    World world;

    static PacketBuilder from_client(const A& to) {
        return PacketBuilder().ethernet(outside_mac, outside_client_mac).ip(Here::client, to);
    }
    /// From a pod behind node 1, as the node's kernel wraps it.
    static PacketBuilder tunnel(const A& node, Vni vni = Vni(1), Mac inner = vtep_mac) {
        return PacketBuilder()
            .ethernet(underlay_mac, node1_mac)
            .ip(node, Here::vtep)
            .udp(50'000, 8472)
            .vxlan(vni)
            .ethernet(inner, node1_vtep);
    }
    static PacketBuilder from_pod(const A& to) { return tunnel(Here::node1).ip(Here::pod1, to); }

    static Seen look(const Bytes& frame) {
        EXPECT_EQ(fault_in(frame), "");
        Seen seen;
        EXPECT_EQ(parse(frame.data(), frame.size(), frame.size(), seen.outer).outcome, ParseOutcome::packet);
        if (seen.outer.protocol() == Protocol::udp && seen.outer.template flow<A>().destination_port == Be16(8472)) {
            const std::size_t at = seen.outer.transport_at + 8U;
            seen.tunnel = true;
            seen.vni = header_at<VxlanHeader>(frame.data() + at).vni();
            seen.inner_frame = Bytes(frame.begin() + static_cast<std::ptrdiff_t>(at + 8), frame.end());
            EXPECT_EQ(
                parse(seen.inner_frame.data(), seen.inner_frame.size(), seen.inner_frame.size(), seen.inner).outcome,
                ParseOutcome::packet);
        }
        return seen;
    }
    static FlowKey<A> inner_flow(const Bytes& frame) { return look(frame).inner.template flow<A>(); }
    static FlowKey<A> flow(const Bytes& frame) { return look(frame).outer.template flow<A>(); }

    /// The one frame that was sent.
    static Bytes only(const std::vector<World::Sent>& sent, PortId port) {
        EXPECT_EQ(sent.size(), 1U);
        if (sent.size() != 1) return {};
        EXPECT_EQ(sent[0].port, port);
        return sent[0].frame;
    }
    /// A backend's answer to an inner frame that was sent to it, wrapped by its node.
    static PacketBuilder answer_to(const FlowKey<A>& request) {
        return tunnel(request.destination == Here::pod1 ? Here::node1 : Here::node2)
            .ip(request.destination, request.source);
    }
    void expect_drop(Drop why, const std::vector<World::Sent>& sent) {
        EXPECT_EQ(sent.size(), 0U);
        EXPECT_EQ(world.drops(why), 1U) << name(why);
    }
    void TearDown() override {
        world.tidy();
        EXPECT_TRUE(world.totals().conserved());
    }
};

using Families = testing::Types<Ipv4, Ipv6>;

}  // namespace viaduct::test
