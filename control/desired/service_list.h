// The Services of all networks as desired state, made anew only where something of them has changed.
//
// Theory of operation. A Service's part depends on its objects, on the addresses that the pools gave it, on what its
// network's Services have in common, and on who else claims its frontends. So a change is followed in two rounds: what
// is due is made anew and claims its frontends; then whoever shares a claim that came or went is made anew as well, and
// each frontend goes to the first of its claimants. The result is that of making everything, but for the order.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "control/desired/service_objects.h"
#include "control/desired/services.h"
#include "tables/shared_list.h"

namespace viaduct {

/// What the Services of one network have in common.
struct ServiceScope {
    std::string network_name;
    Place place;
    bool operator==(const ServiceScope&) const = default;
};

struct ServiceListInput {
    std::span<const SourceObjects> sources;
    std::span<const NetworkId> networks;  // by source
    std::vector<ServiceScope> scopes;     // by network
    const std::string& load_balancer_class;
    const std::vector<IpAddress>& own_addresses;
    const Assignments* assigned = nullptr;
};

class ServiceList {
public:
    /// Whether services or findings may be others than before.
    bool update(const ServiceListInput& input);
    /// Each stays in its place; when one goes, the last takes its place.
    [[nodiscard]] const SharedList<DesiredService>& services() const { return list_; }
    [[nodiscard]] std::vector<Finding> findings() const;
    [[nodiscard]] const std::vector<Shared<EndpointSlice>>& fresh_slices() const { return objects_.fresh_slices(); }

private:
    using FrontendKey = std::tuple<IpAddress, std::uint16_t, Protocol>;
    struct Hash {
        std::size_t operator()(const FrontendKey& key) const noexcept;
    };
    struct Claim {
        FrontendKey frontend;
        std::string owner;  // a DesiredService's name
        bool operator==(const Claim&) const = default;
    };
    struct Claimant {
        const ServiceName* service = nullptr;  // a key of `made_`
        std::size_t claim = 0;
    };
    struct Made {
        std::vector<Claim> claims;
        std::vector<std::size_t> places;  // of its groups in the list
        std::vector<Finding> findings;
    };
    using MadeMap = std::map<ServiceName, Made>;
    /// Of a place in the list.
    struct Holder {
        Made* service = nullptr;
        std::size_t group = 0;
    };

    void add_reassigned(std::set<ServiceName>& due, const Assignments& assigned) const;
    [[nodiscard]] MadeService make(const ServiceName& name, const ServiceListInput& input) const;
    void claim(const ServiceName& name, const MadeService& fresh, std::set<ServiceName>& affected);
    void withdraw(const MadeMap::value_type& made, std::set<ServiceName>& affected);
    void settle(const ServiceName& name, MadeService fresh);
    void keep_own_frontends(const MadeMap::value_type& made, MadeService& fresh) const;
    void put_in_place(Made& made, std::vector<DesiredService> services);
    void vacate_last_of(Made& made);

    ServiceObjects objects_;
    std::vector<ServiceScope> scopes_;
    std::vector<IpAddress> own_addresses_;
    Assignments assigned_;
    MadeMap made_;
    std::unordered_map<FrontendKey, std::vector<Claimant>, Hash> claimants_;  // the first has it
    std::set<ServiceName> with_findings_;
    SharedList<DesiredService> list_;
    std::vector<Holder> holders_;  // by place
};

}  // namespace viaduct
