// A collection of the Kubernetes API that the gateway follows: where it is, and what it takes to be let in.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "control/config.h"
#include "control/objects/objects.h"

namespace viaduct {

struct Resource {
    ObjectKind kind{};
    std::string name;        // "endpointslices"
    std::string group;       // "discovery.k8s.io"; empty for the core
    std::string name_space;  // empty: all of them
    std::string label_selector, field_selector;
    bool required = true;  // false: a server that refuses it does not hold up the rest
    std::string version = "v1";
    std::string missing;  // what to do where the server does not know it: "install Calico …"; "": nothing is known

    /// "endpointslices", "configmaps in kube-system"
    [[nodiscard]] std::string title() const;
    /// "/api/v1/nodes", with these selectors and `parameters` ("limit=500") behind it.
    [[nodiscard]] std::string path(const std::string& parameters) const;
    /// What to add to the gateway's role so that it may do this.
    [[nodiscard]] std::string rule() const;
};

/// What a gateway follows: nodes, services and endpointslices with kube-proxy's selectors, and what the network's
/// overlay keeps of its own, where its manifests put it; namespaces for who chooses among them.
[[nodiscard]] std::vector<Resource> followed_resources(NetworkType type, bool namespaces = false);

/// The sentence that tells what to add to the gateway's role, of this namespace or, without one, of the cluster:
/// "services/status" of the group "".
[[nodiscard]] std::string grant(const std::string& group, const std::string& resource, const std::string& name_space,
                                std::initializer_list<const char*> verbs);

/// A query parameter's value.
[[nodiscard]] std::string url_encoded(const std::string& text);

}  // namespace viaduct
