// The objects that Services are made of, by Service: kept from one look at the sources to the next.
#pragma once

#include <compare>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "control/desired/desired_state.h"
#include "control/desired/followed_list.h"
#include "tables/desired.h"

namespace viaduct {

/// A Service in its network. They are ordered as their frontends are settled: the first keeps what two claim.
struct ServiceName {
    NetworkId network{};
    std::string name_space, name;
    auto operator<=>(const ServiceName&) const = default;
};

/// Sorted by the objects' keys, and by source where several carry one object: the first source's counts.
template <class T>
class Carried {
public:
    void add(unsigned source, const Shared<T>& object);
    void remove(unsigned source, const Shared<T>& object);
    [[nodiscard]] bool empty() const { return all_.empty(); }
    /// Each object once. The others are reported.
    [[nodiscard]] std::vector<const T*> objects(std::vector<Finding>& findings) const;

private:
    struct One {
        Shared<T> object;
        unsigned source = 0;
    };
    std::vector<One> all_;
};

struct ServiceParts {
    Carried<ServiceObject> services;
    Carried<EndpointSlice> slices;
    Carried<Endpoints> endpoints;
    [[nodiscard]] bool empty() const { return services.empty() && slices.empty() && endpoints.empty(); }
};

class ServiceObjects {
public:
    /// The Services of which anything has changed. `networks[i]` is the network of `sources[i]`; sources stay what they
    /// are from one call to the next.
    [[nodiscard]] std::set<ServiceName> follow(std::span<const SourceObjects> sources,
                                               std::span<const NetworkId> networks);
    /// EndpointSlices that came with the last call, or whose last change came with it.
    [[nodiscard]] const std::vector<Shared<EndpointSlice>>& fresh_slices() const { return fresh_slices_; }
    /// nullptr: there is nothing of it.
    [[nodiscard]] const ServiceParts* find(const ServiceName& name) const;
    /// A Service's slices, each once, without those that an earlier source carries for another Service.
    [[nodiscard]] std::vector<const EndpointSlice*> slices_of(const ServiceName& name,
                                                              std::vector<Finding>& findings) const;
    [[nodiscard]] const std::map<ServiceName, ServiceParts>& all() const { return parts_; }

private:
    struct Followed {
        FollowedList<ServiceObject> services;
        FollowedList<EndpointSlice> slices;
        FollowedList<Endpoints> endpoints;
    };
    /// A slice is of the Service that its label names, which need not be the same in all sources.
    struct Carrier {
        unsigned source = 0;
        ServiceName service;
        auto operator<=>(const Carrier&) const = default;
    };
    template <class T>
    void follow(FollowedList<T>& list, const std::vector<Shared<T>>& now, Carried<T> ServiceParts::*part,
                unsigned source, NetworkId network);
    template <class T>
    void note_carrier(const T&, unsigned, const ServiceName&, bool) {}
    void note_carrier(const EndpointSlice& slice, unsigned source, const ServiceName& service, bool comes);

    std::vector<Followed> followed_;  // by source
    std::map<ServiceName, ServiceParts> parts_;
    std::set<ServiceName> changed_;
    std::set<NetworkId> with_several_sources_;
    std::map<std::pair<NetworkId, ObjectKey>, std::set<Carrier>> carriers_;  // in networks with several sources
    std::vector<Shared<EndpointSlice>> fresh_slices_;
};

}  // namespace viaduct
