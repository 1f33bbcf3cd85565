// Credential plugins: https://kubernetes.io/docs/reference/access-authn-authz/authentication/, "client-go credential
// plugins".
#include "control/sources/kubernetes/exec_plugin.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "control/objects/time_text.h"
#include "control/sources/base64.h"

namespace viaduct {

namespace {

constexpr std::chrono::seconds run_time{30};
constexpr std::size_t longest_output = 1U << 20U;

/// What the plugin is told of the server that its credentials are for.
nlohmann::json cluster_of(const ApiAccess& access) {
    nlohmann::json cluster{{"server", access.server}, {"insecure-skip-tls-verify", !access.verify}};
    if (!access.tls_server_name.empty()) cluster["tls-server-name"] = access.tls_server_name;
    if (!access.proxy.empty()) cluster["proxy-url"] = access.proxy;
    if (!access.ca.text.empty()) cluster["certificate-authority-data"] = to_base64(access.ca.text);
    if (const std::string& config = access.exec->cluster_config; !config.empty())
        cluster["config"] = nlohmann::json::parse(config);
    return cluster;
}

std::vector<std::string> environment_of(const ApiAccess& access) {
    const ExecPlugin& plugin = *access.exec;
    std::vector<std::string> all;
    for (char** one = environ; *one != nullptr; ++one) all.emplace_back(*one);
    for (const auto& variable : plugin.environment) {
        const std::string head = variable.first + "=";
        std::erase_if(all, [&](const std::string& known) { return known.starts_with(head); });
        all.push_back(head + variable.second);
    }
    nlohmann::json info{
        {"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", {{"interactive", false}}}};
    if (plugin.wants_cluster) info["spec"]["cluster"] = cluster_of(access);
    all.push_back("KUBERNETES_EXEC_INFO=" + info.dump());
    return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// The gateway blocks SIGTERM and SIGINT; the plugin must not inherit that. Its own process group, so that it ends with
/// everything that it started.
pid_t spawn(const ApiAccess& access, int output) {
    const ExecPlugin& plugin = *access.exec;
    std::vector<std::string> words{plugin.command}, variables = environment_of(access);
    words.insert(words.end(), plugin.arguments.begin(), plugin.arguments.end());
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    pid_t pid = -1;
    const int failed = posix_spawnp(&pid, plugin.command.c_str(), &files, &attributes, pointers(words).data(),
                                    pointers(variables).data());
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0)
        throw std::runtime_error(
            "credential plugin " + plugin.command + " cannot be started (" + std::strerror(failed) + "): " +
            (plugin.install_hint.empty() ? "install it, or correct command in the kubeconfig" : plugin.install_hint));
    return pid;
}

std::chrono::system_clock::time_point expiry_of(const std::string& text) {
    const auto time = parse_time(text);
    if (!time) throw std::runtime_error("expirationTimestamp is '" + text + "', not as in 2026-01-31T12:00:00Z");
    return *time;
}

}  // namespace

ExecCredential read_exec_credential(const std::string& json) {
    try {
        const auto root = nlohmann::json::parse(json);
        if (root.value("kind", "") != "ExecCredential") throw std::runtime_error("the output is no ExecCredential");
        const auto status = root.at("status");
        ExecCredential credential{status.value("token", ""),
                                  status.value("clientCertificateData", ""),
                                  status.value("clientKeyData", ""),
                                  {}};
        if (credential.token.empty() && credential.certificate.empty())
            throw std::runtime_error("the ExecCredential has neither a token nor a certificate");
        if (const std::string until = status.value("expirationTimestamp", ""); !until.empty())
            credential.expires = expiry_of(until);
        return credential;
    } catch (const nlohmann::json::exception& wrong) {
        throw std::runtime_error(std::string("the output is no ExecCredential: ") + wrong.what());
    }
}

ExecRun::ExecRun(const ApiAccess& access, TimePoint now) : command_(access.exec->command), until_(now + run_time) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
    output_ = UniqueFd(ends[0]);
    const UniqueFd input(ends[1]);
    fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    pid_ = spawn(access, input.get());
}

ExecRun::~ExecRun() {
    if (pid_ < 0) return;
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
}

bool ExecRun::exited() {
    if (waitpid(pid_, &exit_status_, WNOHANG) != pid_) return false;
    pid_ = -1;
    return true;
}

std::optional<ExecCredential> ExecRun::poll(TimePoint now) {
    const bool ended = exited();  // before reading: what an ended process printed is all there
    std::array<char, 4096> buffer;
    for (ssize_t n = 0; (n = ::read(output_.get(), buffer.data(), buffer.size())) > 0;)
        if (printed_.size() < longest_output) printed_.append(buffer.data(), static_cast<std::size_t>(n));
    const std::string name = "credential plugin " + command_;
    if (!ended && now < until_) return {};
    if (!ended)
        throw std::runtime_error(name + " has not ended after 30 seconds: run it by hand to see what it waits for");
    if (exit_status_ != 0)
        throw std::runtime_error(name + " failed with status " +
                                 std::to_string(WIFEXITED(exit_status_) ? WEXITSTATUS(exit_status_) : exit_status_) +
                                 ": run it by hand; its complaint is in the log");
    try {
        return read_exec_credential(printed_);
    } catch (const std::runtime_error& wrong) {
        throw std::runtime_error(name + ": " + wrong.what());
    }
}

}  // namespace viaduct
