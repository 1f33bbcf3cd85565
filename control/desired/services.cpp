// Services to frontends and backends.
#include "control/desired/services.h"

#include <algorithm>

#include "encap/net_text.h"

namespace viaduct {

namespace {

bool is_of(const IpAddress& address, Family family) { return address.is_v4() == (family == Family::v4); }

bool has_address_of(const std::vector<IpAddress>& addresses, Family family) {
    return std::ranges::any_of(addresses, [&](const IpAddress& address) { return is_of(address, family); });
}

/// kube-proxy serves a Service in the families of its ClusterIPs. Where nothing allocates those, as in a directory of
/// hand-written objects, ipFamilies decides, and without it every family is served.
bool serves(const ServiceObject& service, Family family) {
    if (!service.cluster_ips.empty()) return has_address_of(service.cluster_ips, family);
    return service.families.empty() || std::ranges::find(service.families, family) != service.families.end();
}

bool is_ignored(const ServiceObject& service) {
    return service.headless || service.external_name || !service.proxy_name.empty();
}

/// As in kube-proxy, ranges of the other family do not restrict this one.
std::vector<IpPrefix> ranges_of(const ServiceObject& service, Family family) {
    std::vector<IpPrefix> ranges;
    for (const IpPrefix& range : service.source_ranges)
        if (is_of(range.address, family)) ranges.push_back(range);
    return ranges;
}

std::string port_names(std::span<const EndpointSlice* const> slices) {
    std::vector<std::string> names;
    for (const EndpointSlice* slice : slices)
        for (const EndpointPort& port : slice->ports)
            names.push_back((port.name.empty() ? "(no name)" : port.name) + "/" + to_string(port.protocol) +
                            (port.port == 0 ? " without a number" : ""));
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

bool has_endpoints(std::span<const EndpointSlice* const> slices, Family family) {
    return std::ranges::any_of(
        slices, [&](const EndpointSlice* slice) { return slice->family == family && !slice->endpoints.empty(); });
}

class ServiceMaker {
public:
    ServiceMaker(const ServiceInput& input, const ServiceObject& service, std::span<const EndpointSlice* const> slices,
                 MadeService& made)
        : in_(input), service_(service), slices_(slices), made_(made) {}
    void make();

private:
    void add_port(const ServicePort& port, Family family);
    [[nodiscard]] std::vector<DesiredFrontend> external_frontends(const ServicePort& port, Family family);
    void find(Severity severity, const std::string& text, const std::string& remedy) {
        made_.findings.push_back({severity, to_string(service_.key), text, remedy});
    }

    const ServiceInput& in_;
    const ServiceObject& service_;
    const std::span<const EndpointSlice* const> slices_;
    MadeService& made_;
};

void ServiceMaker::make() {
    if (!service_.load_balancer_class.empty() && service_.load_balancer_class != in_.load_balancer_class &&
        !in_.load_balancer_ips(service_).empty())
        find(Severity::note, "its load-balancer addresses are left to class " + service_.load_balancer_class,
             "set load-balancer-class to serve them here");
    for (const Family family : {Family::v4, Family::v6}) {
        const char* name = family == Family::v4 ? "IPv4" : "IPv6";
        if (!serves(service_, family)) {
            if (has_address_of(service_.external_ips, family) ||
                has_address_of(in_.load_balancer_ips(service_), family))
                find(Severity::warning,
                     std::string("its ") + name + " addresses are not served: it has no clusterIP of that family",
                     "make the Service dual-stack (ipFamilyPolicy)");
            continue;
        }
        if (!service_.source_ranges.empty() && ranges_of(service_, family).empty() &&
            has_address_of(in_.load_balancer_ips(service_), family))
            find(Severity::warning,
                 std::string("loadBalancerSourceRanges has no ") + name + " range: everyone is let in over " + name,
                 std::string("add an ") + name + " range");
        for (const ServicePort& port : service_.ports) add_port(port, family);
    }
    for (const EndpointSlice* slice : slices_)
        if (!slice->family)
            made_.findings.push_back({Severity::warning, to_string(slice->key),
                                      "its addresses are host names, which are not looked up: none of them is used",
                                      "list IP addresses, or make the Service one of type ExternalName"});
}

std::vector<DesiredFrontend> ServiceMaker::external_frontends(const ServicePort& port, Family family) {
    std::vector<DesiredFrontend> frontends;
    const auto is_own = [&](const IpAddress& address) {
        return std::ranges::find(in_.own_addresses, address) != in_.own_addresses.end();
    };
    // On an address of our own only the Service's port may be taken: SSH and the rest of it stay the kernel's.
    for (const IpAddress& address : service_.external_ips)
        if (is_of(address, family))
            frontends.push_back(
                {address, port.port, is_own(address) ? FrontendKind::node_port : FrontendKind::external_ip});
    const bool ours = service_.load_balancer_class.empty() || service_.load_balancer_class == in_.load_balancer_class;
    for (const IpAddress& address : in_.load_balancer_ips(service_)) {
        if (!ours || !is_of(address, family)) continue;
        if (is_own(address) && !ranges_of(service_, family).empty())
            find(Severity::error,
                 "its load-balancer address " + to_string(address) +
                     " is the gateway's own, where source ranges cannot be kept: it is not served",
                 "give it another address");
        else
            frontends.push_back(
                {address, port.port, is_own(address) ? FrontendKind::node_port : FrontendKind::load_balancer});
    }
    if (port.node_port != 0)
        for (const IpAddress& address : in_.own_addresses)
            if (is_of(address, family)) frontends.push_back({address, port.node_port, FrontendKind::node_port});
    return frontends;
}

void ServiceMaker::add_port(const ServicePort& port, Family family) {
    const auto all = candidates(slices_, port, family, service_.publish_not_ready);
    if (all.empty() && has_endpoints(slices_, family))
        find(Severity::warning,
             "its port '" + port.name + "'/" + to_string(port.protocol) +
                 " has no counterpart of that name and protocol among its endpoints' ports: " + port_names(slices_),
             "name them alike, and give each a number");
    DesiredService base;
    base.name = service_.key.name_space + "/" + service_.key.name + ":" +
                (port.name.empty() ? std::to_string(port.port) : port.name);
    base.network = in_.network;
    base.protocol = port.protocol;
    base.family = family;
    base.affinity_seconds = service_.affinity_seconds;
    base.source_ranges = ranges_of(service_, family);

    std::vector<DesiredFrontend> internal;
    for (const IpAddress& address : service_.cluster_ips)
        if (is_of(address, family)) internal.push_back({address, port.port, FrontendKind::cluster_ip});
    const auto external = external_frontends(port, family);

    const bool local_counts = in_.place.local_policy == LocalPolicy::node;
    for (const TrafficPolicy policy : {TrafficPolicy::cluster, TrafficPolicy::local}) {
        DesiredService group = base;
        const auto add = [&](TrafficPolicy wanted, const std::vector<DesiredFrontend>& frontends) {
            if ((local_counts ? wanted : TrafficPolicy::cluster) == policy)
                group.frontends.insert(group.frontends.end(), frontends.begin(), frontends.end());
        };
        add(service_.internal_policy, internal);
        add(service_.external_policy, external);
        if (group.frontends.empty()) continue;
        if (policy == TrafficPolicy::local) group.group = "local";
        Selection selection = select_backends(all, policy, in_.place);
        group.backends = std::move(selection.backends);
        group.when_empty = selection.when_empty;
        made_.groups.push_back(std::move(group));
    }
}

}  // namespace

const std::vector<IpAddress>& ServiceInput::load_balancer_ips(const ServiceObject& service) const {
    if (assigned == nullptr) return service.ingress_ips;
    const auto found = assigned->find({network_name, service.key});
    return found == assigned->end() ? service.ingress_ips : found->second;
}

void make_service(const ServiceInput& input, const ServiceObject& service, std::span<const EndpointSlice* const> slices,
                  MadeService& made) {
    if (is_ignored(service)) return;
    made.needs_address = !service.ports.empty() && service.cluster_ips.empty();
    ServiceMaker(input, service, slices, made).make();
}

}  // namespace viaduct
