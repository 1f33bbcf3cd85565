// flannel's etcd as a source.
#include "control/sources/flannel_etcd/flannel_etcd_source.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>

#include "control/desired/vtep_mac.h"
#include "control/objects/net_conf.h"
#include "encap/net_text.h"

namespace viaduct {

namespace {

constexpr const char* config_name = "config";
constexpr const char* subnets_name = "subnets/";

}  // namespace

EtcdAccess etcd_access(const SourceConfig& config) {
    EtcdAccess access;
    access.endpoints = config.etcd.endpoints;
    access.user = config.etcd.user;
    access.credentials.ca.file = config.etcd.ca_file;
    access.credentials.certificate.file = config.etcd.cert_file;
    access.credentials.key.file = config.etcd.key_file;
    access.credentials.token.file = config.etcd.password_file;
    return access;
}

FlannelEtcdSource::FlannelEtcdSource(const SourceConfig& config, const NetworkConfig& network)
    : name_(config.name),
      network_(network.name),
      node_name_(network.node_name),
      directory_(config.etcd.prefix + "/"),
      own_ip_(network.vtep_v4 ? to_string(*network.vtep_v4) : ""),
      timing_(real_timing()),
      client_(etcd_access(config), http_, timing_),
      mirror_("source " + name_, directory_, client_, timing_) {
    if (config.etcd.lease && network.vtep_v4) {
        const Mac mac = network.vtep_mac.value_or(derived_mac(network.node_name, network.name));
        lease_ =
            std::make_unique<SubnetLease>("source " + name_, directory_ + subnets_name,
                                          SubnetLease::Self{*network.vtep_v4, network.vtep_v6, mac}, client_, timing_);
    }
    tick();
}

bool FlannelEtcdSource::process() {
    const bool was_synced = mirror_.synced();
    http_.process();
    const bool changed = take_keys();
    tick();
    if (!was_synced && mirror_.synced())
        spdlog::info("source {}: {} has been read completely", name_, client_.endpoint());
    if (changed) last_change_ = std::chrono::system_clock::now();
    std::vector<std::string> now = errors();
    const bool same_errors = now == known_errors_;
    known_errors_ = std::move(now);
    return changed || !same_errors || was_synced != mirror_.synced();
}

void FlannelEtcdSource::tick() {
    mirror_.tick();
    TimePoint due = mirror_.due();
    if (const FlannelConfig* conf = config(); lease_ && conf != nullptr && mirror_.watching()) {
        lease_->tick(*conf, {mirror_.keys(), mirror_.revision()});
        due = std::min(due, lease_->due());
    }
    http_.wake_at(due);
}

const FlannelConfig* FlannelEtcdSource::config() const {
    return objects_.flannel_configs.empty() ? nullptr : objects_.flannel_configs.front().get();
}

/// Only what changed is read again.
bool FlannelEtcdSource::take_keys() {
    if (std::exchange(seen_changes_, mirror_.changes()) == mirror_.changes()) return false;
    if (lease_) lease_->keys_changed();
    bool changed = false;
    for (auto one = known_.begin(); one != known_.end();) {
        const auto next = std::next(one);
        if (!mirror_.keys().contains(one->first)) {
            changed |= objects_.erase(one->second.object);
            known_.erase(one);
        }
        one = next;
    }
    for (const auto& [name, key] : mirror_.keys()) changed |= take(key);
    return changed;
}

/// A key that cannot be read keeps its last good object.
bool FlannelEtcdSource::take(const EtcdKeyValue& key) {
    Known& known = known_[key.key];
    if (std::exchange(known.changed, key.changed) == key.changed) return false;
    try {
        const Object object = read(key);
        known.error.clear();
        bool changed = false;
        // A lease that becomes ours, or ceases to be, has another name.
        if (known.object != key_of(object)) changed = objects_.erase(known.object);
        known.object = key_of(object);
        return objects_.put(object) || changed;
    } catch (const std::invalid_argument& wrong) {
        known.error = key.key + ": " + wrong.what() + "; its last good state stays in force";
        spdlog::warn("source {}: {}", name_, known.error);
        return false;
    }
}

Object FlannelEtcdSource::read(const EtcdKeyValue& key) const {
    const std::string name = key.key.substr(directory_.size());
    if (name == config_name)
        return std::make_shared<const FlannelConfig>(read_net_conf({ObjectKind::config_map, "", key.key}, key.value));
    const auto subnets = name.starts_with(subnets_name)
                             ? parse_subnet_key(name.substr(std::string_view(subnets_name).size()))
                             : std::nullopt;
    if (!subnets) throw std::invalid_argument("is neither flannel's config nor named after a subnet: remove it");
    NodeObject node = node_of_lease(subnet_key(*subnets), *subnets, key.value);
    if (!own_ip_.empty() && node.flannel.public_ip == own_ip_) node.key.name = node_name_;
    return std::make_shared<const NodeObject>(std::move(node));
}

std::vector<std::string> FlannelEtcdSource::errors() const {
    std::vector<std::string> errors;
    if (!client_.problem().empty()) errors.push_back(client_.problem());
    if (const ResourceStatus status = mirror_.status(); !status.error.empty())
        errors.push_back(status.name + ": " + status.error);
    if (mirror_.synced() && config() == nullptr)
        errors.push_back(directory_ + config_name + " is missing: write flannel's configuration there");
    if (lease_ && !lease_->problem().empty()) errors.push_back("our own subnet: " + lease_->problem());
    for (const auto& [name, known] : known_)
        if (!known.error.empty()) errors.push_back(known.error);
    return errors;
}

SourceStatus FlannelEtcdSource::status() const {
    return {name_,
            "flannel-etcd",
            network_,
            client_.endpoint() + directory_,
            mirror_.synced() && config() != nullptr,
            objects_.counts(),
            known_errors_,
            last_change_,
            {mirror_.status()}};
}

}  // namespace viaduct
