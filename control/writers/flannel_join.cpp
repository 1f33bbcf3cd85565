// How the gateway becomes a node of a flannel network.
#include "control/writers/flannel_join.h"

#include <nlohmann/json.hpp>

#include "control/desired/flannel.h"
#include "control/writers/node_lease.h"
#include "encap/net_text.h"

namespace viaduct {

namespace {

using nlohmann::json;

constexpr const char* prefix = "flannel.alpha.coreos.com/";
constexpr const char* nodes = "/api/v1/nodes";

/// One family's annotations.
struct Side {
    std::string data, address;
    [[nodiscard]] bool says(const Side& other) const {
        return trimmed() == other.trimmed() && address == other.address;
    }

private:
    [[nodiscard]] std::string trimmed() const {
        return data.substr(std::min(data.find_first_not_of(' '), data.size()));
    }
};

/// Exactly this text: flanneld finds its own MAC address by cutting it at the last `:"`.
std::string backend_data(const DesiredNetwork& network) {
    return "{\"VNI\":" + std::to_string(network.vni.value()) + ",\"VtepMAC\":\"" + to_string(network.vtep_mac) + "\"}";
}

/// Behind an address translation the operator says which address nodes reach it by.
std::string announced(const std::string& overwrite, const IpAddress& vtep) {
    const auto address = parse_ip(overwrite);
    return address && address->is_v4() == vtep.is_v4() ? to_string(*address) : to_string(vtep);
}

Side side_v4(const DesiredNetwork& network, const NodeObject::Flannel& own = {}) {
    if (!network.vtep_v4) return {};
    return {backend_data(network), announced(own.public_ip_overwrite, *network.vtep_v4)};
}
Side side_v6(const DesiredNetwork& network, const NodeObject::Flannel& own = {}) {
    if (!network.vtep_v6) return {};
    return {backend_data(network), announced(own.public_ipv6_overwrite, *network.vtep_v6)};
}

void toggle_space(Side& side) {
    if (side.data.starts_with(' '))
        side.data.erase(0, 1);
    else
        side.data.insert(0, 1, ' ');
}

json annotations_of(const Side& v4, const Side& v6) {
    json annotations;
    const auto set = [&](const char* name, const std::string& value) {
        annotations[std::string(prefix) + name] = value.empty() ? json() : json(value);
    };
    set("kube-subnet-manager", "true");
    set("backend-type", "vxlan");
    set("backend-data", v4.data);
    set("public-ip", v4.address);
    set("backend-v6-data", v6.data);
    set("public-ipv6", v6.address);
    return annotations;
}

std::optional<json> changed_annotations(const DesiredNetwork& network, const NodeObject& own) {
    const NodeObject::Flannel& now = own.flannel;
    const Side old_v4{now.backend_data, now.public_ip}, old_v6{now.backend_v6_data, now.public_ipv6};
    Side v4 = side_v4(network, now), v6 = side_v6(network, now);
    const bool same_v4 = v4.says(old_v4), same_v6 = v6.says(old_v6), same_type = now.backend_type == "vxlan";
    if (now.managed && same_type && same_v4 && same_v6) return {};
    // What stays is written as it stands; and when the other side changes, so that nodes notice, one space beside it.
    if (same_v4) v4 = old_v4;
    if (same_v6) v6 = old_v6;
    if (same_type && same_v4 && !same_v6 && !v4.data.empty()) toggle_space(v4);
    if (same_type && same_v6 && !same_v4 && !v6.data.empty()) toggle_space(v6);
    return annotations_of(v4, v6);
}

json pod_cidrs(const NetworkConfig& config) {
    json cidrs = json::array();
    if (config.pod_subnet_v4) cidrs.push_back(to_string(*config.pod_subnet_v4));
    if (config.pod_subnet_v6) cidrs.push_back(to_string(*config.pod_subnet_v6));
    return cidrs;
}

/// Ready, for cloud controllers delete Nodes that are not ready and that they know no machine of.
json conditions() {
    const auto condition = [](const char* type, const char* status) {
        return json{{"type", type},
                    {"status", status},
                    {"reason", "ViaductIsUp"},
                    {"message", "Viaduct, an overlay gateway, is running"}};
    };
    return {condition("Ready", "True"), condition("NetworkUnavailable", "False")};
}

/// Tainted, for no kubelet runs pods there.
json new_node(const NetworkConfig& config, const DesiredNetwork& network) {
    json annotations = annotations_of(side_v4(network), side_v6(network));
    std::erase_if(annotations.get_ref<json::object_t&>(), [](const auto& one) { return one.second.is_null(); });
    json node = {{"apiVersion", "v1"},
                 {"kind", "Node"},
                 {"metadata",
                  {{"name", config.node_name},
                   {"labels",
                    {{"viaduct.dev/gateway", "true"}, {"node.kubernetes.io/exclude-from-external-load-balancers", ""}}},
                   {"annotations", annotations}}},
                 {"spec",
                  {{"unschedulable", true},
                   {"taints", {{{"key", "viaduct.dev/gateway"}, {"value", "true"}, {"effect", "NoSchedule"}}}}}},
                 {"status", {{"conditions", conditions()}}}};
    const json cidrs = pod_cidrs(config);
    if (!cidrs.empty()) {
        node["spec"]["podCIDR"] = cidrs.front();
        node["spec"]["podCIDRs"] = cidrs;
    }
    return node;
}

/// podCIDRs of a Node cannot be changed.
void check_pod_cidrs(const NetworkConfig& config, const NodeObject& own, std::vector<Finding>& findings) {
    const auto check = [&](const IpPrefix& wanted, Family family) {
        const auto has = pod_subnet_of(own, family);
        if (has && *has != wanted)
            findings.push_back(
                {Severity::error, to_string(own.key),
                 "has the pod subnet " + to_string(*has) + ", but " + to_string(wanted) +
                     " is configured: nodes send replies to the former",
                 "correct pod-subnet of network " + config.name + ", or delete the Node so that it can be made anew"});
    };
    if (config.pod_subnet_v4) check(*config.pod_subnet_v4, Family::v4);
    if (config.pod_subnet_v6) check(*config.pod_subnet_v6, Family::v6);
}

}  // namespace

std::optional<ApiRequest> join_request(const NetworkConfig& config, const DesiredNetwork& network,
                                       const NodeObject* own, std::vector<Finding>& findings) {
    if (config.join == Join::off || (!network.vtep_v4 && !network.vtep_v6)) return {};
    if (own == nullptr && config.join == Join::annotate) return {};  // the network's own findings say so
    if (own == nullptr) return ApiRequest{"POST", nodes, json_body, new_node(config, network).dump()};
    if (config.join == Join::node && !own->is_gateway) {
        findings.push_back({Severity::error, to_string(own->key), "exists, but not as a gateway's: it is left as it is",
                            "choose a node-name of its own for the gateway, or join = annotate"});
        return {};
    }
    check_pod_cidrs(config, *own, findings);
    json changes;
    if (const auto annotations = changed_annotations(network, *own)) changes["metadata"]["annotations"] = *annotations;
    // While no gateway renewed its Lease, the node controller has taken it for dead. It never calls one alive again.
    if (config.join == Join::node && !own->is_ready) changes["status"]["conditions"] = conditions();
    if (changes.is_null()) return {};
    return ApiRequest{"PATCH", std::string(nodes) + "/" + config.node_name + "/status", strategic_merge_patch,
                      changes.dump()};
}

std::vector<ApiRequest> leave_requests(const NetworkConfig& config, const NodeObject* own) {
    if (config.join == Join::off || own == nullptr) return {};
    const std::string node = std::string(nodes) + "/" + config.node_name;
    if (config.join == Join::node) {
        if (!own->is_gateway) return {};
        // This very Node, should somebody make another of its name meanwhile.
        const json options = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"preconditions", {{"uid", own->uid}}}};
        return {{"DELETE", node_lease_path(config.node_name), "", ""},
                {"DELETE", node, json_body, own->uid.empty() ? "{}" : options.dump()}};
    }
    NodeObject::Flannel not_ours;
    not_ours.public_ip_overwrite = own->flannel.public_ip_overwrite;
    not_ours.public_ipv6_overwrite = own->flannel.public_ipv6_overwrite;
    if (own->flannel == not_ours) return {};
    json annotations = annotations_of({}, {});
    for (auto& annotation : annotations) annotation = nullptr;
    return {
        {"PATCH", node + "/status", strategic_merge_patch, json{{"metadata", {{"annotations", annotations}}}}.dump()}};
}

}  // namespace viaduct
