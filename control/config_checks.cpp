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

/// Keys of one type of source that stand in another's section.
void check_source(const SourceConfig& source, Problems& problems) {
    const std::string section = "[source." + source.name + "] ";
    const bool api = source.type == "kubernetes", directory = source.type == "directory";
    if (api && !source.path.empty())
        problems.push_back(section + "follows the Kubernetes API and has no path: remove it, or call it kubeconfig");
    if (api && !source.context.empty() && source.kubeconfig.empty())
        problems.push_back(section + "names a context without a file: add kubeconfig = PATH");
    if (directory && !(source.kubeconfig + source.context).empty())
        problems.push_back(section + "is a directory: set type = kubernetes, or remove kubeconfig and context");
    if (directory && source.path.empty()) problems.push_back(section + "has no path: add path = DIRECTORY");
    if (api || directory) {
        if (!source.etcd.endpoints.empty())
            problems.push_back(section + "has etcd-endpoints: set type = flannel-etcd, or remove them");
        return;
    }
    if (!(source.path + source.kubeconfig + source.context).empty())
        problems.push_back(section + "is flannel's etcd: remove path, kubeconfig and context");
    if (source.etcd.endpoints.empty())
        problems.push_back(section + "has no etcd-endpoints: add etcd-endpoints = https://192.0.2.2:2379");
    if (source.etcd.cert_file.empty() != source.etcd.key_file.empty())
        problems.push_back(section + "has half of a certificate: add both etcd-certfile and etcd-keyfile");
    if (source.etcd.user.empty() != source.etcd.password_file.empty())
        problems.push_back(section + "has half of a login: add both etcd-username and etcd-password-file");
}

/// A lease in etcd is known by the address that it names.
void check_etcd_network(const SourceConfig& source, const NetworkConfig& network, Problems& problems) {
    if (source.type != "flannel-etcd") return;
    if (network.type != NetworkType::flannel)
        problems.push_back("[network." + network.name + "] gets flannel's leases from [source." + source.name +
                           "]: set type = flannel");
    else if (source.etcd.lease && !network.vtep_v4)
        problems.push_back("[network." + network.name +
                           "] takes a subnet from etcd: add vtep-v4, by which its lease is known");
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
        check_source(source, problems);
        const auto named = std::ranges::find(config.networks, source.network, &NetworkConfig::name);
        if (!config.networks.empty())
            check_etcd_network(source, named == config.networks.end() ? config.networks.front() : *named, problems);
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

/// Whether there is a cluster to write to.
bool has_api(const Config& config, const std::string& network) {
    return std::ranges::any_of(config.sources, [&](const SourceConfig& source) {
        return source.type == "kubernetes" &&
               (source.network.empty() ? config.networks.front().name : source.network) == network;
    });
}

void check_join(const Config& config, const NetworkConfig& network, Problems& problems) {
    if (network.join == Join::off) return;
    const std::string section = "[network." + network.name + "] ";
    if (network.type != NetworkType::flannel)
        problems.push_back(section + "is not flannel's, whose annotations join writes: remove it");
    else if (!has_api(config, network.name))
        problems.push_back(section + "joins by writing to the cluster: add a source with type = kubernetes for it");
    if (network.join == Join::node && !network.vtep_v4 && !network.vtep_v6)
        problems.push_back(section + "makes a Node for itself, which has no address yet: add vtep-v4 or vtep-v6");
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
        else if (network.node_name.empty() && network.type == NetworkType::flannel)
            problems.push_back(section + "has no node-name: name the gateway's own Node object");
        else if (network.node_name.empty() && !network.vtep_v4 && !network.vtep_v6)
            problems.push_back(section + "has no tunnel endpoint: add vtep-v4 or vtep-v6");
        else if (!network.peers.empty())
            problems.push_back(section + "has peers of its own: set type = static, or leave them to its Nodes");
        check_join(config, network, problems);
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
