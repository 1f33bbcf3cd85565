// flannel's reading of a Node.
#include "control/desired/flannel.h"

#include <nlohmann/json.hpp>

#include "encap/net_text.h"

namespace viaduct {

namespace {

LeaseSide side_of(const NodeObject& node, Family family) {
    const bool v4 = family == Family::v4;
    const std::string suffix = v4 ? "public-ip" : "public-ipv6", data_name = v4 ? "backend-data" : "backend-v6-data";
    const std::string& address_text = v4 ? node.flannel.public_ip : node.flannel.public_ipv6;
    const std::string& data = v4 ? node.flannel.backend_data : node.flannel.backend_v6_data;

    const auto address = parse_ip(address_text);
    if (!address || address->is_v4() != v4)
        throw NoLease("its annotation " + suffix + " is '" + address_text + "'",
                      "annotate it with its underlay address");
    const auto mac = vtep_mac_of(data);
    if (!mac)
        throw NoLease("its annotation " + data_name + " is '" + data + "'",
                      R"(write {"VNI":1,"VtepMAC":"12:34:…"} as valid JSON)");
    const auto subnet = pod_subnet_of(node, family);
    if (!subnet)
        throw NoLease(std::string("it has no ") + (v4 ? "IPv4" : "IPv6") + " pod CIDR", "give it one in spec.podCIDRs");
    return {*address, *mac, *subnet};
}

}  // namespace

Lease lease_of(const NodeObject& node, bool v4, bool v6) {
    if (node.flannel.backend_type != "vxlan")
        throw NoLease("its annotation backend-type is '" + node.flannel.backend_type + "'", "only vxlan can be joined");
    if (node.pod_cidrs.size() > 2) throw NoLease("it has more than two pod CIDRs", "leave one for each family");
    Lease lease;
    if (v4) lease.v4 = side_of(node, Family::v4);
    if (v6 && !node.flannel.v4_alone) lease.v6 = side_of(node, Family::v6);
    return lease;
}

std::optional<Mac> vtep_mac_of(const std::string& backend_data) {
    const auto json = nlohmann::json::parse(backend_data, nullptr, false);
    if (!json.is_object() || !json.contains("VtepMAC") || !json["VtepMAC"].is_string()) return {};
    const auto mac = parse_mac(json["VtepMAC"].get<std::string>());
    return mac && !mac->is_multicast() && !mac->is_zero() ? mac : std::nullopt;
}

std::optional<IpPrefix> pod_subnet_of(const NodeObject& node, Family family) {
    for (const std::string& text : node.pod_cidrs)
        if (const auto prefix = parse_prefix(text); prefix && prefix->is_v4() == (family == Family::v4)) return prefix;
    return {};
}

}  // namespace viaduct
