// Where Calico and Cilium keep what.
#include "control/objects/parse_overlay.h"

#include <algorithm>
#include <sstream>

#include "control/objects/json_tree.h"
#include "control/objects/yaml_tree.h"
#include "encap/prefixes.h"

namespace viaduct {

namespace {

constexpr const char* calico_group = "crd.projectcalico.org/v1";
constexpr const char* cilium_group = "cilium.io/v2";

template <Tree T>
PoolTunnel tunnel_of(const Field<T>& field) {
    // An empty mode is what old clients wrote for Never.
    return field.choice(PoolTunnel::never, {{"Always", PoolTunnel::always},
                                            {"CrossSubnet", PoolTunnel::cross_subnet},
                                            {"Never", PoolTunnel::never},
                                            {"", PoolTunnel::never}});
}

template <Tree T>
IpPool parse_ip_pool(const ObjectKey& key, const Field<T>& spec) {
    return {key,
            spec["cidr"].prefix(),
            tunnel_of(spec["vxlanMode"]),
            tunnel_of(spec["ipipMode"]),
            spec["natOutgoing"].flag_or(false),
            spec["disabled"].flag_or(false)};
}

template <Tree T>
BlockAffinity parse_block_affinity(const ObjectKey& key, const Field<T>& spec) {
    const bool deleted = spec["deleted"].flag_or(false);
    // A "virtual" affinity holds load-balancer addresses: no node's.
    const bool host = spec["type"].text_or("host") == "host";
    return {key, spec["cidr"].prefix(), spec["node"].text(),
            host && !deleted && spec["state"].text_or("") == "confirmed"};
}

/// The node that an allocation's attributes name; "": none.
template <Tree T>
std::string holder_of(const Field<T>& allocation, const std::vector<Field<T>>& attributes) {
    const auto index = allocation.template number<std::uint32_t>(0, 0xffffffff);
    if (index >= attributes.size()) allocation.fail("has no entry in spec.attributes: correct it");
    return attributes[index]["secondary"]["node"].text_or("");
}

template <Tree T>
IpamBlock parse_ipam_block(const ObjectKey& key, const Field<T>& spec) {
    constexpr const char* host = "host:";
    IpamBlock block{key, spec["cidr"].prefix(), "", {}, spec["unallocated"].items().empty()};
    if (const std::string affinity = spec["affinity"].text_or(""); affinity.starts_with(host))
        block.node = affinity.substr(std::char_traits<char>::length(host));
    const std::vector<Field<T>> allocations = spec["allocations"].items(), attributes = spec["attributes"].items();
    for (std::uint32_t i = 0; i < allocations.size(); ++i) {
        if (!allocations[i].present()) continue;
        const IpAddress address = address_in(block.cidr, i);
        if (!block.cidr.contains(address)) allocations[i].fail("is beyond the block's end: correct spec.cidr");
        const std::string node = holder_of(allocations[i], attributes);
        if (!node.empty() && node != block.node) block.borrowed.push_back({address, node});
    }
    return block;
}

/// An address is a prefix of its own here, as felix takes it.
template <Tree T>
IpPrefix prefix_or_address(const Field<T>& field) {
    const auto address = parse_ip(field.text());
    return address ? IpPrefix(*address, address->bits()) : field.prefix();
}

template <Tree T>
FelixConfig parse_felix_config(const ObjectKey& key, const Field<T>& spec) {
    FelixConfig felix;
    felix.key = key;
    if (spec["vxlanVNI"].present()) felix.vxlan_vni = Vni(spec["vxlanVNI"].template number<std::uint32_t>(0, Vni::max));
    if (spec["vxlanPort"].present()) felix.vxlan_port = spec["vxlanPort"].template number<std::uint16_t>(1, last_port);
    felix.vxlan_mtu = spec["vxlanMTU"].template number_or<std::uint16_t>(0, 0, last_port);
    felix.vxlan_mtu_v6 = spec["vxlanMTUV6"].template number_or<std::uint16_t>(0, 0, last_port);
    for (const Field<T>& one : spec["externalNodesList"].items())
        felix.external_nodes.push_back(prefix_or_address(one));
    return felix;
}

template <Tree T>
CiliumNode parse_cilium_node(const ObjectKey& key, const Field<T>& spec) {
    CiliumNode node;
    node.key = key;
    for (const Field<T>& one : spec["addresses"].items())
        if (one["ip"].present()) node.addresses.push_back({one["type"].text_or(""), one["ip"].address()});
    const auto add = [&](const Field<T>& cidrs) {
        for (const Field<T>& one : cidrs.items())
            if (const IpPrefix cidr = one.prefix(); std::ranges::find(node.pod_cidrs, cidr) == node.pod_cidrs.end())
                node.pod_cidrs.push_back(cidr);
    };
    add(spec["ipam"]["podCIDRs"]);
    for (const Field<T>& pool : spec["ipam"]["pools"]["allocated"].items()) add(pool["cidrs"]);
    return node;
}

std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> words;
    std::istringstream in(text);
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

std::string carrier_of(const std::string& routing, const std::string& protocol, const std::string& old_tunnel) {
    if (routing == "native" || old_tunnel == "disabled") return "native";
    if (!protocol.empty()) return protocol;
    return old_tunnel.empty() ? "vxlan" : old_tunnel;
}

/// The lists of endpoints, CIDRs and MACs: the n-th of each belong together.
template <Tree T>
std::vector<CiliumConfig::Vtep> vteps_of(const Field<T>& data) {
    std::vector<CiliumConfig::Vtep> vteps;
    const auto endpoints = words_of(data["vtep-endpoint"].text_or("")), cidrs = words_of(data["vtep-cidr"].text_or("")),
               macs = words_of(data["vtep-mac"].text_or(""));
    if (endpoints.size() != cidrs.size() || endpoints.size() != macs.size())
        data["vtep-endpoint"].fail("has another length than vtep-cidr or vtep-mac: give each endpoint one of both");
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
        const auto endpoint = parse_ip(endpoints[i]);
        const auto cidr = parse_prefix(cidrs[i]);
        const auto mac = parse_mac(macs[i]);
        if (!endpoint) data["vtep-endpoint"].fail("has '" + endpoints[i] + "': write an address");
        if (!cidr) data["vtep-cidr"].fail("has '" + cidrs[i] + "': write a prefix");
        if (!mac) data["vtep-mac"].fail("has '" + macs[i] + "': write a MAC address");
        vteps.push_back({*endpoint, *cidr, *mac});
    }
    return vteps;
}

}  // namespace

std::optional<ObjectKind> overlay_kind_named(const std::string& kind, const std::string& api_version) {
    const auto is = [&](ObjectKind known, const char* group) {
        return kind == to_string(known) && (api_version.empty() || api_version == group);
    };
    for (const ObjectKind known :
         {ObjectKind::ip_pool, ObjectKind::block_affinity, ObjectKind::ipam_block, ObjectKind::felix_config})
        if (is(known, calico_group)) return known;
    return is(ObjectKind::cilium_node, cilium_group) ? std::optional(ObjectKind::cilium_node) : std::nullopt;
}

template <Tree T>
std::optional<Object> parse_overlay_object(const ObjectKey& key, const Field<T>& root) {
    const Field<T> spec = root["spec"];
    switch (key.kind) {
        case ObjectKind::ip_pool:
            return std::make_shared<const IpPool>(parse_ip_pool(key, spec));
        case ObjectKind::block_affinity:
            return std::make_shared<const BlockAffinity>(parse_block_affinity(key, spec));
        case ObjectKind::ipam_block:
            return std::make_shared<const IpamBlock>(parse_ipam_block(key, spec));
        case ObjectKind::felix_config:
            // Those of single nodes do not concern the others.
            if (key.name != "default") return {};
            return std::make_shared<const FelixConfig>(parse_felix_config(key, spec));
        case ObjectKind::cilium_node:
            return std::make_shared<const CiliumNode>(parse_cilium_node(key, spec));
        default:
            return {};
    }
}

template <Tree T>
Object parse_cilium_config(const ObjectKey& key, const Field<T>& root) {
    const Field<T> data = root["data"];
    CiliumConfig config;
    config.key = key;
    config.mode =
        carrier_of(data["routing-mode"].text_or(""), data["tunnel-protocol"].text_or(""), data["tunnel"].text_or(""));
    config.tunnel_port = data["tunnel-port"].template number_or<std::uint16_t>(0, 0, last_port);
    config.mtu = data["mtu"].template number_or<std::uint16_t>(0, 0, last_port);
    for (const char* name : {"cluster-pool-ipv4-cidr", "cluster-pool-ipv6-cidr"})
        for (const std::string& word : words_of(data[name].text_or(""))) {
            const auto cidr = parse_prefix(word);
            if (!cidr) data[name].fail("has '" + word + "': write a prefix as in 10.0.0.0/8");
            config.pool_cidrs.push_back(*cidr);
        }
    if (data["enable-vtep"].flag_or(false)) config.vteps = vteps_of(data);
    config.vtep_mask = data["vtep-mask"].text_or("");
    return std::make_shared<const CiliumConfig>(std::move(config));
}

template <Tree T>
void parse_overlay_notes(NodeObject& node, const Field<T>& root) {
    const Field<T> notes = root["metadata"]["annotations"];
    const auto calico = [&](const char* name) { return notes[std::string("projectcalico.org/") + name].text_or(""); };
    node.calico_v4 = {calico("IPv4Address"), calico("IPv4VXLANTunnelAddr"), calico("VXLANTunnelMACAddr")};
    node.calico_v6 = {calico("IPv6Address"), calico("IPv6VXLANTunnelAddr"), calico("VXLANTunnelMACAddrV6")};
    for (const std::string family : {"ipv4", "ipv6"}) {
        const std::string old = notes["io.cilium.network." + family + "-pod-cidr"].text_or("");
        const std::string cidr = notes["network.cilium.io/" + family + "-pod-cidr"].text_or(old);
        if (!cidr.empty()) node.cilium_pod_cidrs.push_back(cidr);
    }
    for (const Field<T>& one : root["status"]["addresses"].items())
        if (one["type"].text_or("") == "InternalIP") node.internal_addresses.push_back(one["address"].text_or(""));
}

template std::optional<Object> parse_overlay_object(const ObjectKey&, const Field<YamlTree>&);
template std::optional<Object> parse_overlay_object(const ObjectKey&, const Field<JsonTree>&);
template Object parse_cilium_config(const ObjectKey&, const Field<YamlTree>&);
template Object parse_cilium_config(const ObjectKey&, const Field<JsonTree>&);
template void parse_overlay_notes(NodeObject&, const Field<YamlTree>&);
template void parse_overlay_notes(NodeObject&, const Field<JsonTree>&);

}  // namespace viaduct
