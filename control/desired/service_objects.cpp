// The objects that Services are made of, by Service.
#include "control/desired/service_objects.h"

#include <algorithm>
#include <tuple>

namespace viaduct {

namespace {

ServiceName service_of(NetworkId network, const ServiceObject& one) {
    return {network, one.key.name_space, one.key.name};
}
ServiceName service_of(NetworkId network, const EndpointSlice& one) {
    return {network, one.key.name_space, one.service};
}
ServiceName service_of(NetworkId network, const Endpoints& one) { return {network, one.key.name_space, one.key.name}; }

bool is_of_a_service(const ServiceObject&) { return true; }
bool is_of_a_service(const EndpointSlice& one) { return !one.service.empty(); }
bool is_of_a_service(const Endpoints& one) { return !one.skip_mirror; }

/// `former` is what was in its place, or of any other key.
void keep_fresh(std::vector<Shared<EndpointSlice>>& fresh, const Shared<EndpointSlice>& one,
                const Shared<EndpointSlice>& former) {
    if (former == nullptr || former->key != one->key || former->changed_at != one->changed_at) fresh.push_back(one);
}
template <class T>
void keep_fresh(std::vector<Shared<EndpointSlice>>&, const Shared<T>&, const Shared<T>&) {}

}  // namespace

template <class T>
void Carried<T>::add(unsigned source, const Shared<T>& object) {
    const auto before = [](const One& a, const One& b) {
        return std::tie(a.object->key, a.source) < std::tie(b.object->key, b.source);
    };
    const One one{object, source};
    all_.insert(std::ranges::upper_bound(all_, one, before), one);
}

template <class T>
void Carried<T>::remove(unsigned source, const Shared<T>& object) {
    const auto found =
        std::ranges::find_if(all_, [&](const One& one) { return one.object == object && one.source == source; });
    if (found != all_.end()) all_.erase(found);
}

template <class T>
std::vector<const T*> Carried<T>::objects(std::vector<Finding>& findings) const {
    std::vector<const T*> objects;
    for (const One& one : all_)
        if (objects.empty() || objects.back()->key != one.object->key)
            objects.push_back(one.object.get());
        else
            findings.push_back({Severity::warning, to_string(one.object->key),
                                "two sources carry it; the first one's is used", "remove it from one of them"});
    return objects;
}

template class Carried<ServiceObject>;
template class Carried<EndpointSlice>;
template class Carried<Endpoints>;

std::set<ServiceName> ServiceObjects::follow(std::span<const SourceObjects> sources,
                                             std::span<const NetworkId> networks) {
    followed_.resize(sources.size());
    fresh_slices_.clear();
    for (const NetworkId network : networks)
        if (std::ranges::count(networks, network) > 1) with_several_sources_.insert(network);
    for (unsigned i = 0; i < sources.size(); ++i) {
        if (networks[i] == NetworkId::none) continue;
        const Objects& now = *sources[i].objects;
        follow(followed_[i].services, now.services, &ServiceParts::services, i, networks[i]);
        follow(followed_[i].slices, now.slices, &ServiceParts::slices, i, networks[i]);
        follow(followed_[i].endpoints, now.endpoints, &ServiceParts::endpoints, i, networks[i]);
    }
    for (const ServiceName& name : changed_)
        if (const auto found = parts_.find(name); found != parts_.end() && found->second.empty()) parts_.erase(found);
    return std::exchange(changed_, {});
}

template <class T>
void ServiceObjects::follow(FollowedList<T>& list, const std::vector<Shared<T>>& now, Carried<T> ServiceParts::*part,
                            unsigned source, NetworkId network) {
    Shared<T> former;
    const auto gone = [&](const Shared<T>& object) {
        former = object;
        if (!is_of_a_service(*object)) return;
        const ServiceName name = service_of(network, *object);
        (parts_[name].*part).remove(source, object);
        changed_.insert(name);
        note_carrier(*object, source, name, false);
    };
    const auto come = [&](const Shared<T>& object) {
        if (!is_of_a_service(*object)) return;
        const ServiceName name = service_of(network, *object);
        (parts_[name].*part).add(source, object);
        changed_.insert(name);
        note_carrier(*object, source, name, true);
        keep_fresh(fresh_slices_, object, former);
    };
    list.follow(now, gone, come);
}

/// Whoever else has this slice may gain or lose it by this.
void ServiceObjects::note_carrier(const EndpointSlice& slice, unsigned source, const ServiceName& service, bool comes) {
    if (!with_several_sources_.contains(service.network)) return;
    const auto place = carriers_.try_emplace({service.network, slice.key}).first;
    if (comes)
        place->second.insert({source, service});
    else
        place->second.erase({source, service});
    for (const Carrier& other : place->second) changed_.insert(other.service);
    if (place->second.empty()) carriers_.erase(place);
}

std::vector<const EndpointSlice*> ServiceObjects::slices_of(const ServiceName& name,
                                                            std::vector<Finding>& findings) const {
    const ServiceParts* parts = find(name);
    if (parts == nullptr) return {};
    std::vector<const EndpointSlice*> slices = parts->slices.objects(findings);
    std::erase_if(slices, [&](const EndpointSlice* slice) {
        const auto carriers = carriers_.find({name.network, slice->key});
        if (carriers == carriers_.end()) return false;
        const ServiceName& holder = carriers->second.begin()->service;
        if (holder == name) return false;
        findings.push_back({Severity::warning, to_string(slice->key),
                            "two sources carry it, for the Services " + holder.name + " and " + name.name +
                                "; the first one's is used",
                            "remove it from one of them"});
        return true;
    });
    return slices;
}

const ServiceParts* ServiceObjects::find(const ServiceName& name) const {
    const auto found = parts_.find(name);
    return found == parts_.end() ? nullptr : &found->second;
}

}  // namespace viaduct
