// Kubernetes objects from YAML and from a real API server's JSON.
#include "control/objects/objects.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "control/objects/read_objects.h"
#include "encap/net_text.h"
#include "tests/unit/control/cluster_text.h"

namespace viaduct {
namespace {

Objects recorded(const std::string& name) {
    std::ifstream file(SOURCE_ROOT "/tests/data/kube-apiserver-1.33/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    const ReadObjects read = read_objects(text.str(), name);
    EXPECT_TRUE(read.errors.empty()) << read.errors.front().text;
    Objects objects;
    for (const Object& object : read.objects) objects.add(object);
    return objects;
}

template <class T>
const T& named(const std::vector<Shared<T>>& all, const std::string& name) {
    const auto found = std::ranges::find_if(all, [&](const auto& one) { return one->key.name.starts_with(name); });
    if (found == all.end()) throw std::out_of_range(name);
    return **found;
}

template <class T>
T only(const std::string& text) {
    return *std::get<Shared<T>>(objects_in(text).at(0));
}

std::vector<std::string> errors_of(const std::string& text) {
    std::vector<std::string> errors;
    for (const ObjectError& error : read_objects(text, "file.yaml").errors) errors.push_back(error.text);
    return errors;
}

TEST(RecordedObjects, Nodes) {
    const Objects objects = recorded("list-nodes.json");
    ASSERT_EQ(objects.nodes.size(), 3U);
    const NodeObject& node = named(objects.nodes, "node2");
    EXPECT_EQ(node.zone, "zone-a");
    EXPECT_EQ(node.pod_cidrs.size(), 2U);
    EXPECT_EQ(node.pod_cidrs[0], "10.244.1.0/24");
    EXPECT_TRUE(node.flannel.managed);
    EXPECT_EQ(node.flannel.backend_data, R"({"VNI":1,"VtepMAC":"1e:0c:5a:00:00:02"})");
    EXPECT_EQ(node.flannel.public_ipv6, "2001:db8::102");
}

TEST(RecordedObjects, Services) {
    const Objects objects = recorded("list-services.json");
    ASSERT_EQ(objects.services.size(), 12U);
    const ServiceObject& lb = named(objects.services, "web-lb");
    EXPECT_EQ(lb.cluster_ips.size(), 2U);
    EXPECT_EQ(lb.families, (std::vector{Family::v4, Family::v6}));
    EXPECT_EQ(lb.ports.at(1).name, "admin");
    EXPECT_EQ(lb.ports.at(1).node_port, 31950);
    EXPECT_EQ(to_string(lb.source_ranges.at(0)), "198.51.100.0/24");
    EXPECT_EQ(named(objects.services, "web-lb-local").external_policy, TrafficPolicy::local);
    EXPECT_EQ(named(objects.services, "web-lb-class").load_balancer_class, "example.com/other");
    EXPECT_EQ(named(objects.services, "web-sticky").affinity_seconds, 600U);
    EXPECT_TRUE(named(objects.services, "web-headless").headless);
    EXPECT_TRUE(named(objects.services, "ext-name").external_name);
    EXPECT_EQ(to_string(named(objects.services, "web-ext").external_ips.at(0)), "203.0.113.50");
    EXPECT_EQ(named(objects.services, "dns").ports.at(2).protocol, Protocol::sctp);
}

TEST(RecordedObjects, SlicesAndEndpoints) {
    const Objects slices = recorded("list-endpointslices.json");
    ASSERT_EQ(slices.slices.size(), 13U);
    const EndpointSlice& web = named(slices.slices, "web-47lbj");
    EXPECT_EQ(web.service, "web");
    EXPECT_EQ(web.family, Family::v6);
    EXPECT_EQ(to_string(web.endpoints.at(0).address), "fd00:10:244::c");
    EXPECT_EQ(web.endpoints.at(0).node_name, "node1");
    // The endpoints of no controller leave conditions unset.
    EXPECT_TRUE(named(slices.slices, "legacy").endpoints.at(0).serving);
    const Objects endpoints = recorded("list-endpoints.json");
    ASSERT_EQ(endpoints.endpoints.size(), 11U);
    EXPECT_TRUE(named(endpoints.endpoints, "kubernetes").skip_mirror);
    EXPECT_EQ(named(endpoints.endpoints, "legacy").slices.at(0).ports.at(0).port, 8081);
}

TEST(ReadObjects, ManyDocumentsListsAndForeignKinds) {
    const ReadObjects read = read_objects(R"(
# nothing but a comment
---
kind: List
apiVersion: v1
items:
- {kind: Node, apiVersion: v1, metadata: {name: a}}
- {kind: Pod, apiVersion: v1, metadata: {name: p}}
- {kind: Service, apiVersion: v1, metadata: {name: s}}
---
{kind: Service, apiVersion: serving.knative.dev/v1, metadata: {name: other}}
---
{kind: ConfigMap, apiVersion: v1, metadata: {name: other}, data: {key: value}}
)",
                                          "file.yaml");
    EXPECT_TRUE(read.errors.empty());
    ASSERT_EQ(read.objects.size(), 2U);
    EXPECT_EQ(to_string(key_of(read.objects[0])), "Node a");
    EXPECT_EQ(to_string(key_of(read.objects[1])), "Service default/s");
}

TEST(ReadObjects, UnsetConditionsMeanReadyAndServing) {
    const auto slice = only<EndpointSlice>(R"(
kind: EndpointSlice
apiVersion: discovery.k8s.io/v1
metadata: {name: s, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints:
- addresses: [10.0.0.1, 10.0.0.9]
- addresses: [10.0.0.2]
  conditions: {ready: false, terminating: true}
  hints: {forZones: [{name: a}], forNodes: [{name: n}]}
ports: [{name: http, port: 80}, {name: unset}]
)");
    ASSERT_EQ(slice.endpoints.size(), 2U);
    EXPECT_TRUE(slice.endpoints[0].ready && slice.endpoints[0].serving && !slice.endpoints[0].terminating);
    EXPECT_TRUE(!slice.endpoints[1].ready && slice.endpoints[1].serving && slice.endpoints[1].terminating);
    EXPECT_EQ(slice.endpoints[1].zone_hints, std::vector<std::string>{"a"});
    EXPECT_EQ(slice.endpoints[1].node_hints, std::vector<std::string>{"n"});
    EXPECT_EQ(slice.ports[1].port, 0);
}

TEST(ReadObjects, EndpointsBecomeOneSliceForEachFamily) {
    const auto endpoints = only<Endpoints>(R"(
kind: Endpoints
metadata: {name: db, namespace: shop}
subsets:
- addresses: [{ip: 10.0.0.1}, {ip: "fd00::1"}]
  notReadyAddresses: [{ip: 10.0.0.2, nodeName: n}]
  ports: [{port: 5432}]
)");
    ASSERT_EQ(endpoints.slices.size(), 2U);
    EXPECT_EQ(endpoints.slices[0].endpoints.size(), 2U);
    EXPECT_FALSE(endpoints.slices[0].endpoints[1].ready);
    EXPECT_EQ(endpoints.slices[1].family, Family::v6);
    EXPECT_EQ(endpoints.slices[1].ports[0].protocol, Protocol::tcp);
}

TEST(ReadObjects, NetConf) {
    const auto config = only<FlannelConfig>(R"(
kind: ConfigMap
metadata: {name: kube-flannel-cfg, namespace: kube-flannel}
data:
  net-conf.json: |
    {"Network": "10.244.0.0/16", "EnableIPv6": true, "IPv6Network": "fd00:244::/56",
     "Backend": {"Type": "vxlan", "VNI": 7, "Port": 0, "MTU": 1400}}
)");
    EXPECT_EQ(to_string(*config.network), "10.244.0.0/16");
    EXPECT_EQ(to_string(*config.ipv6_network), "fd00:244::/56");
    EXPECT_TRUE(config.enable_v4 && config.enable_v6);
    EXPECT_EQ(config.backend_type, "vxlan");
    EXPECT_EQ(config.vni, 7U);
    EXPECT_EQ(config.port, 8472);
    EXPECT_EQ(config.underlay_mtu, 1400);
}

TEST(ReadObjects, SourceRangesOfTheOldAnnotation) {
    const auto service = only<ServiceObject>(R"(
kind: Service
metadata: {name: s, annotations: {service.beta.kubernetes.io/load-balancer-source-ranges: "10.0.0.0/8, 192.0.2.0/24"}}
spec: {ports: [{port: 80}]}
)");
    ASSERT_EQ(service.source_ranges.size(), 2U);
    EXPECT_EQ(to_string(service.source_ranges[1]), "192.0.2.0/24");
}

struct Malformed {
    const char* name;
    const char* text;
    const char* error;
};
void PrintTo(const Malformed& row, std::ostream* out) { *out << row.name; }
class MalformedObject : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedObject, IsNamedWithLineFieldAndRemedy) {
    const std::string good = "\n---\n{kind: Node, metadata: {name: good}}\n";
    EXPECT_EQ(errors_of(GetParam().text + good), std::vector<std::string>{GetParam().error});
    EXPECT_EQ(read_objects(GetParam().text + good, "file.yaml").objects.size(), 1U) << "the others are read";
}
INSTANTIATE_TEST_SUITE_P(
    Rows, MalformedObject,
    ::testing::Values(
        Malformed{"no kind", "metadata: {name: x}", "file.yaml:1: kind is missing: add it"},
        Malformed{"no name", "kind: Service\nmetadata: {}", "file.yaml:2: Service: metadata.name is missing: add it"},
        Malformed{"scalar", "kind: Service\nmetadata: x", "file.yaml:2: Service: metadata must be a map"},
        Malformed{"port", "kind: Service\nmetadata: {name: s}\nspec:\n  ports:\n  - name: http\n",
                  "file.yaml:5: Service default/s: spec.ports[0].port is missing: add it"},
        Malformed{"range", "kind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 70000}]}",
                  "file.yaml:3: Service default/s: spec.ports[0].port is '70000': write a number from 1 to 65535"},
        Malformed{"protocol", "kind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 1, protocol: tcp}]}",
                  "file.yaml:3: Service default/s: spec.ports[0].protocol is 'tcp': write one of TCP, UDP, SCTP"},
        Malformed{"address", "kind: Service\nmetadata: {name: s}\nspec: {externalIPs: [010.0.0.1]}",
                  "file.yaml:3: Service default/s: spec.externalIPs[0] is '010.0.0.1': write an IP address, as in "
                  "192.0.2.1 (no leading zeros) or 2001:db8::1"},
        Malformed{"list", "kind: Service\nmetadata: {name: s}\nspec: {ports: 80}",
                  "file.yaml:3: Service default/s: spec.ports must be a list"},
        Malformed{"family",
                  "kind: EndpointSlice\nmetadata: {name: s}\naddressType: IPv6\nendpoints: [{addresses: [10.0.0.1]}]",
                  "file.yaml:4: EndpointSlice default/s: endpoints[0].addresses is not of the slice's addressType: "
                  "move it to "
                  "a slice of its own family"}));

TEST(ReadObjects, BrokenYamlThatTheLibraryWouldReadForever) {
    try {
        (void)read_objects("  x: 1\n, y: 2\n", "odd.yaml");
        FAIL() << "no error";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(),
                     "odd.yaml:2: what stands here belongs to no document: mend the YAML; what the file said before "
                     "stays in force");
    }
}

TEST(ReadObjects, BrokenYamlNamesFileAndLine) {
    try {
        (void)read_objects("kind: Node\nmetadata: {name: [}\n", "file.yaml");
        FAIL() << "accepted";
    } catch (const std::runtime_error& error) {
        EXPECT_TRUE(std::string(error.what()).starts_with("file.yaml:2: ")) << error.what();
    }
}

}  // namespace
}  // namespace viaduct
