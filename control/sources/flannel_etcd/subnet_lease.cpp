// Takes and keeps the gateway's subnet in etcd.
#include "control/sources/flannel_etcd/subnet_lease.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>

#include "encap/net_text.h"

namespace viaduct {

namespace {

using std::chrono::seconds;

constexpr seconds lease_time{86'400};                   // flanneld's
constexpr seconds renewal_margin{3'600};                // flanneld's --subnet-lease-renew-margin
constexpr std::chrono::milliseconds hearing_time{100};  // until a key's own event has come

}  // namespace

SubnetLease::SubnetLease(std::string owner, std::string directory, const Self& self, EtcdTransport& transport,
                         const Timing& timing)
    : owner_(std::move(owner)), directory_(std::move(directory)), self_(self), transport_(transport), timing_(timing) {}

void SubnetLease::tick(const FlannelConfig& config, const EtcdView& view) {
    if (call_ != nullptr || timing_.now() < due_) return;
    // A backup was restored: what was written is not waited for.
    if (view.revision < std::exchange(seen_revision_, view.revision)) written_revision_ = 0;
    if (view.revision < written_revision_ || !transport_.ready()) {
        due_ = timing_.now() + hearing_time;
        return;
    }
    due_ = TimePoint::max();
    try {
        if (config.enable_v6 && !self_.public_ipv6)
            throw std::invalid_argument("the network has IPv6: set vtep-v6, as nodes ignore who lacks a family");
        if (const EtcdKeyValue* held = ours(view))
            keep(config, *held);
        else
            take(config, view);
    } catch (const std::invalid_argument& wrong) {
        fail(wrong.what());
    }
}

const EtcdKeyValue* SubnetLease::ours(const EtcdView& view) const {
    for (auto one = view.keys.lower_bound(directory_); one != view.keys.end(); ++one) {
        if (!one->first.starts_with(directory_)) break;
        try {
            if (node_of_lease("", {}, one->second.value).flannel.public_ip == to_string(self_.public_ip))
                return &one->second;
        } catch (const std::invalid_argument&) {
            // The source reports it.
        }
    }
    return nullptr;
}

std::string SubnetLease::text(const FlannelConfig& config) const {
    return lease_text(
        {self_.public_ip, config.enable_v6 ? self_.public_ipv6 : std::nullopt, Vni(config.vni), self_.vtep_mac});
}

std::vector<SubnetPair> SubnetLease::taken(const EtcdView& view) const {
    std::vector<SubnetPair> taken;
    for (const auto& [name, key] : view.keys)
        if (name.starts_with(directory_))
            if (const auto subnets = parse_subnet_key(name.substr(directory_.size()))) taken.push_back(*subnets);
    return taken;
}

void SubnetLease::keep(const FlannelConfig& config, const EtcdKeyValue& held) {
    const auto subnets = parse_subnet_key(std::string_view(held.key).substr(directory_.size()));
    if (!subnets || !fits(config, *subnets)) {
        spdlog::info("{}: {} does not fit the network any more: another subnet is taken", owner_, held.key);
        return ask("/v3/kv/txn", erase_request(held), [this](const EtcdAnswer& answer) {
            if (!answer.good()) return fail(read_refusal(answer.body));
            retry();
        });
    }
    const std::string now_text = text(config);
    if (held.value == now_text && timing_.now() < renew_at_) {
        due_ = renew_at_;
        return;
    }
    EtcdKeyValue key = held;
    key.value = now_text;
    if (held.lease == 0) return put(key);
    write(std::move(key));
}

void SubnetLease::take(const FlannelConfig& config, const EtcdView& view) {
    const std::vector<SubnetPair> others = taken(view);
    const bool again = former_ && fits(config, *former_) && std::ranges::find(others, *former_) == others.end();
    const SubnetPair subnets = again ? *former_ : choose_subnet(config, others, timing_.random());
    write({directory_ + subnet_key(subnets), text(config), 0, 0});
}

/// On a new etcd lease.
void SubnetLease::write(EtcdKeyValue key) {
    ask("/v3/lease/grant", grant_request(lease_time.count()), [this, key](const EtcdAnswer& answer) {
        try {
            if (!answer.good()) return fail("etcd grants no lease: " + read_refusal(answer.body));
            EtcdKeyValue leased = key;
            leased.lease = read_grant(answer.body);
            put(leased);
        } catch (const BadEtcdAnswer& wrong) {
            fail(std::string("the answer to a lease is unreadable: ") + wrong.what());
        }
    });
}

void SubnetLease::put(const EtcdKeyValue& key) {
    ask("/v3/kv/txn", put_request(key), [this, key](const EtcdAnswer& answer) { take_answer(key, answer); });
}

void SubnetLease::take_answer(const EtcdKeyValue& key, const EtcdAnswer& answer) {
    try {
        if (!answer.good()) {
            fail("etcd does not write " + key.key + ": " + read_refusal(answer.body));
            return give_back(key.lease);
        }
        const EtcdPut done = read_put(answer.body);
        written_revision_ = done.revision;
        if (!done.written) {
            retry();
            return give_back(key.lease);
        }
        spdlog::info("{}: {} {}", owner_, key.key, key.changed == 0 ? "is ours" : "is renewed");
        renew_at_ = key.lease == 0 ? TimePoint::max() : timing_.now() + lease_time - renewal_margin;
        due_ = timing_.now();
        former_ = parse_subnet_key(std::string_view(key.key).substr(directory_.size()));
        problem_.clear();
        backoff_.reset();
    } catch (const BadEtcdAnswer& wrong) {
        fail("the answer to writing " + key.key + " is unreadable: " + wrong.what());
    }
}

/// An etcd lease without a key would only live on for a day.
void SubnetLease::give_back(std::int64_t lease) {
    if (lease == 0) return;
    ask("/v3/lease/revoke", revoke_request(lease), [](const EtcdAnswer&) {});
}

void SubnetLease::ask(const char* path, const std::string& body, EtcdCall::Done done) {
    call_ = std::make_unique<EtcdCall>(
        [&](ResponseHandler& handler) { return transport_.post(path, body, handler, false); },
        [this, done = std::move(done)](const EtcdAnswer& answer) {
            call_.reset();
            if (answer.status == 401) transport_.refused();
            done(answer);
        });
}

void SubnetLease::fail(const std::string& what) {
    if (std::exchange(problem_, what) != what) spdlog::warn("{}: our own subnet: {}", owner_, what);
    retry();
}

void SubnetLease::retry() { due_ = retry_at_ = timing_.now() + backoff_.next(timing_.random()); }

}  // namespace viaduct
