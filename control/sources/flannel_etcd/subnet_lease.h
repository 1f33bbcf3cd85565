// The gateway's own subnet in a flannel network that etcd keeps: taken, kept, and taken again, as flanneld does it.
//
// Theory of operation. A lease of ours is recognised by our public IP, after a restart too. It is taken by a
// transaction that fails if the key exists, so two who choose the same subnet at once never both get it; the loser
// chooses again when it has heard what the other one took. The key hangs on an etcd lease of a day, and is written
// anew, on a new one, an hour before that ends: no matter how long the gateway is away, a node's subnet is not given
// away the same day. A key without an etcd lease is an operator's reservation, and stays one.
#pragma once

#include <map>
#include <string>

#include "control/sources/flannel_etcd/choose_subnet.h"
#include "control/sources/flannel_etcd/etcd_call.h"
#include "control/sources/flannel_etcd/etcd_json.h"
#include "control/sources/kubernetes/backoff.h"

namespace viaduct {

/// The keys that etcd holds, read up to a revision.
struct EtcdView {
    const std::map<std::string, EtcdKeyValue>& keys;
    std::int64_t revision;
};

/// Control thread only. What it is given outlives it.
class SubnetLease {
public:
    struct Self {
        Ipv4 public_ip;
        std::optional<Ipv6> public_ipv6;
        Mac vtep_mac;
    };
    /// `directory` is that of the keys: "/coreos.com/network/subnets/".
    SubnetLease(std::string owner, std::string directory, const Self& self, EtcdTransport& transport,
                const Timing& timing);
    SubnetLease(const SubnetLease&) = delete;
    SubnetLease& operator=(const SubnetLease&) = delete;

    /// The keys are others than when `tick` was called last.
    void keys_changed() { due_ = std::min(due_, retry_at_); }
    /// Does what is due. Only while the keys are being watched.
    void tick(const FlannelConfig& config, const EtcdView& view);
    /// When `tick` has something to do, unless an answer or a key comes first.
    [[nodiscard]] TimePoint due() const { return due_; }
    /// Why there is no lease; empty: nothing is wrong.
    [[nodiscard]] const std::string& problem() const { return problem_; }

private:
    [[nodiscard]] const EtcdKeyValue* ours(const EtcdView& view) const;
    [[nodiscard]] std::string text(const FlannelConfig& config) const;
    [[nodiscard]] std::vector<SubnetPair> taken(const EtcdView& view) const;
    void keep(const FlannelConfig& config, const EtcdKeyValue& held);
    void take(const FlannelConfig& config, const EtcdView& view);
    void write(EtcdKeyValue key);
    void put(const EtcdKeyValue& key);
    void take_answer(const EtcdKeyValue& key, const EtcdAnswer& answer);
    void give_back(std::int64_t lease);
    void ask(const char* path, const std::string& body, EtcdCall::Done done);
    void fail(const std::string& what);
    void retry();

    const std::string owner_, directory_;
    const Self self_;
    EtcdTransport& transport_;
    const Timing& timing_;
    std::unique_ptr<EtcdCall> call_;
    TimePoint due_{};                    // of the next look at the keys
    TimePoint retry_at_{};               // not before this, whatever the keys say
    TimePoint renew_at_{};               // the epoch: this process has written nothing yet
    std::int64_t written_revision_ = 0;  // what the keys must have heard of before they are judged again
    std::int64_t seen_revision_ = 0;
    std::optional<SubnetPair> former_;
    std::string problem_;
    Backoff backoff_;
};

}  // namespace viaduct
