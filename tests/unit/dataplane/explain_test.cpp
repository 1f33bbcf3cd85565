// Explain answers as the pipeline would act, and changes nothing.
#include <gtest/gtest.h>

#include "dataplane/explain.h"
#include "tests/support/eal_environment.h"
#include "tests/unit/dataplane/world.h"

namespace viaduct::test {
namespace {

template <Address A>
class ExplainTest : public testing::Test {
protected:
    using Here = Place<A>;
    World world;
    Question question = [] {
        Question q;
        q.source = Here::client;
        q.destination = Here::vip;
        q.destination_port = 80;
        return q;
    }();
    Explanation ask() { return explain(question, world.snapshot(), test_pool()); }
};
using Families = testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(ExplainTest, Families);

TYPED_TEST(ExplainTest, NamesServiceBackendAndPeer) {
    const Explanation answer = this->ask();
    EXPECT_EQ(answer.verdict, "forward");
    EXPECT_EQ(answer.service, "shop/web:http");
    EXPECT_NE(answer.backend.find("8080"), std::string::npos);
    EXPECT_EQ(answer.peer.substr(0, 4), "node");
    EXPECT_EQ(answer.port, "underlay");
    EXPECT_EQ(answer.mtu, (std::is_same_v<TypeParam, Ipv4> ? 1450U : 1430U));
    EXPECT_EQ(answer.steps.back().stage, "encapsulate");
}

TYPED_TEST(ExplainTest, ChoosesWhatThePipelineChooses) {
    using P = Place<TypeParam>;
    const auto sent = this->world.receive(outside, PacketBuilder()
                                                       .ethernet(outside_mac, outside_client_mac)
                                                       .ip(P::client, P::vip)
                                                       .tcp(40'000, 80, TcpHeader::syn)
                                                       .build());
    ASSERT_EQ(sent.size(), 1U);
    const bool to_node1 = header_at<EthernetHeader>(sent[0].frame.data()).destination == node1_mac;
    EXPECT_EQ(this->ask().peer.substr(0, 5), to_node1 ? "node1" : "node2");
}

TYPED_TEST(ExplainTest, NamesTheDropAndStopsThere) {
    this->question.destination = Place<TypeParam>::empty_vip;
    const Explanation answer = this->ask();
    EXPECT_EQ(answer.verdict, "drop");
    EXPECT_EQ(answer.drop, "no_endpoints");
    EXPECT_EQ(answer.steps.back().stage, "balance");
}

TYPED_TEST(ExplainTest, FromAPeerToTheHost) {
    using P = Place<TypeParam>;
    this->question.peer = std::same_as<TypeParam, Ipv4> ? "node1" : "node1-v6";
    this->question.source = P::pod1;
    this->question.destination = P::overlay;
    this->question.protocol = Protocol::icmp;
    EXPECT_EQ(this->ask().verdict, "kernel");
}

TYPED_TEST(ExplainTest, RefusesAQuestionAboutNothing) {
    this->question.port = "attic";
    EXPECT_THROW(this->ask(), std::invalid_argument);
    this->question.port = "";
    this->question.peer = "nobody";
    EXPECT_THROW(this->ask(), std::invalid_argument);
}

}  // namespace
}  // namespace viaduct::test
