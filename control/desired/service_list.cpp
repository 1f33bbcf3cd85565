// The Services of all networks, one by one.
#include "control/desired/service_list.h"

#include <algorithm>

#include "encap/net_text.h"
#include "tables/probe_table.h"

namespace viaduct {

std::size_t ServiceList::Hash::operator()(const FrontendKey& key) const noexcept {
    const auto& [address, port, protocol] = key;
    const std::uint64_t hash = spread(hash_of(address.v6()) + (std::uint64_t{port} << 8U | std::uint64_t(protocol)));
    return hash ^ (hash >> 32U);
}

bool ServiceList::update(const ServiceListInput& input) {
    static const Assignments none;
    const Assignments& assigned = input.assigned == nullptr ? none : *input.assigned;
    std::set<ServiceName> due = objects_.follow(input.sources, input.networks);
    if (scopes_ != input.scopes || own_addresses_ != input.own_addresses)
        for (const auto& [name, parts] : objects_.all()) due.insert(name);
    scopes_ = input.scopes;
    own_addresses_ = input.own_addresses;
    if (assigned_ != assigned) {
        add_reassigned(due, assigned);
        assigned_ = assigned;
    }
    if (due.empty()) return false;

    std::map<ServiceName, MadeService> fresh;
    std::set<ServiceName> affected;
    for (const ServiceName& name : due) claim(name, fresh[name] = make(name, input), affected);
    for (const ServiceName& name : affected)
        if (!fresh.contains(name)) fresh[name] = make(name, input);
    for (auto& [name, service] : fresh) settle(name, std::move(service));
    return true;
}

/// Whoever was given other addresses than before.
void ServiceList::add_reassigned(std::set<ServiceName>& due, const Assignments& assigned) const {
    const auto add_differing = [&](const Assignments& some, const Assignments& others) {
        for (const auto& [owner, addresses] : some) {
            const auto other = others.find(owner);
            if (other != others.end() && other->second == addresses) continue;
            const auto scope = std::ranges::find(scopes_, owner.first, &ServiceScope::network_name);
            if (scope != scopes_.end())
                due.insert(
                    {static_cast<NetworkId>(scope - scopes_.begin()), owner.second.name_space, owner.second.name});
        }
    };
    add_differing(assigned_, assigned);
    add_differing(assigned, assigned_);
}

MadeService ServiceList::make(const ServiceName& name, const ServiceListInput& input) const {
    MadeService made;
    const ServiceParts* parts = objects_.find(name);
    if (parts == nullptr) return made;
    const auto services = parts->services.objects(made.findings);
    auto slices = objects_.slices_of(name, made.findings);
    // Kubernetes mirrors Endpoints to slices; without any, what it would have made of them counts.
    for (const Endpoints* endpoints : parts->endpoints.objects(made.findings))
        if (parts->slices.empty())
            for (const EndpointSlice& slice : endpoints->slices) slices.push_back(&slice);
    if (services.empty()) return made;
    const ServiceScope& scope = scopes_[static_cast<std::size_t>(name.network)];
    make_service({name.network, scope.network_name, scope.place, input.load_balancer_class, own_addresses_, &assigned_},
                 *services.front(), slices, made);
    return made;
}

/// Enters what a Service claims now. `affected` gets those who share a claim that came or went.
void ServiceList::claim(const ServiceName& name, const MadeService& fresh, std::set<ServiceName>& affected) {
    std::vector<Claim> claims;
    for (const DesiredService& group : fresh.groups)
        for (const DesiredFrontend& frontend : group.frontends)
            claims.push_back({{frontend.address, frontend.port, group.protocol}, group.name});
    auto& made = *made_.try_emplace(name).first;
    if (made.second.claims == claims) return;
    withdraw(made, affected);
    made.second.claims = std::move(claims);
    for (std::size_t i = 0; i < made.second.claims.size(); ++i) {
        std::vector<Claimant>& claimants = claimants_[made.second.claims[i].frontend];
        for (const Claimant& other : claimants) affected.insert(*other.service);
        const auto before = [](const Claimant& a, const Claimant& b) {
            return std::tie(*a.service, a.claim) < std::tie(*b.service, b.claim);
        };
        const Claimant one{&made.first, i};
        claimants.insert(std::ranges::upper_bound(claimants, one, before), one);
    }
}

void ServiceList::withdraw(const MadeMap::value_type& made, std::set<ServiceName>& affected) {
    for (const Claim& claim : made.second.claims) {
        const auto found = claimants_.find(claim.frontend);
        if (found == claimants_.end()) continue;
        std::erase_if(found->second, [&](const Claimant& one) { return one.service == &made.first; });
        for (const Claimant& other : found->second) affected.insert(*other.service);
        if (found->second.empty()) claimants_.erase(found);
    }
}

void ServiceList::settle(const ServiceName& name, MadeService fresh) {
    const auto place = made_.find(name);
    if (place == made_.end()) return;
    Made& made = place->second;
    keep_own_frontends(*place, fresh);
    if (fresh.groups.empty() && fresh.needs_address)
        fresh.findings.push_back({Severity::note, "Service " + name.name_space + "/" + name.name, "has no address here",
                                  "give it a clusterIP, externalIPs, a load-balancer address or a nodePort"});
    if (fresh.findings.empty())
        with_findings_.erase(name);
    else
        with_findings_.insert(name);
    made.findings = std::move(fresh.findings);
    put_in_place(made, std::move(fresh.groups));
    if (objects_.find(name) == nullptr) made_.erase(place);
}

/// Leaves frontends to those who claimed them first, and groups without any out.
void ServiceList::keep_own_frontends(const MadeMap::value_type& made, MadeService& fresh) const {
    std::size_t claim = 0;
    for (DesiredService& group : fresh.groups)
        std::erase_if(group.frontends, [&](const DesiredFrontend& frontend) {
            const std::size_t mine = claim++;
            const Claimant& first = claimants_.at(made.second.claims[mine].frontend).front();
            if (first.service == &made.first && first.claim == mine) return false;
            const std::string& holder = made_.at(*first.service).claims[first.claim].owner;
            if (holder != group.name)
                fresh.findings.push_back({Severity::error, "Service " + group.name,
                                          to_string(frontend.address) + " port " + std::to_string(frontend.port) + "/" +
                                              to_string(group.protocol) + " is already " + holder + "'s",
                                          "give one of them another address or port"});
            return true;
        });
    std::erase_if(fresh.groups, [](const DesiredService& group) { return group.frontends.empty(); });
}

/// What is equal to what stands there stays there, so that it goes on being shared.
void ServiceList::put_in_place(Made& made, std::vector<DesiredService> services) {
    while (made.places.size() > services.size()) vacate_last_of(made);
    for (std::size_t i = 0; i < services.size(); ++i) {
        if (i == made.places.size()) {
            made.places.push_back(list_.size());
            holders_.push_back({&made, i});
            list_.push_back(std::move(services[i]));
        } else if (!(list_[made.places[i]] == services[i])) {
            list_.replace(made.places[i], std::move(services[i]));
        }
    }
}

void ServiceList::vacate_last_of(Made& made) {
    const std::size_t place = made.places.back(), last = list_.size() - 1;
    made.places.pop_back();
    if (place != last) {
        list_.replace(place, list_.element(last));
        holders_[place] = holders_[last];
        holders_[place].service->places[holders_[place].group] = place;
    }
    list_.pop_back();
    holders_.pop_back();
}

std::vector<Finding> ServiceList::findings() const {
    std::vector<Finding> findings;
    for (const ServiceName& name : with_findings_) {
        const std::vector<Finding>& some = made_.at(name).findings;
        findings.insert(findings.end(), some.begin(), some.end());
    }
    return findings;
}

}  // namespace viaduct
