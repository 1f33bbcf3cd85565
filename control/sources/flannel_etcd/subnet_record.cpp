// flannel's leases as they stand in etcd.
#include "control/sources/flannel_etcd/subnet_record.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "encap/net_text.h"

namespace viaduct {

namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string with_dash(const IpPrefix& prefix) {
    return to_string(prefix.address) + "-" + std::to_string(prefix.length);
}

std::optional<IpPrefix> without_dash(std::string_view text, Family family) {
    std::string prefix(text);
    const std::size_t dash = prefix.find('-');
    if (dash == std::string::npos) return {};
    prefix[dash] = '/';
    const auto parsed = parse_prefix(prefix);
    return parsed && parsed->is_v4() == (family == Family::v4) ? parsed : std::nullopt;
}

/// BackendData as an annotation would carry it: its JSON as text.
std::string data_in(const json& lease, const char* name) {
    const auto found = lease.find(name);
    return found == lease.end() || found->is_null() ? "" : found->dump();
}

std::string text_in(const json& lease, const char* name) {
    const auto found = lease.find(name);
    return found == lease.end() || found->is_null() ? "" : found->get<std::string>();
}

}  // namespace

std::string subnet_key(const SubnetPair& subnets) {
    return with_dash(subnets.v4) + (subnets.v6 ? "&" + with_dash(*subnets.v6) : "");
}

std::optional<SubnetPair> parse_subnet_key(std::string_view key) {
    const std::size_t both = key.find('&');
    const auto v4 = without_dash(key.substr(0, both), Family::v4);
    if (!v4) return {};
    if (both == std::string_view::npos) return SubnetPair{*v4, {}};
    const auto v6 = without_dash(key.substr(both + 1), Family::v6);
    return v6 ? std::optional(SubnetPair{*v4, *v6}) : std::nullopt;
}

std::string lease_text(const LeaseAttributes& attributes) {
    const ordered_json data = {{"VNI", attributes.vni.value()}, {"VtepMAC", to_string(attributes.vtep_mac)}};
    ordered_json lease;
    lease["PublicIP"] = to_string(attributes.public_ip);
    lease["PublicIPv6"] = attributes.public_ipv6 ? ordered_json(to_string(*attributes.public_ipv6)) : ordered_json();
    lease["BackendType"] = "vxlan";
    lease["BackendData"] = data;
    if (attributes.public_ipv6) lease["BackendV6Data"] = data;
    return lease.dump();
}

NodeObject node_of_lease(const std::string& name, const SubnetPair& subnets, const std::string& text) {
    try {
        const json lease = json::parse(text);
        NodeObject node;
        node.key = {ObjectKind::node, "", name};
        node.pod_cidrs.push_back(to_string(subnets.v4));
        if (subnets.v6) node.pod_cidrs.push_back(to_string(*subnets.v6));
        node.flannel = {true,
                        text_in(lease, "BackendType"),
                        data_in(lease, "BackendData"),
                        data_in(lease, "BackendV6Data"),
                        text_in(lease, "PublicIP"),
                        text_in(lease, "PublicIPv6")};
        node.flannel.v4_alone = !subnets.v6;
        return node;
    } catch (const json::exception& wrong) {
        throw std::invalid_argument(std::string("is no lease of flannel's: ") + wrong.what());
    }
}

}  // namespace viaduct
