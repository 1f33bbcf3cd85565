// Reads kubeconfig files and a pod's service account.
#include "control/sources/kubernetes/kubeconfig.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

#include "control/objects/yaml_json.h"
#include "control/objects/yaml_tree.h"
#include "control/sources/base64.h"

namespace viaduct {

namespace {

using YamlField = Field<YamlTree>;
namespace fs = std::filesystem;

std::string decoded_base64(const YamlField& field) {
    const auto decoded = from_base64(field.text());
    if (!decoded) field.fail("is no base64: write it again with `kubectl config set`");
    return *decoded;
}

class KubeconfigReader {
public:
    KubeconfigReader(const fs::path& file, const YamlField& root) : folder_(file.parent_path()), root_(root) {}

    [[nodiscard]] ApiAccess read(const std::string& wanted) const {
        const std::string name = wanted.empty() ? root_["current-context"].text_or("") : wanted;
        if (name.empty()) root_["current-context"].fail("is missing: set it, or name a context in viaduct.conf");
        const YamlField context = named("contexts", name)["context"];
        ApiAccess access;
        const YamlField cluster = named("clusters", context["cluster"].text())["cluster"];
        read_cluster(access, cluster);
        if (context["user"].present()) read_user(access, named("users", context["user"].text())["user"]);
        if (access.exec) access.exec->cluster_config = cluster_config(cluster);
        return access;
    }

private:
    [[nodiscard]] YamlField named(const std::string& list, const std::string& name) const {
        std::string known;
        for (const YamlField& entry : root_[list].items()) {
            if (entry["name"].text() == name) return entry;
            known += (known.empty() ? "" : ", ") + entry["name"].text();
        }
        root_[list].fail("has no '" + name + "': write one of " + (known.empty() ? "… it has none at all" : known));
    }

    void read_cluster(ApiAccess& access, const YamlField& cluster) const {
        access.server = cluster["server"].text();
        if (!access.server.starts_with("https://") && !access.server.starts_with("http://"))
            cluster["server"].fail("is '" + access.server + "': write https://HOST:PORT");
        while (access.server.ends_with('/')) access.server.pop_back();
        access.tls_server_name = cluster["tls-server-name"].text_or("");
        access.proxy = cluster["proxy-url"].text_or("");
        access.verify = !cluster["insecure-skip-tls-verify"].flag_or(false);
        access.ca = data_or_file(cluster, "certificate-authority");
    }

    /// What the cluster's extension of this name holds is for plugins alone: JSON, whatever it is.
    [[nodiscard]] static std::string cluster_config(const YamlField& cluster) {
        for (const YamlField& extension : cluster["extensions"].items())
            if (extension["name"].text_or("") == "client.authentication.k8s.io/exec")
                return json_of(extension["extension"].tree().node()).dump();
        return "";
    }

    void read_user(ApiAccess& access, const YamlField& user) const {
        for (const char* gone : {"auth-provider", "username"})
            if (user[gone].present())
                user[gone].fail("is no longer supported by Kubernetes: use a token, a certificate or exec");
        // Without them the rights would be others than meant.
        for (const char* other : {"as", "as-uid", "as-groups", "as-user-extra"})
            if (user[other].present()) user[other].fail("is not supported: give the gateway a user of its own");
        access.certificate = data_or_file(user, "client-certificate");
        access.key = data_or_file(user, "client-key");
        if (access.certificate.given() != access.key.given())
            user["client-key"].fail("and client-certificate belong together: give both or none");
        access.token.text = user["token"].text_or("");
        if (user["tokenFile"].present()) access.token = {"", folder_ / user["tokenFile"].text()};
        if (user["exec"].present()) access.exec = read_exec(user["exec"]);
    }

    [[nodiscard]] TextOrFile data_or_file(const YamlField& from, const std::string& name) const {
        const YamlField data = from[name + "-data"], file = from[name];
        if (data.present()) return {decoded_base64(data), {}};
        if (file.present()) return {"", folder_ / file.text()};
        return {};
    }

    [[nodiscard]] ExecPlugin read_exec(const YamlField& exec) const {
        ExecPlugin plugin;
        plugin.api_version = exec["apiVersion"].text();
        plugin.command = exec["command"].text();
        // As kubectl does: a path is relative to the file, a plain name is looked up in PATH.
        if (plugin.command.find('/') != std::string::npos) plugin.command = folder_ / plugin.command;
        for (const YamlField& argument : exec["args"].items()) plugin.arguments.push_back(argument.text());
        for (const YamlField& variable : exec["env"].items())
            plugin.environment.emplace_back(variable["name"].text(), variable["value"].text_or(""));
        plugin.install_hint = exec["installHint"].text_or("");
        plugin.wants_cluster = exec["provideClusterInfo"].flag_or(false);
        if (exec["interactiveMode"].text_or("") == "Always")
            exec["interactiveMode"].fail("is Always: a gateway has no terminal; use a plugin that asks nothing");
        return plugin;
    }

    const fs::path folder_;
    const YamlField root_;
};

}  // namespace

ApiAccess read_kubeconfig(const fs::path& file, const std::string& context) {
    try {
        return KubeconfigReader(file, YamlField(YamlTree(YAML::LoadFile(file)))).read(context);
    } catch (const FieldError& wrong) {
        throw std::runtime_error(file.string() + ":" + std::to_string(wrong.line()) + ": " + wrong.what());
    } catch (const YAML::BadFile&) {
        throw std::runtime_error(file.string() +
                                 " cannot be read: correct kubeconfig in viaduct.conf, or leave it out "
                                 "in a pod to use its service account");
    } catch (const YAML::Exception& wrong) {
        throw std::runtime_error(file.string() + ":" + std::to_string(wrong.mark.line + 1) + ": " + wrong.msg +
                                 ": mend the YAML");
    }
}

ApiAccess in_cluster_access(const std::function<const char*(const char*)>& environment, const fs::path& directory) {
    const char* const host = environment("KUBERNETES_SERVICE_HOST");
    const char* const port = environment("KUBERNETES_SERVICE_PORT");
    if (host == nullptr || port == nullptr)
        throw std::runtime_error(
            "KUBERNETES_SERVICE_HOST and _PORT are not set, so this is no pod: name a file with kubeconfig = PATH");
    const bool v6 = std::string_view(host).find(':') != std::string_view::npos;
    ApiAccess access;
    access.server.append(v6 ? "https://[" : "https://").append(host).append(v6 ? "]:" : ":").append(port);
    access.ca.file = directory / "ca.crt";
    access.token.file = directory / "token";
    for (const fs::path& file : {access.ca.file, access.token.file})
        if (!fs::exists(file))
            throw std::runtime_error(file.string() +
                                     " is missing: give the pod a serviceAccountName and mount its token");
    return access;
}

}  // namespace viaduct
