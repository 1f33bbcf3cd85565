// A configured gateway with a kernel of its own, to be given a cluster's objects as YAML; what it makes of them, as
// text.
#pragma once

#include <gtest/gtest.h>

#include "control/desired/desired_state.h"
#include "encap/net_text.h"
#include "tests/unit/control/cluster_text.h"

namespace viaduct {

inline std::string node(const std::string& name, unsigned number, const std::string& extra = "") {
    const std::string n = std::to_string(number);
    return "---\nkind: Node\nmetadata:\n  name: " + name + "\n  annotations:\n" +
           "    flannel.alpha.coreos.com/kube-subnet-manager: 'true'\n    flannel.alpha.coreos.com/backend-type: "
           "vxlan\n" +
           "    flannel.alpha.coreos.com/public-ip: 192.0.2." + n +
           "\n    flannel.alpha.coreos.com/public-ipv6: 2001:db8::" + n +
           "\n    flannel.alpha.coreos.com/backend-data: '{\"VNI\":1,\"VtepMAC\":\"12:00:00:00:04:0" + n +
           "\"}'\n    flannel.alpha.coreos.com/backend-v6-data: '{\"VNI\":1,\"VtepMAC\":\"12:00:00:00:06:0" + n +
           "\"}'\n" + extra + "spec: {podCIDRs: [10.244." + n + ".0/24, \"fd00:244:0:" + n + "::/64\"]}\n";
}

inline constexpr const char* net_conf = R"(
---
kind: ConfigMap
metadata: {name: kube-flannel-cfg}
data: {net-conf.json: '{"Network":"10.244.0.0/16","EnableIPv6":true,"IPv6Network":"fd00:244::/56","Backend":{"Type":"vxlan","Port":4789}}'}
)";

inline const std::string slices = R"(
---
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.244.2.5]}, {addresses: [10.244.3.5]}]
ports: [{name: http, port: 8080}]
---
kind: EndpointSlice
metadata: {name: web-2, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv6
endpoints: [{addresses: ["fd00:244:0:2::5"]}]
ports: [{name: http, port: 8080}]
)";

inline std::string service(const std::string& spec, const std::string& rest = "") {
    return "---\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {" + spec + "}\n" + rest;
}

/// One sentence for each Service: "shop/web:http TCP v4: cluster 10.96.0.1:80 -> 10.244.2.5:8080".
inline std::string text_of(const DesiredService& one) {
    static const char* kinds[] = {"cluster", "node", "external", "lb"};
    std::string text = one.name + " " + to_string(one.protocol) + (one.family == Family::v4 ? " v4" : " v6") +
                       (one.group.empty() ? "" : " (" + one.group + ")") + ":";
    for (const DesiredFrontend& front : one.frontends)
        text += " " + std::string(kinds[static_cast<unsigned>(front.kind)]) + " " + to_string(front.address) + " " +
                std::to_string(front.port);
    text += " ->";
    for (const DesiredBackend& back : one.backends)
        text += " " + to_string(back.address) + " " + std::to_string(back.port);
    if (one.backends.empty()) text += one.when_empty == WhenEmpty::reject ? " reject" : " drop";
    return text;
}

class DesiredStateTest : public ::testing::Test {
protected:
    DesiredStateTest() {
        NetworkConfig& network = config_.networks.emplace_back();
        network.name = "demo";
        network.node_name = "gw";
        network.host_interface = "viaduct0";
        add_port("outside", 2, false);
        add_port("underlay", 3, false);
        add_port("viaduct0", 4, true);
        kernel_.interfaces = {{2, "eth0", "", {}, 1500, true, true}, {3, "eth1", "", {}, 1500, true, true}};
        kernel_.addresses = {{2, Ipv4(198, 51, 100, 1), 24, false},
                             {2, *parse_ip("fe80::1"), 64, true},
                             {3, Ipv4(192, 0, 2, 9), 24, false},
                             {3, *parse_ip("2001:db8::9"), 64, false}};
    }
    void add_port(const std::string& name, unsigned interface, bool host) {
        PortFacts& port = ports_.emplace_back();
        port.name = name;
        port.interface_name = name;
        port.interface_index = interface;
        port.host = host;
    }
    static Objects objects_of(const std::string& yaml) {
        Objects objects;
        for (const Object& object : objects_in(yaml)) objects.add(object);
        return objects;
    }
    const DesiredState& make(const std::string& yaml, const DesiredState* previous = nullptr) {
        objects_ = objects_of(yaml);
        const SourceObjects source{"demo", &objects_};
        out_ = desired_state({config_, {&source, 1}, kernel_, ports_, previous, &assigned_});
        return out_.state;
    }
    std::string services() const {
        std::string text;
        for (const DesiredService& one : out_.state.services) text += text_of(one) + "\n";
        return text;
    }
    std::string peers() const {
        std::string text;
        for (const DesiredPeer& peer : out_.state.peers) {
            text += peer.name + " " + to_string(peer.underlay) + " " + to_string(peer.vtep_mac);
            for (const IpPrefix& subnet : peer.pod_subnets) text += " " + to_string(subnet);
            text += "\n";
        }
        return text;
    }
    std::string findings() const { return text_of(out_.findings); }
    static std::string own_node() { return node("gw", 9); }

    Config config_;
    std::vector<PortFacts> ports_;
    KernelState kernel_;
    Objects objects_;
    Assignments assigned_;
    DesiredOutput out_;
};

}  // namespace viaduct
