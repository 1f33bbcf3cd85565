// The Kubernetes API as a source.
#include "control/sources/kubernetes/kubernetes_source.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>

namespace viaduct {

namespace {

constexpr const char* service_account = "/var/run/secrets/kubernetes.io/serviceaccount";

}  // namespace

ApiAccess api_access(const SourceConfig& config) {
    try {
        if (!config.kubeconfig.empty()) return read_kubeconfig(config.kubeconfig, config.context);
        return in_cluster_access([](const char* name) { return std::getenv(name); }, service_account);
    } catch (const std::runtime_error& wrong) {
        throw std::runtime_error("source " + config.name + ": " + wrong.what());
    }
}

KubernetesSource::KubernetesSource(const SourceConfig& config, const NetworkConfig& network)
    : name_(config.name),
      network_(network.name),
      timing_(real_timing()),
      client_(api_access(config), http_, timing_),
      sender_(client_, timing_) {
    ObjectSink& sink = *this;
    for (const Resource& resource : followed_resources(network.type, config.namespaces))
        reflectors_.push_back(std::make_unique<Reflector>("source " + name_, resource, client_, sink, timing_));
    tick();
}

bool KubernetesSource::process() {
    changed_ = false;
    http_.process();
    tick();
    if (!synced_ && std::ranges::all_of(reflectors_, [](const auto& one) { return one->synced(); })) {
        synced_ = changed_ = true;
        objects_ = std::move(incoming_);
        spdlog::info("source {}: {} has been read completely", name_, client_.server());
    }
    take_unread();
    if (synced_ && changed_) last_change_ = std::chrono::system_clock::now();
    std::vector<std::string> now = errors();
    const bool same_errors = now == known_errors_;
    known_errors_ = std::move(now);
    return (synced_ && changed_) || !same_errors;
}

void KubernetesSource::take_unread() {
    if (!synced_) return;
    std::set<ObjectKind> unread;
    for (const auto& reflector : reflectors_)
        if (!reflector->was_read()) unread.insert(reflector->kind());
    changed_ |= unread != objects_.unread;
    objects_.unread = std::move(unread);
}

void KubernetesSource::tick() {
    sender_.tick();
    TimePoint due = sender_.due();
    for (const auto& reflector : reflectors_) {
        reflector->tick();
        due = std::min(due, reflector->due());
    }
    http_.wake_at(due);
}

std::vector<std::string> KubernetesSource::errors() const {
    std::vector<std::string> errors;
    if (!client_.problem().empty()) errors.push_back(client_.problem());
    for (const auto& reflector : reflectors_) {
        const ResourceStatus status = reflector->status();
        if (!status.error.empty()) errors.push_back(status.name + ": " + status.error);
        for (const auto& [key, error] : reflector->object_errors()) errors.push_back(error);
    }
    return errors;
}

std::vector<Finding> KubernetesSource::malformed() const {
    std::vector<Finding> findings;
    for (const auto& reflector : reflectors_)
        for (const auto& [key, error] : reflector->object_errors()) {
            const std::string subject = to_string(key), head = subject + ": ";
            findings.push_back({Severity::error, subject, error.starts_with(head) ? error.substr(head.size()) : error,
                                "until then its last good state stays in force"});
        }
    return findings;
}

SourceStatus KubernetesSource::status() const {
    SourceStatus status{name_,         "kubernetes", network_, client_.server(), synced_, objects_.counts(),
                        known_errors_, last_change_, {}};
    for (const auto& reflector : reflectors_) status.resources.push_back(reflector->status());
    return status;
}

}  // namespace viaduct
