// What single keys cannot tell: whether a configuration hangs together.
#include "control/config_checks.h"

#include <algorithm>
#include <set>

#include "control/writers/pool_ranges.h"

namespace viaduct {

namespace {

constexpr std::size_t most_networks = 254;

using Problems = std::vector<std::string>;

void check_ports(const Config& config, Problems& problems) {
    if (config.ports.empty())
        problems.emplace_back("there is no port: add a section [port.NAME] with device = af_xdp:IFNAME");
    if (config.ports.size() + config.networks.size() > max_ports)
        problems.push_back("there are more than " + std::to_string(max_ports) +
                           " ports, host interfaces included: remove some");
    std::set<std::string> devices;
    for (const PortConfig& port : config.ports) {
        const std::string section = "[port." + port.name + "] ";
        if (port.device.empty())
            problems.push_back(section + "has no device: add device = af_xdp:IFNAME, or DPDK devargs");
        else if (!devices.insert(port.device).second)
            problems.push_back(section + "uses the device " + port.device + " of another port: give it its own");
    }
}

void check_references(const Config& config, Problems& problems) {
    const auto check = [&](const std::string& section, const std::string& network) {
        if (network.empty() ||
            std::ranges::find(config.networks, network, &NetworkConfig::name) != config.networks.end())
            return;
        problems.push_back(section + " names the network '" + network + "': add [network." + network + "]");
    };
    for (const PortConfig& port : config.ports) check("[port." + port.name + "]", port.network);
    for (const PoolConfig& pool : config.pools) check("[pool." + pool.name + "]", pool.network);
    for (const SourceConfig& source : config.sources) {
        check("[source." + source.name + "]", source.network);
        const std::string section = "[source." + source.name + "] ";
        if (source.type == "kubernetes" && !source.path.empty())
            problems.push_back(section + "follows the Kubernetes API and has no path: remove it, or call it kubeconfig");
        if (source.type == "kubernetes" && !source.context.empty() && source.kubeconfig.empty())
            problems.push_back(section + "names a context without a file: add kubeconfig = PATH");
        if (source.type == "directory" && !(source.kubeconfig + source.context).empty())
            problems.push_back(section + "is a directory: set type = kubernetes, or remove kubeconfig and context");
        if (source.type == "directory" && source.path.empty())
            problems.push_back("[source." + source.name + "] has no path: add path = DIRECTORY");
    }
}

void check_static_network(const NetworkConfig& network, Problems& problems) {
    const std::string section = "[network." + network.name + "] is static and ";
    if (!network.vtep_v4 && !network.vtep_v6)
        problems.push_back(section + "has no tunnel endpoint: add vtep-v4 or vtep-v6");
    for (const StaticPeer& peer : network.peers)
        if (peer.underlay.is_v4() ? !network.vtep_v4 : !network.vtep_v6)
            problems.push_back(section + "has no vtep of its peer " + peer.name + "'s family: add vtep-" +
                               (peer.underlay.is_v4() ? "v4" : "v6"));
}

void check_networks(const Config& config, Problems& problems) {
    if (config.networks.empty()) problems.emplace_back("there is no network: add a section [network.NAME]");
    if (config.networks.size() > most_networks)
        problems.push_back("there are more than " + std::to_string(most_networks) + " networks: remove some");
    std::set<std::string> host_interfaces;
    for (const NetworkConfig& network : config.networks) {
        const std::string section = "[network." + network.name + "] ";
        if (network.type == NetworkType::fixed)
            check_static_network(network, problems);
        else if (network.node_name.empty())
            problems.push_back(section + "has no node-name: name the gateway's own Node object");
        else if (!network.peers.empty())
            problems.push_back(section + "has peers of its own: set type = static, or leave them to its Nodes");
        if (!network.host_interface.empty() && !host_interfaces.insert(network.host_interface).second)
            problems.push_back(section + "shares host-interface " + network.host_interface +
                               ": give it its own, or none");
    }
}

void check_pools(const Config& config, Problems& problems) {
    for (const PoolConfig& pool : config.pools) {
        const std::string section = "[pool." + pool.name + "] ";
        if (pool.ranges.empty())
            problems.push_back(section + "has no ranges: add ranges = 203.0.113.0/28, or whatever is routed here");
        for (const PoolConfig& other : config.pools)
            for (const AddressRange& range : pool.ranges)
                if (&other < &pool &&
                    std::ranges::any_of(other.ranges, [&](const auto& one) { return overlap(one, range); }))
                    problems.push_back(section + "has addresses of [pool." + other.name + "]: leave them to one pool");
    }
}

}  // namespace

std::vector<std::string> check_config(const Config& config) {
    Problems problems;
    check_ports(config, problems);
    check_networks(config, problems);
    check_references(config, problems);
    check_pools(config, problems);
    return problems;
}

}  // namespace viaduct
