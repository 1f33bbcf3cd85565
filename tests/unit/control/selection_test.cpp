// Endpoint selection as a table of cases, after kube-proxy's CategorizeEndpoints.
#include "control/selection.h"

#include <gtest/gtest.h>

#include "encap/net_text.h"

namespace viaduct {
namespace {

/// An endpoint 10.0.0.`host`.
struct Given {
    std::uint8_t host;
    bool ready = true, serving = true, terminating = false;
    std::string node{};
    std::vector<std::string> zones{}, nodes{};
};

const Given ready1{1}, ready2{2};
const Given draining1{1, false, true, true}, draining2{2, false, true, true, "mine"};
const Given dead1{1, false, false, true}, unready1{1, false, false, false};

struct Case {
    const char* name;
    std::vector<Given> endpoints;
    TrafficPolicy policy = TrafficPolicy::cluster;
    LocalPolicy local = LocalPolicy::node;
    std::string expected;  // last bytes of the addresses
    WhenEmpty when_empty = WhenEmpty::reject;
};
void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

EndpointSlice slice_of(const std::vector<Given>& endpoints) {
    EndpointSlice slice;
    slice.family = Family::v4;
    slice.ports = {{"http", Protocol::tcp, 8080}};
    for (const Given& one : endpoints)
        slice.endpoints.push_back(
            {Ipv4(10, 0, 0, one.host), one.ready, one.serving, one.terminating, one.node, one.zones, one.nodes});
    return slice;
}

class SelectionTest : public ::testing::TestWithParam<Case> {};

TEST_P(SelectionTest, Selects) {
    const EndpointSlice slice = slice_of(GetParam().endpoints);
    const EndpointSlice* slices[] = {&slice};
    const auto all = candidates(slices, {"http", Protocol::tcp, 80, 0}, Family::v4, false);
    const Selection selection = select_backends(all, GetParam().policy, {"mine", "a", GetParam().local});
    std::string chosen;
    for (const DesiredBackend& one : selection.backends) chosen += std::to_string(one.address.v4().bytes[3]) + " ";
    EXPECT_EQ(chosen, GetParam().expected);
    EXPECT_EQ(selection.when_empty, GetParam().when_empty);
}

constexpr auto cluster = TrafficPolicy::cluster, local = TrafficPolicy::local;
constexpr auto on_node = LocalPolicy::node, as_cluster = LocalPolicy::cluster;
INSTANTIATE_TEST_SUITE_P(Cluster, SelectionTest,
                         ::testing::Values(Case{"ready ones, sorted", {ready2, ready1}, cluster, on_node, "1 2 "},
                                           Case{"ready beats draining", {draining1, ready2}, cluster, on_node, "2 "},
                                           Case{"only draining", {draining1, draining2}, cluster, on_node, "1 2 "},
                                           Case{"neither ready nor serving", {dead1}, cluster, on_node, ""},
                                           Case{"not ready, not terminating", {unready1}, cluster, on_node, ""},
                                           Case{"none", {}, cluster, on_node, ""}));
INSTANTIATE_TEST_SUITE_P(
    Local, SelectionTest,
    ::testing::Values(
        Case{"on my node", {{1, true, true, false, "mine"}, {2, true, true, false, "other"}}, local, on_node, "1 "},
        Case{"elsewhere only", {{2, true, true, false, "other"}}, local, on_node, "", WhenEmpty::drop},
        Case{"draining elsewhere only", {{2, false, true, true, "other"}}, local, on_node, "", WhenEmpty::drop},
        Case{"nowhere", {}, local, on_node, "", WhenEmpty::reject},
        Case{"dead elsewhere", {{2, false, false, true, "other"}}, local, on_node, "", WhenEmpty::reject},
        Case{"draining here, ready elsewhere", {{1, true, true, false, "other"}, draining2}, local, on_node, "2 "},
        Case{"at the edge Local is Cluster", {{2, true, true, false, "other"}}, local, as_cluster, "2 "}));
INSTANTIATE_TEST_SUITE_P(
    Topology, SelectionTest,
    ::testing::Values(
        Case{"my zone", {{1, true, true, false, "", {"a"}}, {2, true, true, false, "", {"b"}}}, cluster, on_node, "1 "},
        Case{"one without a hint", {{1, true, true, false, "", {"a"}}, ready2}, cluster, on_node, "1 2 "},
        Case{"none for my zone",
             {{1, true, true, false, "", {"b"}}, {2, true, true, false, "", {"c"}}},
             cluster,
             on_node,
             "1 2 "},
        Case{"an unready one without a hint does not count",
             {{1, true, true, false, "", {"a"}}, {2, false, false}},
             cluster,
             on_node,
             "1 "},
        Case{"my node before my zone",
             {{1, true, true, false, "", {"a"}, {"mine"}}, {2, true, true, false, "", {"a"}, {"other"}}},
             cluster,
             on_node,
             "1 "},
        Case{"draining ones are not filtered",
             {{1, false, true, true, "", {"a"}}, {2, false, true, true, "", {"b"}}},
             cluster,
             on_node,
             "1 2 "}));

std::string joined(const std::vector<Candidate>& all) {
    std::string text;
    for (const Candidate& one : all)
        text += to_string(one.address) + ":" + std::to_string(one.port) + (one.ready ? " " : "! ");
    return text;
}

TEST(Candidates, JoinByPortNameAndProtocol) {
    EndpointSlice first = slice_of({ready1}), second = slice_of({ready2});
    first.ports = {{"http", Protocol::tcp, 8080}, {"http", Protocol::udp, 8081}, {"", Protocol::tcp, 1}};
    second.ports = {{"http", Protocol::tcp, 9090},
                    {"unset", Protocol::tcp, 0}};  // a named targetPort may differ by slice
    const EndpointSlice* slices[] = {&first, &second};
    EXPECT_EQ(joined(candidates(slices, {"http", Protocol::tcp, 80, 0}, Family::v4, false)),
              "10.0.0.1:8080 10.0.0.2:9090 ");
    EXPECT_EQ(joined(candidates(slices, {"http", Protocol::udp, 80, 0}, Family::v4, false)), "10.0.0.1:8081 ");
    EXPECT_EQ(joined(candidates(slices, {"", Protocol::tcp, 80, 0}, Family::v4, false)), "10.0.0.1:1 ");
    EXPECT_EQ(joined(candidates(slices, {"unset", Protocol::tcp, 80, 0}, Family::v4, false)), "");
    EXPECT_EQ(joined(candidates(slices, {"http", Protocol::tcp, 80, 0}, Family::v6, false)), "");
}

TEST(Candidates, EndpointInTwoSlicesCountsOnceAndAsTheLivingOne) {
    const EndpointSlice old = slice_of({unready1}), renewed = slice_of({ready1});
    const EndpointSlice* slices[] = {&old, &renewed};
    EXPECT_EQ(joined(candidates(slices, {"http", Protocol::tcp, 80, 0}, Family::v4, false)), "10.0.0.1:8080 ");
}

TEST(Candidates, PublishNotReadyAddresses) {
    const EndpointSlice slice = slice_of({unready1});
    const EndpointSlice* slices[] = {&slice};
    EXPECT_EQ(joined(candidates(slices, {"http", Protocol::tcp, 80, 0}, Family::v4, false)), "10.0.0.1:8080! ");
    EXPECT_EQ(joined(candidates(slices, {"http", Protocol::tcp, 80, 0}, Family::v4, true)), "10.0.0.1:8080 ");
}

}  // namespace
}  // namespace viaduct
