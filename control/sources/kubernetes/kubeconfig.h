// Where the API server is and how to be let in: from a kubeconfig file, or from a pod's service account.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace viaduct {

/// A text that stands in the configuration itself, or in a file that is read again for every use: tokens and
/// certificates are rotated.
struct TextOrFile {
    std::string text;
    std::filesystem::path file;
    [[nodiscard]] bool given() const { return !text.empty() || !file.empty(); }
};

/// A command that prints an ExecCredential (client.authentication.k8s.io).
struct ExecPlugin {
    std::string api_version;
    std::string command;
    std::vector<std::string> arguments;
    std::vector<std::pair<std::string, std::string>> environment;
    std::string install_hint;
    bool wants_cluster = false;  // provideClusterInfo: it is told which server the credentials are for
    std::string cluster_config;  // JSON, of the cluster's extension for plugins; empty: there is none
};

struct ApiAccess {
    std::string server;           // "https://192.0.2.2:6443"
    std::string tls_server_name;  // the name in its certificate, when it is another one
    std::string proxy;
    bool verify = true;
    TextOrFile ca, certificate, key, token;
    std::optional<ExecPlugin> exec;
};

/// Of `context`, or of the current one when that is empty. Throws std::runtime_error naming the file and the remedy.
[[nodiscard]] ApiAccess read_kubeconfig(const std::filesystem::path& file, const std::string& context);

/// Of the pod that this runs in. `environment` is getenv, `directory` where the service account is mounted. Throws
/// std::runtime_error.
[[nodiscard]] ApiAccess in_cluster_access(const std::function<const char*(const char*)>& environment,
                                          const std::filesystem::path& directory);

}  // namespace viaduct
