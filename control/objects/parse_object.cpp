// Where Kubernetes keeps what.
#include "control/objects/parse_object.h"

#include "control/objects/json_tree.h"
#include "control/objects/net_conf.h"
#include "control/objects/parse_overlay.h"
#include "control/objects/time_text.h"
#include "control/objects/yaml_tree.h"

namespace viaduct {

namespace {

constexpr std::uint32_t default_affinity_seconds = 10'800;  // Kubernetes' own

template <Tree T>
Protocol protocol_of(const Field<T>& field) {
    return field.choice(Protocol::tcp, {{"TCP", Protocol::tcp}, {"UDP", Protocol::udp}, {"SCTP", Protocol::sctp}});
}

template <Tree T>
std::vector<std::string> texts(const Field<T>& list) {
    std::vector<std::string> texts;
    for (const Field<T>& item : list.items()) texts.push_back(item.text());
    return texts;
}

template <Tree T>
std::vector<IpAddress> addresses(const Field<T>& list) {
    std::vector<IpAddress> addresses;
    for (const Field<T>& item : list.items()) addresses.push_back(item.address());
    return addresses;
}

template <Tree T>
bool is_ready(const Field<T>& status) {
    for (const Field<T>& one : status["conditions"].items())
        if (one["type"].text_or("") == "Ready") return one["status"].text_or("") == "True";
    return false;
}

template <Tree T>
NodeObject parse_node(const ObjectKey& key, const Field<T>& root) {
    NodeObject node;
    node.key = key;
    node.uid = root["metadata"]["uid"].text_or("");
    node.is_gateway = root["metadata"]["labels"]["viaduct.dev/gateway"].text_or("") == "true";
    node.is_ready = node.is_gateway && is_ready(root["status"]);
    node.zone = root["metadata"]["labels"]["topology.kubernetes.io/zone"].text_or("");
    node.pod_cidrs = texts(root["spec"]["podCIDRs"]);
    if (node.pod_cidrs.empty() && root["spec"]["podCIDR"].present()) node.pod_cidrs = {root["spec"]["podCIDR"].text()};
    const Field<T> annotations = root["metadata"]["annotations"];
    const auto annotation = [&](const char* name) {
        return annotations[std::string("flannel.alpha.coreos.com/") + name].text_or("");
    };
    node.flannel = {annotation("kube-subnet-manager") == "true",
                    annotation("backend-type"),
                    annotation("backend-data"),
                    annotation("backend-v6-data"),
                    annotation("public-ip"),
                    annotation("public-ipv6"),
                    false,
                    annotation("public-ip-overwrite"),
                    annotation("public-ipv6-overwrite")};
    parse_overlay_notes(node, root);
    return node;
}

template <Tree T>
ServicePort parse_service_port(const Field<T>& port) {
    return {port["name"].text_or(""), protocol_of(port["protocol"]),
            port["port"].template number<std::uint16_t>(1, last_port),
            port["nodePort"].template number_or<std::uint16_t>(0, 0, last_port)};
}

template <Tree T>
void parse_cluster_ips(ServiceObject& service, const Field<T>& spec) {
    std::vector<Field<T>> fields = spec["clusterIPs"].items();
    if (fields.empty() && spec["clusterIP"].present()) fields.push_back(spec["clusterIP"]);
    for (const Field<T>& field : fields) {
        const std::string text = field.text();
        if (text == "None") service.headless = true;
        if (text != "None" && !text.empty()) service.cluster_ips.push_back(field.address());
    }
}

/// A single range, with the spaces that people leave around it.
template <Tree T>
IpPrefix source_range(std::string text, const Field<T>& field) {
    text.erase(0, text.find_first_not_of(" \t"));
    text.erase(text.find_last_not_of(" \t") + 1);
    const auto prefix = parse_prefix(text);
    if (!prefix) field.fail("has '" + text + "': write a prefix as in 198.51.100.0/24");
    return *prefix;
}

template <Tree T>
std::vector<IpPrefix> source_ranges(const Field<T>& root) {
    std::vector<IpPrefix> ranges;
    for (const Field<T>& item : root["spec"]["loadBalancerSourceRanges"].items())
        ranges.push_back(source_range(item.text(), item));
    const Field<T> annotation =
        root["metadata"]["annotations"]["service.beta.kubernetes.io/load-balancer-source-ranges"];
    if (!ranges.empty() || annotation.text_or("").empty()) return ranges;
    const std::string text = annotation.text();
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        ranges.push_back(source_range(text.substr(at, comma - at), annotation));
        at = comma + 1;
    }
    return ranges;
}

template <Tree T>
std::uint32_t affinity(const Field<T>& spec) {
    if (!spec["sessionAffinity"].choice(false, {{"None", false}, {"ClientIP", true}})) return 0;
    const Field<T> timeout = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"];
    return timeout.template number_or<std::uint32_t>(default_affinity_seconds, 1, 86'400);
}

template <Tree T>
void parse_load_balancer(ServiceObject& service, const Field<T>& root) {
    const Field<T> annotations = root["metadata"]["annotations"], spec = root["spec"];
    service.load_balancer = spec["type"].text_or("") == "LoadBalancer";
    service.load_balancer_class = spec["loadBalancerClass"].text_or("");
    service.wish.addresses = annotations["viaduct.dev/addresses"].text_or(spec["loadBalancerIP"].text_or(""));
    service.wish.pool = annotations["viaduct.dev/pool"].text_or("");
    service.wish.sharing_key = annotations["viaduct.dev/share"].text_or("");
    for (const Field<T>& ingress : root["status"]["loadBalancer"]["ingress"].items()) {
        std::string& text = service.ingress_text;
        if (!text.empty()) text += ",";
        if (ingress["ip"].present()) {
            service.ingress_ips.push_back(ingress["ip"].address());
            text += to_string(service.ingress_ips.back()) + " " + ingress["ipMode"].text_or("VIP");
        } else {
            text += ingress["hostname"].text_or("");
        }
    }
}

template <Tree T>
ServiceObject parse_service(const ObjectKey& key, const Field<T>& root) {
    const Field<T> spec = root["spec"], labels = root["metadata"]["labels"];
    const auto policy = [&](const char* name) {
        return spec[name].choice(TrafficPolicy::cluster,
                                 {{"Cluster", TrafficPolicy::cluster}, {"Local", TrafficPolicy::local}});
    };
    ServiceObject service;
    service.key = key;
    service.external_name = spec["type"].text_or("") == "ExternalName";
    service.headless = labels["service.kubernetes.io/headless"].present();
    service.proxy_name = labels["service.kubernetes.io/service-proxy-name"].text_or("");
    service.uid = root["metadata"]["uid"].text_or("");
    parse_load_balancer(service, root);
    parse_cluster_ips(service, spec);
    for (const Field<T>& family : spec["ipFamilies"].items())
        service.families.push_back(family.choice(Family::v4, {{"IPv4", Family::v4}, {"IPv6", Family::v6}}));
    service.family_policy =
        spec["ipFamilyPolicy"].choice(FamilyPolicy::unset, {{"SingleStack", FamilyPolicy::single},
                                                            {"PreferDualStack", FamilyPolicy::prefer_dual},
                                                            {"RequireDualStack", FamilyPolicy::require_dual}});
    service.external_ips = addresses(spec["externalIPs"]);
    for (const Field<T>& port : spec["ports"].items()) service.ports.push_back(parse_service_port(port));
    service.source_ranges = source_ranges(root);
    service.internal_policy = policy("internalTrafficPolicy");
    service.external_policy = policy("externalTrafficPolicy");
    service.affinity_seconds = affinity(spec);
    service.publish_not_ready = spec["publishNotReadyAddresses"].flag_or(false);
    return service;
}

template <Tree T>
Endpoint parse_endpoint(const Field<T>& field) {
    const std::vector<Field<T>> addresses = field["addresses"].items();
    if (addresses.empty()) field["addresses"].fail("is empty: list the endpoint's address");
    Endpoint endpoint;
    endpoint.address = addresses.front().address();  // only the first counts: Kubernetes calls them fungible
    const Field<T> conditions = field["conditions"];
    endpoint.ready = conditions["ready"].flag_or(true);
    endpoint.serving = conditions["serving"].flag_or(true);
    endpoint.terminating = conditions["terminating"].flag_or(false);
    endpoint.node_name = field["nodeName"].text_or("");
    for (const Field<T>& hint : field["hints"]["forZones"].items()) endpoint.zone_hints.push_back(hint["name"].text());
    for (const Field<T>& hint : field["hints"]["forNodes"].items()) endpoint.node_hints.push_back(hint["name"].text());
    return endpoint;
}

template <Tree T>
EndpointPort parse_endpoint_port(const Field<T>& port) {
    return {port["name"].text_or(""), protocol_of(port["protocol"]),
            port["port"].template number_or<std::uint16_t>(0, 0, last_port)};
}

template <Tree T>
EndpointSlice parse_slice(const ObjectKey& key, const Field<T>& root) {
    using Kind = std::optional<Family>;
    EndpointSlice slice;
    slice.key = key;
    slice.service = root["metadata"]["labels"]["kubernetes.io/service-name"].text_or("");
    const Field<T> changed_at = root["metadata"]["annotations"]["endpoints.kubernetes.io/last-change-trigger-time"];
    slice.changed_at = parse_time(changed_at.text_or("")).value_or(slice.changed_at);
    if (!root["addressType"].present()) root["addressType"].fail("is missing: write IPv4 or IPv6");
    slice.family =
        root["addressType"].choice(Kind(), {{"IPv4", Kind(Family::v4)}, {"IPv6", Kind(Family::v6)}, {"FQDN", Kind()}});
    if (!slice.family) return slice;
    for (const Field<T>& field : root["endpoints"].items()) {
        slice.endpoints.push_back(parse_endpoint(field));
        if (slice.endpoints.back().address.is_v4() != (slice.family == Family::v4))
            field["addresses"].fail("is not of the slice's addressType: move it to a slice of its own family");
    }
    for (const Field<T>& port : root["ports"].items()) slice.ports.push_back(parse_endpoint_port(port));
    return slice;
}

template <Tree T>
void add_subset(Endpoints& endpoints, const Field<T>& subset) {
    EndpointSlice v4, v6;
    v4.key = v6.key = endpoints.key;
    v4.service = v6.service = endpoints.key.name;
    v4.family = Family::v4;
    v6.family = Family::v6;
    for (const Field<T>& port : subset["ports"].items()) v4.ports.push_back(parse_endpoint_port(port));
    v6.ports = v4.ports;
    for (const auto& [list, ready] : {std::pair("addresses", true), std::pair("notReadyAddresses", false)})
        for (const Field<T>& item : subset[list].items()) {
            Endpoint endpoint;
            endpoint.address = item["ip"].address();
            endpoint.ready = endpoint.serving = ready;
            endpoint.node_name = item["nodeName"].text_or("");
            (endpoint.address.is_v4() ? v4 : v6).endpoints.push_back(endpoint);
        }
    for (EndpointSlice* slice : {&v4, &v6})
        if (!slice->endpoints.empty()) endpoints.slices.push_back(std::move(*slice));
}

template <Tree T>
Endpoints parse_endpoints(const ObjectKey& key, const Field<T>& root) {
    Endpoints endpoints{key, false, {}};
    const Field<T> metadata = root["metadata"];
    // Leader election once kept its lock in Endpoints objects: those are nobody's backends.
    endpoints.skip_mirror = metadata["labels"]["endpointslice.kubernetes.io/skip-mirror"].text_or("") == "true" ||
                            metadata["annotations"]["control-plane.alpha.kubernetes.io/leader"].present();
    for (const Field<T>& subset : root["subsets"].items()) add_subset(endpoints, subset);
    return endpoints;
}

template <Tree T>
std::optional<Object> parse_config_map(const ObjectKey& key, const Field<T>& root) {
    if (key.name == "cilium-config") return parse_cilium_config(key, root);
    const Field<T> text = root["data"]["net-conf.json"];
    if (!text.present()) return {};
    try {
        return std::make_shared<const FlannelConfig>(read_net_conf(key, text.text()));
    } catch (const std::invalid_argument& wrong) {
        text.fail(wrong.what());
    }
}

}  // namespace

std::optional<ObjectKind> kind_named(const std::string& kind, const std::string& api_version) {
    const bool core = api_version.empty() || api_version == "v1";
    if (core && kind == "Node") return ObjectKind::node;
    if (core && kind == "Service") return ObjectKind::service;
    if (core && kind == "Endpoints") return ObjectKind::endpoints;
    if (core && kind == "ConfigMap") return ObjectKind::config_map;
    if (core && kind == "Namespace") return ObjectKind::name_space;
    if (kind == "EndpointSlice" && (api_version.empty() || api_version == "discovery.k8s.io/v1"))
        return ObjectKind::endpoint_slice;
    return overlay_kind_named(kind, api_version);
}

template <Tree T>
std::optional<Object> parse_object(const ObjectKey& key, const Field<T>& root) {
    switch (key.kind) {
        case ObjectKind::node:
            return std::make_shared<const NodeObject>(parse_node(key, root));
        case ObjectKind::service:
            return std::make_shared<const ServiceObject>(parse_service(key, root));
        case ObjectKind::endpoint_slice:
            return std::make_shared<const EndpointSlice>(parse_slice(key, root));
        case ObjectKind::endpoints:
            return std::make_shared<const Endpoints>(parse_endpoints(key, root));
        case ObjectKind::config_map:
            return parse_config_map(key, root);
        case ObjectKind::name_space:
            return std::make_shared<const NamespaceObject>(NamespaceObject{key, root["metadata"]["labels"].texts()});
        default:
            return parse_overlay_object(key, root);
    }
}
template std::optional<Object> parse_object(const ObjectKey&, const Field<YamlTree>&);
template std::optional<Object> parse_object(const ObjectKey&, const Field<JsonTree>&);

}  // namespace viaduct
