// Desired Services, row by row: Services, slices and Endpoints in; frontends with their backends, and findings, out.
#include <gtest/gtest.h>

#include "desired_state_fixture.h"

namespace viaduct {
namespace {

struct Row {
    const char* name;
    std::string yaml;
    const char* services;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class ServiceRow : public DesiredStateTest, public ::testing::WithParamInterface<Row> {};

TEST_P(ServiceRow, IsServed) {
    make(own_node() + net_conf + GetParam().yaml);
    EXPECT_EQ(services(), GetParam().services);
}

const std::string http = "ports: [{name: http, port: 80, targetPort: 8080}]";
#define V4 " -> 10.244.2.5 8080 10.244.3.5 8080\n"
INSTANTIATE_TEST_SUITE_P(
    Frontends, ServiceRow,
    ::testing::Values(
        Row{"ClusterIP", service("clusterIP: 10.96.0.1, " + http) + slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80" V4},
        Row{"dual stack", service("clusterIPs: [10.96.0.1, \"fd00:96::1\"], " + http) + slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80" V4
            "shop/web:http TCP v6: cluster fd00:96::1 80 -> fd00:244:0:2::5 8080\n"},
        Row{"external IPs",
            service("clusterIP: 10.96.0.1, externalIPs: [203.0.113.5, \"2001:db8:f::5\"], " + http) + slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80 external 203.0.113.5 80" V4},
        Row{"load balancer of either ipMode",
            service("clusterIP: 10.96.0.1, " + http,
                    "status: {loadBalancer: {ingress: [{ip: 203.0.113.6, ipMode: VIP}, {ip: 203.0.113.7, ipMode: "
                    "Proxy}, {hostname: x}]}}\n") +
                slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80 lb 203.0.113.6 80 lb 203.0.113.7 80" V4},
        Row{"NodePort on own addresses",
            service("clusterIP: 10.96.0.1, ports: [{name: http, port: 80, nodePort: 30080}]") + slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80 node 198.51.100.1 30080 node 192.0.2.9 30080" V4},
        Row{"healthCheckNodePort is no frontend",
            service("clusterIP: 10.96.0.1, externalTrafficPolicy: Local, healthCheckNodePort: 30521, " + http,
                    "status: {loadBalancer: {ingress: [{ip: 203.0.113.6}]}}\n") +
                slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80 lb 203.0.113.6 80" V4},
        Row{"external IP of our own", service("clusterIP: 10.96.0.1, externalIPs: [198.51.100.1], " + http) + slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80 node 198.51.100.1 80" V4},
        Row{"no ClusterIP, as in hand-written files",
            service("externalIPs: [203.0.113.5, \"2001:db8:f::5\"], " + http) + slices,
            "shop/web:http TCP v4: external 203.0.113.5 80" V4
            "shop/web:http TCP v6: external 2001:db8:f::5 80 -> fd00:244:0:2::5 8080\n"},
        Row{"foreign class",
            service("clusterIP: 10.96.0.1, loadBalancerClass: x/y, " + http,
                    "status: {loadBalancer: {ingress: [{ip: 203.0.113.6}]}}\n") +
                slices,
            "shop/web:http TCP v4: cluster 10.96.0.1 80" V4}));
INSTANTIATE_TEST_SUITE_P(
    Backends, ServiceRow,
    ::testing::Values(Row{"targetPort by name",
                          service("clusterIP: 10.96.0.1, ports: [{name: http, port: 80, targetPort: web}]") + slices,
                          "shop/web:http TCP v4: cluster 10.96.0.1 80" V4},
                      Row{"targetPort left out",
                          service("clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]") + slices,
                          "shop/web:http TCP v4: cluster 10.96.0.1 80" V4},
                      Row{"no endpoints", service("clusterIP: 10.96.0.1, " + http),
                          "shop/web:http TCP v4: cluster 10.96.0.1 80 -> reject\n"},
                      Row{"nameless port", service("clusterIP: 10.96.0.1, ports: [{port: 80}]"),
                          "shop/web:80 TCP v4: cluster 10.96.0.1 80 -> reject\n"},
                      Row{"hand-made Endpoints",
                          service("clusterIP: 10.96.0.1, " + http) +
                              "---\nkind: Endpoints\nmetadata: {name: web, namespace: shop}\nsubsets: [{addresses: "
                              "[{ip: 10.1.1.1}], ports: [{name: http, port: 81}]}]\n",
                          "shop/web:http TCP v4: cluster 10.96.0.1 80 -> 10.1.1.1 81\n"},
                      Row{"slices before Endpoints",
                          service("clusterIP: 10.96.0.1, " + http) + slices +
                              "---\nkind: Endpoints\nmetadata: {name: web, namespace: shop}\nsubsets: [{addresses: "
                              "[{ip: 10.1.1.1}], ports: [{name: http, port: 81}]}]\n",
                          "shop/web:http TCP v4: cluster 10.96.0.1 80" V4},
                      Row{"another namespace's slices",
                          "---\nkind: Service\nmetadata: {name: web, namespace: other}\nspec: {clusterIP: 10.96.0.1, " +
                              http + "}\n" + slices,
                          "other/web:http TCP v4: cluster 10.96.0.1 80 -> reject\n"}));
INSTANTIATE_TEST_SUITE_P(Ignored, ServiceRow,
                         ::testing::Values(Row{"headless", service("clusterIP: None, " + http) + slices, ""},
                                           Row{"ExternalName",
                                               service("type: ExternalName, externalName: example.com") + slices, ""},
                                           Row{"another proxy's",
                                               "---\nkind: Service\nmetadata: {name: web, namespace: shop, labels: "
                                               "{service.kubernetes.io/service-proxy-name: x}}\n"
                                               "spec: {clusterIP: 10.96.0.1, " +
                                                   http + "}\n",
                                               ""}));
#undef V4

TEST_F(DesiredStateTest, LocalPolicyIsAGroupOfItsOwnOnANode) {
    config_.networks[0].local_policy = LocalPolicy::node;
    make(own_node() +
         service("clusterIP: 10.96.0.1, externalIPs: [203.0.113.5], externalTrafficPolicy: Local, " + http) + slices);
    EXPECT_EQ(services(),
              "shop/web:http TCP v4: cluster 10.96.0.1 80 -> 10.244.2.5 8080 10.244.3.5 8080\n"
              "shop/web:http TCP v4 (local): external 203.0.113.5 80 -> drop\n");
}

TEST_F(DesiredStateTest, SourceRangesAndAffinity) {
    make(own_node() + service("clusterIPs: [10.96.0.1, \"fd00:96::1\"], loadBalancerSourceRanges: [198.51.100.0/24], "
                              "sessionAffinity: ClientIP, " +
                                  http,
                              "status: {loadBalancer: {ingress: [{ip: 203.0.113.6}, {ip: \"2001:db8:f::6\"}]}}\n"));
    ASSERT_EQ(out_.state.services.size(), 2U);
    EXPECT_EQ(out_.state.services[0].source_ranges.size(), 1U);
    EXPECT_EQ(out_.state.services[1].source_ranges.size(), 0U);
    EXPECT_EQ(out_.state.services[0].affinity_seconds, 10'800U);
    EXPECT_NE(findings().find("Service shop/web: loadBalancerSourceRanges has no IPv6 range"), std::string::npos)
        << findings();
}

TEST_F(DesiredStateTest, LoadBalancerClassOfOurs) {
    config_.load_balancer_class = "x/y";
    make(own_node() +
         service("loadBalancerClass: x/y, " + http, "status: {loadBalancer: {ingress: [{ip: 203.0.113.6}]}}\n"));
    EXPECT_EQ(services(), "shop/web:http TCP v4: lb 203.0.113.6 80 -> reject\n");
}

TEST_F(DesiredStateTest, WhatThePoolsGaveIsServedInsteadOfTheStatus) {
    const std::string stale = "status: {loadBalancer: {ingress: [{ip: 203.0.113.6}]}}\n";
    assigned_[{"demo", {ObjectKind::service, "shop", "web"}}] = {Ipv4(203, 0, 113, 9)};
    make(own_node() + service("type: LoadBalancer, " + http, stale));
    EXPECT_EQ(services(), "shop/web:http TCP v4: lb 203.0.113.9 80 -> reject\n");
    assigned_ = {{{"other", {ObjectKind::service, "shop", "web"}}, {}}};
    make(own_node() + service("type: LoadBalancer, " + http, stale));
    EXPECT_EQ(services(), "shop/web:http TCP v4: lb 203.0.113.6 80 -> reject\n");
}

TEST_F(DesiredStateTest, TakenFrontendAndMisnamedPortAreReported) {
    make(own_node() + service("clusterIP: 10.96.0.1, ports: [{name: web, port: 80}]") + slices +
         "---\nkind: Service\nmetadata: {name: zoo, namespace: shop}\nspec: {clusterIP: 10.96.0.1, ports: [{port: 80}, "
         "{port: 80, protocol: UDP, name: u}]}\n");
    EXPECT_EQ(
        services(),
        "shop/web:web TCP v4: cluster 10.96.0.1 80 -> reject\nshop/zoo:u UDP v4: cluster 10.96.0.1 80 -> reject\n");
    EXPECT_EQ(findings(),
              "Service shop/web: its port 'web'/TCP has no counterpart of that name and protocol among its endpoints' "
              "ports: http/TCP\n"
              "Service shop/zoo:80: 10.96.0.1 port 80/TCP is already shop/web:web's\n");
}

TEST_F(DesiredStateTest, WhyAnEndpointIsIgnoredIsTold) {
    make(own_node() + service("clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]") + R"(
---
kind: EndpointSlice
metadata: {name: web-names, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: FQDN
endpoints: [{addresses: [pod.example.com]}]
ports: [{name: http, port: 8080}]
---
kind: EndpointSlice
metadata: {name: web-portless, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.244.2.5]}]
ports: [{name: http}]
)");
    EXPECT_EQ(services(), "shop/web:http TCP v4: cluster 10.96.0.1 80 -> reject\n");
    EXPECT_EQ(findings(),
              "Service shop/web: its port 'http'/TCP has no counterpart of that name and protocol among its endpoints' "
              "ports: http/TCP without a number\n"
              "EndpointSlice shop/web-names: its addresses are host names, which are not looked up: none of them is "
              "used\n");
}

/// The same slice, for one Service by the first source and for another by the second.
TEST_F(DesiredStateTest, ASliceOfTwoServicesIsTheFirstSources) {
    const std::string both = service("clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]") +
                             "---\nkind: Service\nmetadata: {name: zoo, namespace: shop}\nspec: {clusterIP: 10.96.0.2, "
                             "ports: [{name: http, port: 80}]}\n";
    std::string others = slices;
    for (std::size_t at; (at = others.find("service-name: web")) != std::string::npos;)
        others.replace(at, 17, "service-name: zoo");
    const Objects first = objects_of(own_node() + both + slices), second = objects_of(others), none;
    DesiredStateKeeper keeper;
    const auto update = [&](const Objects& one, const Objects& another) {
        const std::array sources{SourceObjects{"demo", &one}, SourceObjects{"demo", &another}};
        out_.state = keeper.update({config_, sources, kernel_, ports_, nullptr, &assigned_});
        out_.findings = keeper.findings();
        return services();
    };
    const std::string pods = "10.244.2.5 8080 10.244.3.5 8080", web = "shop/web:http TCP v4: cluster 10.96.0.1 80 -> ",
                      zoo = "shop/zoo:http TCP v4: cluster 10.96.0.2 80 -> ";
    EXPECT_EQ(update(first, none), web + pods + "\n" + zoo + "reject\n");
    EXPECT_EQ(findings(), "");
    EXPECT_EQ(update(first, second), web + pods + "\n" + zoo + "reject\n");
    EXPECT_EQ(
        findings(),
        "EndpointSlice shop/web-1: two sources carry it, for the Services web and zoo; the first one's is used\n"
        "EndpointSlice shop/web-2: two sources carry it, for the Services web and zoo; the first one's is used\n");
    EXPECT_EQ(update(objects_of(own_node() + both), second), web + "reject\n" + zoo + pods + "\n");
    EXPECT_EQ(findings(), "");
}

}  // namespace
}  // namespace viaduct
