// flannel's etcd as a source: net-conf.json and the nodes' leases, and a subnet of the gateway's own among them.
#pragma once

#include <map>

#include "control/sources/flannel_etcd/etcd_client.h"
#include "control/sources/flannel_etcd/etcd_mirror.h"
#include "control/sources/flannel_etcd/subnet_lease.h"
#include "control/sources/source.h"

namespace viaduct {

[[nodiscard]] EtcdAccess etcd_access(const SourceConfig& config);

class FlannelEtcdSource : public Source {
public:
    /// Only opens what it needs; etcd may be away.
    FlannelEtcdSource(const SourceConfig& config, const NetworkConfig& network);

    /// Leases are Nodes that are called by their subnets; our own has the name of the gateway's Node. Empty until the
    /// keys have been read.
    [[nodiscard]] const Objects& objects() const override { return objects_; }
    [[nodiscard]] SourceStatus status() const override;
    [[nodiscard]] int fd() const override { return http_.fd(); }
    bool process() override;

private:
    /// What became of a key.
    struct Known {
        std::int64_t changed = 0;
        ObjectKey object;
        std::string error{};
    };

    void tick();
    bool take_keys();
    bool take(const EtcdKeyValue& key);
    [[nodiscard]] Object read(const EtcdKeyValue& key) const;
    [[nodiscard]] const FlannelConfig* config() const;
    [[nodiscard]] std::vector<std::string> errors() const;

    const std::string name_, network_, node_name_, directory_;
    const std::string own_ip_;
    const Timing timing_;
    Objects objects_;
    std::map<std::string, Known> known_;
    std::uint64_t seen_changes_ = 0;
    std::vector<std::string> known_errors_;
    std::chrono::system_clock::time_point last_change_{};
    Http http_;
    EtcdClient client_;
    EtcdMirror mirror_;
    std::unique_ptr<SubnetLease> lease_;  // nullptr: the source only reads
};

}  // namespace viaduct
