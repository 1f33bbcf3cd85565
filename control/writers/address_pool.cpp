// Which LoadBalancer Service has which addresses.
#include "control/writers/address_pool.h"

#include <algorithm>
#include <optional>
#include <set>

#include "control/config_values.h"
#include "control/writers/pool_ranges.h"
#include "encap/net_text.h"

namespace viaduct {

namespace {

const char* ip_version(Family family) { return family == Family::v4 ? "IPv4" : "IPv6"; }
Family kind_of(const IpAddress& address) { return address.is_v4() ? Family::v4 : Family::v6; }

/// A Service on its way through the rounds.
struct Claim {
    const std::string* network = nullptr;
    const ServiceObject* service = nullptr;
    std::vector<std::size_t> pools;  // open to it, by index
    std::vector<Family> families;    // that it is to have
    std::vector<IpAddress> wishes;
    std::vector<IpAddress>* addresses = nullptr;

    [[nodiscard]] bool has(Family family) const {
        return std::ranges::any_of(*addresses, [&](const IpAddress& one) { return kind_of(one) == family; });
    }
    [[nodiscard]] bool wants(Family family) const {
        return std::ranges::find(families, family) != families.end() && !has(family);
    }
    [[nodiscard]] bool wishes_of(Family family) const {
        return std::ranges::any_of(wishes, [&](const IpAddress& one) { return kind_of(one) == family; });
    }
};

/// Who has an address: several only with one sharing key and no port in common.
struct Holding {
    std::string network, sharing_key, owner;
    std::set<std::pair<std::uint16_t, Protocol>> ports;
};

class Allocator {
public:
    explicit Allocator(const PoolInput& input) : in_(input), pools_(input.config.pools) {}

    PoolOutput run() {
        make_claims();
        for (Claim& claim : claims_) keep(claim, claim.service->ingress_ips);
        for (Claim& claim : claims_) keep_former(claim);
        if (!in_.complete) return std::move(out_);
        for (Claim& claim : claims_) grant(claim);
        for (Claim& claim : claims_)
            for (const Family family : claim.families) choose(claim, family);
        return std::move(out_);
    }

private:
    void find(Severity severity, const Claim& claim, const std::string& text, const std::string& remedy) {
        out_.findings.push_back({severity, to_string(claim.service->key), text, remedy});
    }

    void make_claims() {
        std::map<NetworkService, const ServiceObject*> ours;  // in the order of names, each once: the first source's
        for (const auto& [network, service] : in_.services)
            if (is_ours(*service, in_.config) && has_pool(network, in_.config))
                ours.try_emplace({network, service->key}, service.get());
        for (const auto& [owner, service] : ours) {
            const auto place = out_.assigned.try_emplace(owner).first;
            Claim& claim = claims_.emplace_back();
            claim.network = &place->first.first;
            claim.service = service;
            claim.addresses = &place->second;
            take_wishes(claim);
            take_pools(claim);
            take_families(claim);
        }
    }

    void take_wishes(Claim& claim) {
        if (claim.service->wish.addresses.empty()) return;
        for (const std::string_view word : split_list(claim.service->wish.addresses))
            if (const auto address = parse_ip(word); address && !claim.wishes_of(kind_of(*address)))
                claim.wishes.push_back(*address);
            else
                find(Severity::error, claim, "asks for the address '" + std::string(word) + "', which it cannot have",
                     "ask for one IP address of each family, separated by a comma");
    }

    [[nodiscard]] bool is_for_namespace_of(const PoolConfig& pool, const Claim& claim) const {
        const std::string& name = claim.service->key.name_space;
        if (pool.namespaces.empty() && pool.namespace_selector.empty()) return true;
        if (std::ranges::find(pool.namespaces, name) != pool.namespaces.end()) return true;
        return !pool.namespace_selector.empty() && std::ranges::any_of(in_.namespaces, [&](const auto& one) {
            return one.first == *claim.network && one.second->key.name == name &&
                   matches(pool.namespace_selector, one.second->labels);
        });
    }

    void take_pools(Claim& claim) const {
        const LoadBalancerWish& wish = claim.service->wish;
        for (std::size_t i = 0; i < pools_.size(); ++i) {
            const PoolConfig& pool = pools_[i];
            if (network_of(pool, in_.config) == *claim.network && is_for_namespace_of(pool, claim) &&
                (wish.pool.empty() || wish.pool == pool.name))
                claim.pools.push_back(i);
        }
    }

    /// ipFamilies, else those of its ClusterIPs; where nothing sets either, all that the pools have.
    void take_families(Claim& claim) const {
        const ServiceObject& service = *claim.service;
        claim.families = service.families;
        for (const IpAddress& address : service.cluster_ips)
            if (service.families.empty()) claim.families.push_back(kind_of(address));
        if (claim.families.empty())
            for (const Family family : {Family::v4, Family::v6})
                if (std::ranges::any_of(claim.pools, [&](auto i) { return size_of(pools_[i].ranges, family) != 0; }) &&
                    (claim.families.empty() || service.family_policy != FamilyPolicy::single))
                    claim.families.push_back(family);
        if (service.family_policy == FamilyPolicy::require_dual && claim.families.size() < 2)
            claim.families = {Family::v4, Family::v6};
    }

    /// A pool that is not automatic gives only what is asked for.
    [[nodiscard]] bool may_choose_from(const Claim& claim, std::size_t pool) const {
        return pools_[pool].automatic || !claim.service->wish.pool.empty();
    }

    [[nodiscard]] bool may_have(const Claim& claim, const IpAddress& address) const {
        const bool wished = std::ranges::find(claim.wishes, address) != claim.wishes.end();
        if (!wished && claim.wishes_of(kind_of(address))) return false;
        return std::ranges::any_of(claim.pools, [&](std::size_t i) {
            return (wished || may_choose_from(claim, i)) && contains(pools_[i].ranges, address);
        });
    }

    /// Who stands in the way, or nothing.
    [[nodiscard]] std::optional<std::string> holder_against(const Claim& claim, const IpAddress& address) const {
        const auto found = holdings_.find(address);
        if (found == holdings_.end()) return {};
        const Holding& holding = found->second;
        const std::string& key = claim.service->wish.sharing_key;
        const bool clash = std::ranges::any_of(claim.service->ports, [&](const ServicePort& port) {
            return holding.ports.contains({port.port, port.protocol});
        });
        if (clash || key.empty() || key != holding.sharing_key || *claim.network != holding.network)
            return holding.owner;
        return {};
    }

    bool take(Claim& claim, const IpAddress& address) {
        if (holder_against(claim, address)) return false;
        Holding& holding = holdings_[address];
        const std::string& key = claim.service->wish.sharing_key;
        if (holding.owner.empty()) {
            holding = {*claim.network, key, to_string(claim.service->key), {}};
            if (!key.empty()) shared_[{*claim.network, key}].push_back(address);
        }
        for (const ServicePort& port : claim.service->ports) holding.ports.emplace(port.port, port.protocol);
        claim.addresses->push_back(address);
        std::ranges::sort(*claim.addresses, {}, [&](const IpAddress& one) {
            return std::ranges::find(claim.families, kind_of(one)) - claim.families.begin();
        });
        return true;
    }

    void keep(Claim& claim, std::span<const IpAddress> addresses) {
        for (const IpAddress& address : addresses)
            if (claim.wants(kind_of(address)) && may_have(claim, address)) take(claim, address);
    }

    void keep_former(Claim& claim) {
        const auto former = in_.before.find({*claim.network, claim.service->key});
        if (former != in_.before.end()) keep(claim, former->second);
    }

    void grant(Claim& claim) {
        for (const IpAddress& address : claim.wishes) {
            const Family family = kind_of(address);
            if (!claim.wants(family)) continue;
            const std::string text = "does not get the address " + to_string(address) + " that it asks for: ";
            if (!may_have(claim, address))
                find(Severity::error, claim, text + "no pool that is open to it has it",
                     "ask for one of a pool's, or add it to a pool's ranges");
            else if (const auto holder = holder_against(claim, address))
                find(Severity::error, claim, text + "it is " + *holder + "'s",
                     "ask for another, or let both have the same viaduct.dev/share and ports of their own");
            else
                take(claim, address);
        }
    }

    void choose(Claim& claim, Family family) {
        if (!claim.wants(family) || claim.wishes_of(family)) return;
        if (const auto with = shared_.find({*claim.network, claim.service->wish.sharing_key}); with != shared_.end())
            for (const IpAddress& address : std::vector(with->second))
                if (kind_of(address) == family && may_have(claim, address) && take(claim, address)) return;
        bool open = false;
        for (const std::size_t pool : claim.pools) {
            if (!may_choose_from(claim, pool) || size_of(pools_[pool].ranges, family) == 0) continue;
            open = true;
            if (const auto address = free_address(claim, pool, family); address && take(claim, *address)) return;
        }
        const bool bonus = claim.service->family_policy == FamilyPolicy::prefer_dual && !claim.addresses->empty();
        find(bonus ? Severity::note : Severity::error, claim,
             std::string("gets no ") + ip_version(family) + " load-balancer address: " +
                 (open ? "the pools that are open to it have none left" : "no pool that is open to it has any"),
             open ? "add to a pool's ranges" : "open a pool to its namespace, or correct viaduct.dev/pool");
    }

    std::optional<IpAddress> free_address(const Claim& claim, std::size_t pool, Family family) {
        if (full_.contains({pool, family})) return {};
        const auto& ranges = pools_[pool].ranges;
        const std::uint64_t size = size_of(ranges, family);
        const std::uint64_t start = place_of(claim.service->key) % size;
        // Of one address more than are held, one is free.
        for (std::uint64_t i = 0; i < size && i <= holdings_.size(); ++i) {
            const std::uint64_t left = size - start;
            const IpAddress address = address_at(ranges, family, i < left ? start + i : i - left);
            if (!holdings_.contains(address)) return address;
        }
        full_.emplace(pool, family);
        return {};
    }

    /// The same in every process: FNV-1a, 64 bits. Both families start at the same place.
    static std::uint64_t place_of(const ObjectKey& key) {
        std::uint64_t hash = 0xcbf29ce484222325;
        for (const char c : key.name_space + "/" + key.name)
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
        return hash;
    }

    const PoolInput& in_;
    const std::vector<PoolConfig>& pools_;
    std::vector<Claim> claims_;
    std::map<IpAddress, Holding> holdings_;
    std::map<std::pair<std::string, std::string>, std::vector<IpAddress>> shared_;  // by network and key
    std::set<std::pair<std::size_t, Family>> full_;                                 // pools with nothing left
    PoolOutput out_;
};

}  // namespace

PoolOutput assign_addresses(const PoolInput& input) { return Allocator(input).run(); }

}  // namespace viaduct
