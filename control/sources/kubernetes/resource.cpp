// Where the API keeps what the gateway follows.
#include "control/sources/kubernetes/resource.h"

#include <cctype>

namespace viaduct {

namespace {

/// kube-proxy's: Services of another proxy and headless ones are nobody's to serve, nor are their slices.
constexpr const char* proxied = "!service.kubernetes.io/service-proxy-name,!service.kubernetes.io/headless";

Resource config_map(const std::string& name_space, const std::string& name) {
    return {ObjectKind::config_map, "configmaps", "", name_space, "", "metadata.name=" + name, false, "v1", ""};
}

Resource calico(ObjectKind kind, const std::string& name, const std::string& field_selector = "") {
    return {kind,  name, "crd.projectcalico.org",
            "",    "",   field_selector,
            false, "v1", "install Calico with the Kubernetes datastore, or correct type of the network"};
}

std::vector<Resource> overlay_resources(NetworkType type) {
    switch (type) {
        case NetworkType::flannel:
            return {config_map("kube-flannel", "kube-flannel-cfg"), config_map("kube-system", "kube-flannel-cfg")};
        case NetworkType::calico:
            return {calico(ObjectKind::ip_pool, "ippools"), calico(ObjectKind::block_affinity, "blockaffinities"),
                    calico(ObjectKind::ipam_block, "ipamblocks"),
                    calico(ObjectKind::felix_config, "felixconfigurations", "metadata.name=default")};
        case NetworkType::cilium:
            return {{ObjectKind::cilium_node, "ciliumnodes", "cilium.io", "", "", "", false, "v2",
                     "install Cilium with its CRDs; until then its Nodes' podCIDRs count"},
                    config_map("kube-system", "cilium-config")};
        case NetworkType::fixed:
            break;
    }
    return {};
}

}  // namespace

std::vector<Resource> followed_resources(NetworkType type, bool namespaces) {
    std::vector<Resource> all{
        {ObjectKind::node, "nodes", "", "", "", "", true, "v1", ""},
        {ObjectKind::service, "services", "", "", proxied, "", true, "v1", ""},
        {ObjectKind::endpoint_slice, "endpointslices", "discovery.k8s.io", "", proxied, "", true, "v1", ""}};
    if (namespaces) all.push_back({ObjectKind::name_space, "namespaces", "", "", "", "", true, "v1", ""});
    for (Resource& one : overlay_resources(type)) all.push_back(std::move(one));
    return all;
}

std::string Resource::title() const { return name_space.empty() ? name : name + " in " + name_space; }

std::string Resource::path(const std::string& parameters) const {
    std::string path = group.empty() ? "/api/" + version + "/" : "/apis/" + group + "/" + version + "/";
    if (!name_space.empty()) path += "namespaces/" + name_space + "/";
    path += name + "?" + parameters;
    if (!label_selector.empty()) path += "&labelSelector=" + url_encoded(label_selector);
    if (!field_selector.empty()) path += "&fieldSelector=" + url_encoded(field_selector);
    return path;
}

std::string Resource::rule() const { return grant(group, name, name_space, {"list", "watch"}); }

std::string grant(const std::string& group, const std::string& resource, const std::string& name_space,
                  std::initializer_list<const char*> verbs) {
    std::string all;
    for (const char* verb : verbs) all.append(all.empty() ? "\"" : ", \"").append(verb).append("\"");
    const std::string where = name_space.empty() ? "ClusterRole" : "Role in " + name_space;
    return "add {apiGroups: [\"" + group + "\"], resources: [\"" + resource + "\"], verbs: [" + all +
           "]} to the rules of the gateway's " + where;
}

std::string url_encoded(const std::string& text) {
    constexpr const char* digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char one : text) {
        const auto byte = static_cast<unsigned char>(one);
        if (std::isalnum(byte) != 0 || one == '-' || one == '.' || one == '_' || one == '~')
            encoded += one;
        else
            (encoded += '%').append({digits[byte >> 4U], digits[byte & 15U]});
    }
    return encoded;
}

}  // namespace viaduct
