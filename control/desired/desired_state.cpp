// From objects, configuration and the kernel's view to desired state.
#include "control/desired/desired_state.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>

#include "control/desired/network_objects.h"
#include "control/desired/networks.h"
#include "control/desired/peer_changes.h"
#include "control/desired/ports.h"
#include "control/desired/service_list.h"

namespace viaduct {

namespace {

Place place_of(const Config& config, const NetworkConfig& network, const NetworkObjects& objects) {
    const NodeObject* own = objects.node(network.node_name);
    const std::string zone = config.zone.empty() && own != nullptr ? own->zone : config.zone;
    return {network.node_name, zone, network.local_policy};
}

/// Whether tunnel packets that come to one address and port may be of either.
bool share_endpoint(const DesiredNetwork& a, const DesiredNetwork& b) {
    return a.udp_port == b.udp_port && ((a.vtep_v4 && a.vtep_v4 == b.vtep_v4) || (a.vtep_v6 && a.vtep_v6 == b.vtep_v6));
}

void check_endpoints(const std::vector<DesiredNetwork>& networks, std::vector<Finding>& findings) {
    for (std::size_t i = 0; i < networks.size(); ++i)
        for (std::size_t before = 0; before < i; ++before) {
            const DesiredNetwork &a = networks[before], &b = networks[i];
            const bool same = a.vni == b.vni || (a.any_vni && b.any_vni);
            if (!share_endpoint(a, b) || (!same && !a.any_vni && !b.any_vni)) continue;
            findings.push_back(
                {same ? Severity::error : Severity::warning, "network " + b.name,
                 same ? "its tunnel packets look like those of network " + a.name + ", which gets them"
                      : "with every VNI accepted, some of its packets may look like network " + a.name + "'s",
                 "give one of the two another vtep address or udp-port"});
        }
}

bool share_addresses(const DesiredNetwork& a, const DesiredNetwork& b) {
    SubnetClaims claims;
    for (const IpPrefix& one : a.cluster_cidrs) (void)claims.claim(one, a.name);
    return std::ranges::any_of(b.cluster_cidrs,
                               [&](const IpPrefix& one) { return claims.claim(one, b.name) == a.name; });
}

/// The host's kernel has one route for an address, whatever the networks.
void check_host_interfaces(const std::vector<DesiredNetwork>& networks, std::vector<Finding>& findings) {
    for (std::size_t i = 0; i < networks.size(); ++i)
        for (std::size_t before = 0; before < i; ++before) {
            const DesiredNetwork &a = networks[before], &b = networks[i];
            if (a.host_port != PortId::none && b.host_port != PortId::none && share_addresses(a, b))
                findings.push_back(
                    {Severity::warning, "network " + b.name,
                     "its pods have addresses of network " + a.name + "'s, to which this host's own packets go",
                     "set host-interface = none in one of the two"});
        }
}

constexpr std::size_t most_followed = 64;  // changes of Nodes one by one

/// A network with its peers, and what it was made of.
struct KeptNetwork {
    std::vector<Objects> objects;  // of its sources, without what Services are made of
    std::vector<DesiredNetwork> previous_networks;
    SharedList<DesiredPeer> previous_peers;
    NetworkOutput made;
    Place place;
    std::vector<Finding> findings;
    std::optional<PeerChanges> peer_changes;  // since it was made; nothing: there was none
};

/// Whether these are a network's peers, in this order.
bool has_peers(const DesiredState& state, NetworkId network, std::span<const DesiredPeer> peers) {
    std::size_t found = 0;
    for (const DesiredPeer& peer : state.peers) {
        if (peer.network != network) continue;
        if (found == peers.size() || peer != peers[found]) return false;
        ++found;
    }
    return found == peers.size();
}

bool has_finding(const KeptNetwork& kept, const NodeObject& node) {
    return std::ranges::find(kept.findings, to_string(node.key), &Finding::subject) != kept.findings.end();
}

}  // namespace

class DesiredStateKeeper::Memory {
public:
    /// Whether networks or peers were made anew.
    bool make_networks(const DesiredInput& input, std::span<const DesiredPort> ports) {
        const bool same_ports =
            std::ranges::equal(ports, ports_) && std::ranges::equal(input.ports, facts_) && !networks_.empty();
        networks_.resize(input.config.networks.size());
        bool any = false;
        for (std::size_t i = 0; i < networks_.size(); ++i) {
            keep_outcome(input.previous, i);
            if (same_ports && !has_changed(input, i)) continue;
            if (!same_ports || !follow_nodes(input, i)) make_network(input, i, ports);
            any = true;
        }
        if (!same_ports) {
            ports_.assign(ports.begin(), ports.end());
            facts_.assign(input.ports.begin(), input.ports.end());
        }
        return any;
    }

    /// Likewise, of Services.
    bool make_services(const DesiredInput& input) {
        std::vector<IpAddress> own;
        for (const DesiredPort& port : ports_)
            if (!port.host) own.insert(own.end(), port.addresses.begin(), port.addresses.end());
        std::vector<NetworkId> of_sources;
        for (const SourceObjects& source : input.sources) {
            const auto found = std::ranges::find(input.config.networks, source.network, &NetworkConfig::name);
            of_sources.push_back(found == input.config.networks.end()
                                     ? NetworkId::none
                                     : static_cast<NetworkId>(found - input.config.networks.begin()));
        }
        std::vector<ServiceScope> scopes;
        for (std::size_t i = 0; i < networks_.size(); ++i)
            scopes.push_back({input.config.networks[i].name, networks_[i].place});
        return services.update(
            {input.sources, of_sources, std::move(scopes), input.config.load_balancer_class, own, input.assigned});
    }

    /// Whether routes or neighbours may be others than before.
    bool take_kernel(const KernelState& kernel) {
        if (kernel_ && *kernel_ == kernel) return false;
        kernel_ = kernel;
        return true;
    }

    [[nodiscard]] const std::vector<KeptNetwork>& networks() const { return networks_; }
    ServiceList services;

private:
    [[nodiscard]] static std::vector<const Objects*> objects_of(const DesiredInput& input, std::size_t network) {
        std::vector<const Objects*> objects;
        for (const SourceObjects& source : input.sources)
            if (source.network == input.config.networks[network].name) objects.push_back(source.objects);
        return objects;
    }

    [[nodiscard]] bool has_changed(const DesiredInput& input, std::size_t i) const {
        const KeptNetwork& kept = networks_[i];
        static const DesiredState none;
        const DesiredState& previous = input.previous == nullptr ? none : *input.previous;
        const auto same = [](const Objects& then, const Objects* now) { return then.has_network_of(*now); };
        return !std::ranges::equal(kept.objects, objects_of(input, i), same) || !is_made_of(kept, previous);
    }

    [[nodiscard]] static bool is_made_of(const KeptNetwork& kept, const DesiredState& previous) {
        return kept.previous_networks == previous.networks && kept.previous_peers == previous.peers;
    }

    /// What came of a network, once it is in force, makes the same of it again: who holds what goes on holding it.
    void keep_outcome(const DesiredState* previous, std::size_t i) {
        KeptNetwork& kept = networks_[i];
        if (previous == nullptr || is_made_of(kept, *previous)) return;
        if (i >= previous->networks.size() || previous->networks[i] != kept.made.network ||
            !has_peers(*previous, static_cast<NetworkId>(i), kept.made.peers))
            return;
        kept.previous_networks = previous->networks;
        kept.previous_peers = previous->peers;
    }

    /// When nothing but a few Nodes have changed, of which there is nothing to tell. False: the network is to be made.
    bool follow_nodes(const DesiredInput& input, std::size_t i) {
        KeptNetwork& kept = networks_[i];
        const auto objects = objects_of(input, i);
        if (!kept.made.rules || objects.size() != 1 || kept.objects.size() != 1 || input.previous == nullptr ||
            !is_made_of(kept, *input.previous) || !kept.objects[0].has_overlay_of(*objects[0]))
            return false;
        const std::vector<NodeChange> changes = node_changes(kept.objects[0].nodes, objects[0]->nodes);
        const auto matters_to_others = [&](const NodeChange& change) {
            const NodeObject& node = change.before ? *change.before : *change.after;
            return node.key.name == input.config.networks[i].node_name || has_finding(kept, node);
        };
        if (changes.size() > most_followed || std::ranges::any_of(changes, matters_to_others)) return false;
        if (!kept.peer_changes) kept.peer_changes.emplace(kept.made);
        kept.objects[0].nodes = objects[0]->nodes;
        return kept.peer_changes->follow(changes, kept.made);
    }

    void make_network(const DesiredInput& input, std::size_t i, std::span<const DesiredPort> ports) {
        KeptNetwork kept;
        const NetworkConfig& config = input.config.networks[i];
        for (const Objects* objects : objects_of(input, i)) kept.objects.push_back(objects->network());
        if (input.previous != nullptr) {
            kept.previous_networks = input.previous->networks;
            kept.previous_peers = input.previous->peers;
        }
        const NetworkObjects objects(config.name, input.sources, kept.findings);
        kept.made = desired_network({config, static_cast<NetworkId>(i), objects, ports, input.ports, input.previous},
                                    kept.findings);
        kept.place = place_of(input.config, config, objects);
        networks_[i] = std::move(kept);
    }

    std::vector<DesiredPort> ports_;
    std::vector<PortFacts> facts_;
    std::vector<KeptNetwork> networks_;
    std::optional<KernelState> kernel_;
};

DesiredStateKeeper::DesiredStateKeeper() : memory_(std::make_unique<Memory>()) {}
DesiredStateKeeper::~DesiredStateKeeper() = default;

const std::vector<Shared<EndpointSlice>>& DesiredStateKeeper::fresh_slices() const {
    return memory_->services.fresh_slices();
}

namespace {

/// Peers that are as they were stay shared. Both lists are sorted by network, name and underlay address.
SharedList<DesiredPeer> peers_of(const std::vector<KeptNetwork>& networks, const SharedList<DesiredPeer>& before) {
    const auto place = [](const DesiredPeer& peer) { return std::tie(peer.network, peer.name, peer.underlay); };
    SharedList<DesiredPeer> peers;
    std::size_t i = 0;
    for (const KeptNetwork& network : networks)
        for (const DesiredPeer& peer : network.made.peers) {
            while (i < before.size() && place(before[i]) < place(peer)) ++i;
            if (i < before.size() && before[i] == peer)
                peers.push_back(before.element(i));
            else
                peers.push_back(peer);
        }
    return peers;
}

std::vector<Finding> findings_of(const std::vector<KeptNetwork>& kept, const std::vector<DesiredNetwork>& networks) {
    std::vector<Finding> findings;
    for (const KeptNetwork& network : kept)
        findings.insert(findings.end(), network.findings.begin(), network.findings.end());
    check_endpoints(networks, findings);
    check_host_interfaces(networks, findings);
    return findings;
}

}  // namespace

const DesiredState& DesiredStateKeeper::update(const DesiredInput& input) {
    state_.ports = desired_ports(input.config, input.ports, input.kernel);
    const bool new_networks = memory_->make_networks(input, state_.ports);
    const bool new_services = memory_->make_services(input);
    if (new_networks) {
        state_.networks.clear();
        for (const KeptNetwork& network : memory_->networks()) state_.networks.push_back(network.made.network);
        SharedList<DesiredPeer> peers = peers_of(memory_->networks(), state_.peers);
        if (peers != state_.peers) state_.peers = std::move(peers);
    }
    if (memory_->take_kernel(input.kernel) || new_networks) {
        state_.routes = desired_routes(input.ports, input.kernel, state_.networks);
        state_.neighbours = desired_neighbours(input.ports, input.kernel);
    }
    state_.services = memory_->services.services();
    if (new_networks) network_findings_ = findings_of(memory_->networks(), state_.networks);
    if (new_networks || new_services) take_findings();
    return state_;
}

void DesiredStateKeeper::take_findings() {
    std::vector<Finding> findings = network_findings_;
    std::ranges::move(memory_->services.findings(), std::back_inserter(findings));
    if (findings == findings_) return;
    findings_ = std::move(findings);
    ++findings_revision_;
}

DesiredOutput desired_state(const DesiredInput& input) {
    DesiredStateKeeper keeper;
    return {keeper.update(input), keeper.findings()};
}

}  // namespace viaduct
