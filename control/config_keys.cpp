// Every key that the configuration knows.
#include "control/config_keys.h"

#include <array>

#include "control/config_values.h"
#include "lb/snat.h"

namespace viaduct {

namespace {

using Text = const std::string&;
constexpr std::uint64_t week = 604'800;                // seconds: longer idle times are typing errors
constexpr std::uint64_t most_connections = 1U << 26U;  // per worker; 8 GiB of records

template <std::uint32_t Timeouts::*Member>
void set_timeout(Config& config, Text v) {
    config.timeouts.*Member = parse_number<std::uint32_t>(v, 1, week);
}

constexpr std::array global_table{
    ConfigKey<Config>{
        "workers", "auto|N", "packet-processing threads; auto: one for each usable CPU but one",
        [](Config& c, Text v) { c.workers = v == "auto" ? 0 : parse_number<unsigned>(v, 1, max_workers); }},
    ConfigKey<Config>{"cpus", "LIST", "CPUs for the workers, as in 2-3,5; default: those that the process may use",
                      [](Config& c, Text v) { c.cpus = parse_cpus(v); }},
    ConfigKey<Config>{"hugepages", "auto|on|off", "memory from huge pages; auto: when there are enough",
                      [](Config& c, Text v) {
                          c.hugepages = parse_choice<Hugepages>(
                              v, {{"auto", Hugepages::automatic}, {"on", Hugepages::on}, {"off", Hugepages::off}});
                      }},
    ConfigKey<Config>{"memory-mb", "N", "packet memory in MiB",
                      [](Config& c, Text v) { c.memory_mb = parse_number<unsigned>(v, 64, 1'048'576); }},
    ConfigKey<Config>{"idle", "backoff|spin", "what a worker without packets does: sleep longer and longer, or poll on",
                      [](Config& c, Text v) {
                          c.idle = parse_choice<Idle>(v, {{"backoff", Idle::backoff}, {"spin", Idle::spin}});
                      }},
    ConfigKey<Config>{
        "idle-max-sleep-us", "N", "longest sleep of an idle worker, in microseconds",
        [](Config& c, Text v) { c.idle_max_sleep = std::chrono::microseconds(parse_number<unsigned>(v, 1, 100'000)); }},
    ConfigKey<Config>{"log-level", "debug|info|warn|error", "the least that is logged",
                      [](Config& c, Text v) {
                          c.log_level = parse_choice<const char*>(
                              v, {{"debug", "debug"}, {"info", "info"}, {"warn", "warn"}, {"error", "error"}});
                      }},
    ConfigKey<Config>{"socket", "PATH", "Unix socket for viaductctl",
                      [](Config& c, Text v) {
                          // sockaddr_un has room for 107 bytes and the final zero.
                          if (v.empty() || v.size() > 107) throw BadValue("must be a path of 1 to 107 bytes");
                          c.socket = v;
                      }},
    ConfigKey<Config>{
        "connections-v4", "N", "IPv4 connections that each worker can track",
        [](Config& c, Text v) { c.connections_v4 = parse_number<std::size_t>(v, 1024, most_connections); }},
    ConfigKey<Config>{
        "connections-v6", "N", "IPv6 connections that each worker can track",
        [](Config& c, Text v) { c.connections_v6 = parse_number<std::size_t>(v, 1024, most_connections); }},
    ConfigKey<Config>{"timeout-tcp-established", "SECONDS", "idle time of an established TCP connection",
                      set_timeout<&Timeouts::tcp_established>},
    ConfigKey<Config>{"timeout-tcp-transitory", "SECONDS", "idle time of a TCP connection that opens or closes",
                      set_timeout<&Timeouts::tcp_transitory>},
    ConfigKey<Config>{"timeout-udp", "SECONDS", "idle time of a UDP flow", set_timeout<&Timeouts::udp>},
    ConfigKey<Config>{"timeout-icmp", "SECONDS", "idle time of an echo exchange", set_timeout<&Timeouts::icmp>},
    ConfigKey<Config>{"timeout-other", "SECONDS", "idle time of all other flows", set_timeout<&Timeouts::other>},
    ConfigKey<Config>{
        "debounce-ms", "N", "least time between publications: changes in between are published together",
        [](Config& c, Text v) { c.debounce = std::chrono::milliseconds(parse_number<unsigned>(v, 0, 10'000)); }},
    ConfigKey<Config>{"zone", "NAME", "the gateway's zone, for topology hints; default: its Node's zone label",
                      [](Config& c, Text v) { c.zone = v; }},
    ConfigKey<Config>{"load-balancer-class", "CLASS", "serve this loadBalancerClass besides Services without one",
                      [](Config& c, Text v) { c.load_balancer_class = v; }},
    ConfigKey<Config>{"default-load-balancer", "yes|no", "give addresses of the pools to Services without a class too",
                      [](Config& c, Text v) { c.default_load_balancer = parse_yes_no(v); }},
    ConfigKey<Config>{"ip-mode", "VIP|Proxy", "who serves load-balancer addresses to pods: their node, or the gateway",
                      [](Config& c, Text v) {
                          c.ip_mode = parse_choice<IpMode>(v, {{"VIP", IpMode::vip}, {"Proxy", IpMode::proxy}});
                      }},
};

constexpr std::array port_table{
    ConfigKey<PortConfig>{"device", "af_xdp:IFNAME|DEVARGS", "the device: a Linux interface, or what DPDK calls it",
                          [](PortConfig& p, Text v) {
                              if (v.empty() || v == "af_xdp:") throw BadValue("must be af_xdp:IFNAME or DPDK devargs");
                              p.device = v;
                          }},
    ConfigKey<PortConfig>{"queues", "N", "receive queues",
                          [](PortConfig& p, Text v) { p.queues = parse_number<unsigned>(v, 1, max_workers); }},
    ConfigKey<PortConfig>{"network", "NAME",
                          "whose pods plain packets from here may address; default: the first network",
                          [](PortConfig& p, Text v) { p.network = v; }},
    ConfigKey<PortConfig>{"twin", "auto|off|NAME",
                          "the TAP that shares this port's identity when Linux has no such interface",
                          [](PortConfig& p, Text v) {
                              if (v.empty() || v.size() > 15)
                                  throw BadValue("must be auto, off or a name of 1 to 15 bytes");
                              p.twin = v;
                          }},
};

constexpr std::array network_table{
    ConfigKey<NetworkConfig>{"type", "flannel|calico|cilium|static",
                             "whose objects tell of the peers; static: `peer` keys do",
                             [](NetworkConfig& n, Text v) {
                                 n.type = parse_choice<NetworkType>(v, {{"flannel", NetworkType::flannel},
                                                                        {"calico", NetworkType::calico},
                                                                        {"cilium", NetworkType::cilium},
                                                                        {"static", NetworkType::fixed}});
                             }},
    ConfigKey<NetworkConfig>{"node-name", "NAME", "the gateway's own Node object: its pod subnets, address and MAC",
                             [](NetworkConfig& n, Text v) { n.node_name = v; }},
    ConfigKey<NetworkConfig>{
        "vni", "N", "VXLAN network identifier; default: the cluster's",
        [](NetworkConfig& n, Text v) { n.vni = Vni(parse_number<std::uint32_t>(v, 0, Vni::max)); }},
    ConfigKey<NetworkConfig>{"udp-port", "N", "UDP port of the tunnel; default: the cluster's",
                             [](NetworkConfig& n, Text v) { n.udp_port = parse_number<std::uint16_t>(v, 1, 65'535); }},
    ConfigKey<NetworkConfig>{"any-vni", "yes|no", "accept every VNI, as with type = cilium",
                             [](NetworkConfig& n, Text v) { n.any_vni = parse_yes_no(v); }},
    ConfigKey<NetworkConfig>{"vtep-v4", "ADDRESS", "our IPv4 tunnel endpoint; default: our Node's",
                             [](NetworkConfig& n, Text v) { n.vtep_v4 = parse_address<Ipv4>(v); }},
    ConfigKey<NetworkConfig>{"vtep-v6", "ADDRESS", "our IPv6 tunnel endpoint; default: our Node's",
                             [](NetworkConfig& n, Text v) { n.vtep_v6 = parse_address<Ipv6>(v); }},
    ConfigKey<NetworkConfig>{"vtep-mac", "MAC", "our inner MAC address; default: our Node's, else a derived one",
                             [](NetworkConfig& n, Text v) { n.vtep_mac = parse_unicast_mac(v); }},
    ConfigKey<NetworkConfig>{"pod-subnet-v4", "PREFIX", "our IPv4 pod subnet; default: our Node's",
                             [](NetworkConfig& n, Text v) { n.pod_subnet_v4 = parse_subnet<Ipv4>(v); }},
    ConfigKey<NetworkConfig>{"pod-subnet-v6", "PREFIX", "our IPv6 pod subnet; default: our Node's",
                             [](NetworkConfig& n, Text v) { n.pod_subnet_v6 = parse_subnet<Ipv6>(v); }},
    ConfigKey<NetworkConfig>{"cluster-cidr", "PREFIX[,PREFIX]", "all pods; default: the cluster's pools",
                             [](NetworkConfig& n, Text v) { n.cluster_cidrs = parse_subnets(v); }},
    ConfigKey<NetworkConfig>{"mtu", "auto|N", "of pods' packets; auto: the underlay's less 50 (IPv4) or 70 (IPv6)",
                             [](NetworkConfig& n, Text v) {
                                 if (v == "auto")
                                     n.mtu.reset();
                                 else
                                     n.mtu = parse_number<std::uint16_t>(v, 576, 9'600);
                             }},
    ConfigKey<NetworkConfig>{"masquerade", "yes|no",
                             "clients from outside appear to pods with our pod subnet's addresses",
                             [](NetworkConfig& n, Text v) { n.masquerade = parse_yes_no(v); }},
    ConfigKey<NetworkConfig>{"outer-udp-checksum", "auto|zero|valid", "of IPv4 tunnels; IPv6 tunnels always have one",
                             [](NetworkConfig& n, Text v) {
                                 n.outer_checksum = parse_choice<std::optional<OuterChecksum>>(
                                     v, {{"auto", {}}, {"zero", OuterChecksum::zero}, {"valid", OuterChecksum::valid}});
                             }},
    ConfigKey<NetworkConfig>{"dscp", "uniform|0-63", "of the outer header: the inner one's, or fixed",
                             [](NetworkConfig& n, Text v) {
                                 n.dscp = v == "uniform" ? DscpMode::uniform : DscpMode::pipe;
                                 n.pipe_dscp = v == "uniform" ? std::uint8_t{0} : parse_number<std::uint8_t>(v, 0, 63);
                             }},
    ConfigKey<NetworkConfig>{"ttl", "N", "of the outer header",
                             [](NetworkConfig& n, Text v) { n.ttl = parse_number<std::uint8_t>(v, 1, 255); }},
    ConfigKey<NetworkConfig>{"host-interface", "NAME|none", "the TAP through which this host reaches pods",
                             [](NetworkConfig& n, Text v) {
                                 if (v.empty() || v.size() > 15)
                                     throw BadValue("must be none or a name of 1 to 15 bytes");
                                 n.host_interface = v == "none" ? "" : v;
                             }},
    ConfigKey<NetworkConfig>{"local-policy", "cluster|node", "what a traffic policy of Local means here",
                             [](NetworkConfig& n, Text v) {
                                 n.local_policy = parse_choice<LocalPolicy>(
                                     v, {{"cluster", LocalPolicy::cluster}, {"node", LocalPolicy::node}});
                             }},
    ConfigKey<NetworkConfig>{
        "join", "none|annotate|node",
        "flannel's annotations are somebody else's to write, go on our Node, or on one that we make",
        [](NetworkConfig& n, Text v) {
            n.join = parse_choice<Join>(v, {{"none", Join::off}, {"annotate", Join::annotate}, {"node", Join::node}});
        }},
    ConfigKey<NetworkConfig>{"peer", "NAME,ADDRESS,MAC,PREFIX[,PREFIX]", "a peer of a static network; may be repeated",
                             [](NetworkConfig& n, Text v) { n.peers.push_back(parse_static_peer(v)); }},
};

constexpr std::array source_table{
    ConfigKey<SourceConfig>{
        "type", "directory|kubernetes|flannel-etcd", "where objects come from",
        [](SourceConfig& s, Text v) {
            s.type = parse_choice<const char*>(
                v, {{"directory", "directory"}, {"kubernetes", "kubernetes"}, {"flannel-etcd", "flannel-etcd"}});
        }},
    ConfigKey<SourceConfig>{"kubeconfig", "PATH",
                            "how to reach the API server; default: the service account of the pod this runs in",
                            [](SourceConfig& s, Text v) { s.kubeconfig = v; }},
    ConfigKey<SourceConfig>{"context", "NAME", "of the kubeconfig; default: its current one",
                            [](SourceConfig& s, Text v) { s.context = v; }},
    ConfigKey<SourceConfig>{"events", "yes|no", "write findings to the cluster as Events",
                            [](SourceConfig& s, Text v) { s.events = parse_yes_no(v); }},
    ConfigKey<SourceConfig>{"lease", "NAMESPACE/NAME", "its holder, of several gateways, writes statuses and Events",
                            [](SourceConfig& s, Text v) { s.lease = parse_lease_name(v); }},
    ConfigKey<SourceConfig>{"path", "PATH", "the directory; its *.yaml, *.yml and *.json files are followed live",
                            [](SourceConfig& s, Text v) { s.path = v; }},
    ConfigKey<SourceConfig>{"etcd-endpoints", "URL[,URL]", "etcd's members, as in https://192.0.2.2:2379",
                            [](SourceConfig& s, Text v) { s.etcd.endpoints = parse_urls(v); }},
    ConfigKey<SourceConfig>{"etcd-prefix", "KEY", "where flannel's keys are; default: /coreos.com/network",
                            [](SourceConfig& s, Text v) {
                                if (!v.starts_with('/') || v.ends_with('/'))
                                    throw BadValue("must be a key as in /coreos.com/network");
                                s.etcd.prefix = v;
                            }},
    ConfigKey<SourceConfig>{"etcd-cafile", "PATH", "who signed the members' certificates; default: the system's",
                            [](SourceConfig& s, Text v) { s.etcd.ca_file = v; }},
    ConfigKey<SourceConfig>{"etcd-certfile", "PATH", "our certificate",
                            [](SourceConfig& s, Text v) { s.etcd.cert_file = v; }},
    ConfigKey<SourceConfig>{"etcd-keyfile", "PATH", "its key", [](SourceConfig& s, Text v) { s.etcd.key_file = v; }},
    ConfigKey<SourceConfig>{"etcd-username", "NAME", "where etcd wants a password",
                            [](SourceConfig& s, Text v) { s.etcd.user = v; }},
    ConfigKey<SourceConfig>{"etcd-password-file", "PATH", "a file with nothing else in it",
                            [](SourceConfig& s, Text v) { s.etcd.password_file = v; }},
    ConfigKey<SourceConfig>{"etcd-lease", "yes|no", "take a subnet of our own, as every flanneld does; no: only read",
                            [](SourceConfig& s, Text v) { s.etcd.lease = parse_yes_no(v); }},
    ConfigKey<SourceConfig>{"network", "NAME", "whose objects they are; default: the first network",
                            [](SourceConfig& s, Text v) { s.network = v; }},
};

constexpr std::array pool_table{
    ConfigKey<PoolConfig>{"ranges", "PREFIX|FIRST-LAST[,...]", "addresses for Services of type LoadBalancer",
                          [](PoolConfig& p, Text v) { p.ranges = parse_ranges(v); }},
    ConfigKey<PoolConfig>{"namespaces", "NAME[,NAME]", "whose Services may have them; default: those of all namespaces",
                          [](PoolConfig& p, Text v) {
                              for (const std::string_view word : split_list(v)) p.namespaces.emplace_back(word);
                          }},
    ConfigKey<PoolConfig>{"namespace-selector", "LABEL=VALUE[,...]", "whose Services may have them too, by labels",
                          [](PoolConfig& p, Text v) { p.namespace_selector = parse_selector(v); }},
    ConfigKey<PoolConfig>{"auto", "yes|no", "given to every Service that may have one, or only on request",
                          [](PoolConfig& p, Text v) { p.automatic = parse_yes_no(v); }},
    ConfigKey<PoolConfig>{"network", "NAME", "whose Services these are; default: the first network",
                          [](PoolConfig& p, Text v) { p.network = v; }},
};

}  // namespace

std::span<const ConfigKey<Config>> global_keys() { return global_table; }
std::span<const ConfigKey<PortConfig>> port_keys() { return port_table; }
std::span<const ConfigKey<NetworkConfig>> network_keys() { return network_table; }
std::span<const ConfigKey<SourceConfig>> source_keys() { return source_table; }
std::span<const ConfigKey<PoolConfig>> pool_keys() { return pool_table; }

}  // namespace viaduct
