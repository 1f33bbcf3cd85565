// One network's objects out of all its sources.
#include "control/desired/network_objects.h"

#include <algorithm>
#include <set>

namespace viaduct {

namespace {

/// Lets each object pass once.
class Sieve {
public:
    explicit Sieve(std::vector<Finding>& findings) : findings_(findings) {}
    bool is_new(const ObjectKey& key) {
        if (seen_.insert(key).second) return true;
        findings_.push_back({Severity::warning, to_string(key), "two sources carry it; the first one's is used",
                             "remove it from one of them"});
        return false;
    }

private:
    std::vector<Finding>& findings_;
    std::set<ObjectKey> seen_;
};

template <class T>
void pass(Sieve& sieve, const std::vector<Shared<T>>& from, std::vector<const T*>& to) {
    for (const auto& one : from)
        if (sieve.is_new(one->key)) to.push_back(one.get());
}

/// Of what there is one of.
template <class T>
void pass(Sieve& sieve, const std::vector<Shared<T>>& from, const T*& to) {
    for (const auto& one : from)
        if (sieve.is_new(one->key) && to == nullptr) to = one.get();
}

}  // namespace

NetworkObjects::NetworkObjects(const std::string& network, std::span<const SourceObjects> sources,
                               std::vector<Finding>& findings) {
    Sieve sieve(findings);
    for (const SourceObjects& source : sources) {
        if (source.network != network) continue;
        unread_.insert(source.objects->unread.begin(), source.objects->unread.end());
        pass(sieve, source.objects->nodes, nodes_);
        pass(sieve, source.objects->ip_pools, ip_pools_);
        pass(sieve, source.objects->block_affinities, block_affinities_);
        pass(sieve, source.objects->ipam_blocks, ipam_blocks_);
        pass(sieve, source.objects->felix_configs, felix_config_);
        pass(sieve, source.objects->cilium_nodes, cilium_nodes_);
        pass(sieve, source.objects->cilium_configs, cilium_config_);
        for (const auto& one : source.objects->flannel_configs) {
            if (flannel_config_ == nullptr)
                flannel_config_ = one.get();
            else
                findings.push_back({Severity::warning, to_string(one->key),
                                    "a second net-conf.json; " + to_string(flannel_config_->key) + "'s is used",
                                    "remove one of them"});
        }
    }
}

const NodeObject* NetworkObjects::node(const std::string& name) const {
    const auto found = std::ranges::find_if(nodes_, [&](const NodeObject* one) { return one->key.name == name; });
    return found == nodes_.end() ? nullptr : *found;
}

}  // namespace viaduct
