// Frames that are too short, too long, too old or not for us: which counter each ends in.
#include "encap/icmp.h"
#include "tests/unit/dataplane/pipeline_fixture.h"

namespace viaduct::test {
namespace {

template <Address A>
class PipelineFrames : public PipelineTest<A> {};
TYPED_TEST_SUITE(PipelineFrames, Families);

TYPED_TEST(PipelineFrames, TruncatedAtEveryByteIsNeverForwarded) {
    using P = Place<TypeParam>;
    const Bytes whole = this->from_pod(P::pod2).udp(1, 2).payload(8).build();
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_EQ(
            this->world.receive(underlay, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)))
                .size(),
            0U)
            << length;
    EXPECT_EQ(this->world.totals().dropped(), whole.size());
}

TYPED_TEST(PipelineFrames, NoHeadroomIsADropNeverAPlainPacket) {
    using P = Place<TypeParam>;
    this->world.shape = [](rte_mbuf* mbuf) {
        std::memmove(mbuf->buf_addr, rte_pktmbuf_mtod(mbuf, void*), mbuf->data_len);
        mbuf->data_off = 0;
    };
    this->expect_drop(Drop::no_headroom,
                      this->world.receive(outside, this->from_client(P::vip).tcp(1, 80, syn).build()));
}

TYPED_TEST(PipelineFrames, TtlRunsOut) {
    using P = Place<TypeParam>;
    const Bytes out =
        this->only(this->world.receive(outside, this->from_client(P::vip).ttl(1).udp(9, 9).build()), outside);
    EXPECT_EQ(this->look(out).outer.transport, Transport::icmp_error);  // the port is not served
    const Bytes late =
        this->only(this->world.receive(outside, this->from_client(P::pod1).ttl(1).udp(9, 9).build()), outside);
    QuotedPacket<TypeParam> quoted;
    ASSERT_TRUE(quoted_packet(late.data(), late.size(), this->look(late).outer, quoted));
    EXPECT_EQ(quoted.key.source, P::client);  // quoted as the client sent it
    EXPECT_EQ(quoted.key.source_port, Be16(9));
    EXPECT_EQ(this->flow(late).source, P::gateway_outside);
    EXPECT_EQ(this->world.drops(Drop::ttl_exceeded), 1U);
}

TYPED_TEST(PipelineFrames, TooBigIsTold) {
    using P = Place<TypeParam>;
    auto packet = this->from_client(P::udp_vip);
    if (std::same_as<TypeParam, Ipv4>) packet.dont_fragment();
    const Bytes big = packet.udp(9, 53).payload(1440).build();
    const Bytes out = this->only(this->world.receive(outside, big), outside);
    const Seen seen = this->look(out);
    EXPECT_EQ(seen.outer.transport, Transport::icmp_error);
    EXPECT_EQ(header_at<IcmpHeader>(out.data() + seen.outer.transport_at).sequence,
              Be16(std::same_as<TypeParam, Ipv4> ? 1450 : 1430));
    QuotedPacket<TypeParam> quoted;
    ASSERT_TRUE(quoted_packet(out.data(), out.size(), seen.outer, quoted));
    EXPECT_EQ(quoted.key.destination, P::udp_vip);
    EXPECT_EQ(this->world.drops(Drop::packet_too_big), 1U);
}

TYPED_TEST(PipelineFrames, SynMssFitsTheTunnel) {
    using P = Place<TypeParam>;
    const Bytes out = this->only(
        this->world.receive(outside, this->from_client(P::vip).tcp(1, 80, syn).tcp_options({2, 4, 0x05, 0xb4}).build()),
        underlay);
    const Seen seen = this->look(out);
    const std::uint8_t* option = seen.inner_frame.data() + seen.inner.transport_at + 20;
    EXPECT_EQ(option[2] << 8 | option[3], (std::is_same_v<TypeParam, Ipv4> ? 1450 - 40 : 1430 - 60));
}

TYPED_TEST(PipelineFrames, AFullTransmitQueueIsADrop) {
    using P = Place<TypeParam>;
    this->world.refuse_all = true;
    this->expect_drop(Drop::transmit_refused,
                      this->world.receive(outside, this->from_client(P::vip).tcp(1, 80, syn).build()));
}

TYPED_TEST(PipelineFrames, OwnAddressesAsSourceAreMartian) {
    using P = Place<TypeParam>;
    const Bytes spoofed =
        PacketBuilder().ethernet(outside_mac, outside_client_mac).ip(P::gateway_outside, P::client).udp(1, 2).build();
    this->expect_drop(Drop::martian_source, this->world.receive(outside, spoofed));
}

TYPED_TEST(PipelineFrames, ForeignFramesAndTags) {
    using P = Place<TypeParam>;
    this->expect_drop(
        Drop::wrong_mac,
        this->world.receive(
            outside, PacketBuilder().ethernet(node2_mac, outside_client_mac).ip(P::client, P::vip).udp(1, 2).build()));
    this->expect_drop(
        Drop::vlan,
        this->world.receive(
            outside,
            PacketBuilder().ethernet(outside_mac, outside_client_mac).vlan(5).ip(P::client, P::vip).udp(1, 2).build()));
    const Bytes arp = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 1, 1, 0x08, 0x06, 0, 1};
    EXPECT_EQ(this->only(this->world.receive(outside, arp), host), arp);
}

TYPED_TEST(PipelineFrames, EthernetPaddingIsNotCarriedOn) {
    using P = Place<TypeParam>;
    Bytes padded = this->from_client(P::udp_vip).udp(7, 53).payload(1).build();
    const std::size_t length = padded.size();
    padded.resize(length + 17);
    const Seen seen = this->look(this->only(this->world.receive(outside, padded), underlay));
    EXPECT_EQ(seen.inner_frame.size(), length);
}

TEST(PipelineV4Test, WithoutDontFragmentThePacketIsCut) {
    World world;
    using P = Place<Ipv4>;
    const Bytes big = PacketBuilder()
                          .ethernet(outside_mac, outside_client_mac)
                          .ip(P::client, P::udp_vip)
                          .udp(9, 53)
                          .payload(1460)
                          .build();
    const auto sent = world.receive(outside, big);
    ASSERT_EQ(sent.size(), 2U);
    for (const auto& s : sent) EXPECT_EQ(fault_in(s.frame), "");
    EXPECT_EQ(world.totals().tx, 1U);
    EXPECT_EQ(world.totals().originated, 1U);
}

TEST(PipelineStartTest, BeforeTheFirstSnapshotEverythingIsCounted) {
    World world;
    world.rebuild(DesiredState{});
    EXPECT_EQ(world.receive(outside, PacketBuilder().ethernet().ip("1.2.3.4", "5.6.7.8").udp(1, 2).build()).size(), 0U);
    EXPECT_EQ(world.drops(Drop::no_snapshot), 1U);
}

}  // namespace
}  // namespace viaduct::test
