// The configuration: what viaduct.conf and the command line may say, as plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "control/objects/label_selector.h"
#include "encap/net_types.h"
#include "lb/connection_table.h"
#include "tables/desired.h"

namespace viaduct {

enum class Hugepages : std::uint8_t { automatic, on, off };
enum class Idle : std::uint8_t { backoff, spin };
enum class NetworkType : std::uint8_t { flannel, calico, cilium, fixed };
/// What `externalTrafficPolicy: Local` means here (control/selection.h).
enum class LocalPolicy : std::uint8_t { cluster, node };
/// `status.loadBalancer.ingress[].ipMode`: with VIP kube-proxy on the nodes serves the address to pods there, with
/// Proxy their packets come to the gateway.
enum class IpMode : std::uint8_t { vip, proxy };

/// How the gateway makes itself known to the nodes of a flannel network: not at all (somebody else annotates its Node),
/// by annotating its Node, or by a Node of its own making.
enum class Join : std::uint8_t { off, annotate, node };

/// [port.NAME]
struct PortConfig {
    std::string name;
    std::string device;         // "af_xdp:eth0" or DPDK devargs
    unsigned queues = 1;        // receive queues
    std::string network;        // whose pods plain packets may address; "": the first network
    std::string twin = "auto";  // "auto", "off" or the TAP's name
};

/// A peer of a `static` network.
struct StaticPeer {
    std::string name;
    IpAddress underlay;
    Mac mac;
    std::vector<IpPrefix> pod_subnets;
};

/// [network.NAME]. What is not set here comes from the network's own objects or from a default.
struct NetworkConfig {
    std::string name;
    NetworkType type = NetworkType::flannel;
    std::string node_name;
    std::optional<Vni> vni;
    std::optional<std::uint16_t> udp_port;
    bool any_vni = false;
    std::optional<Ipv4> vtep_v4;
    std::optional<Ipv6> vtep_v6;
    std::optional<Mac> vtep_mac;
    std::optional<Prefix<Ipv4>> pod_subnet_v4;
    std::optional<Prefix<Ipv6>> pod_subnet_v6;
    std::vector<IpPrefix> cluster_cidrs;
    std::optional<std::uint16_t> mtu;
    bool masquerade = true;
    std::optional<OuterChecksum> outer_checksum;  // nothing: auto
    DscpMode dscp = DscpMode::uniform;
    std::uint8_t pipe_dscp = 0;
    std::uint8_t ttl = 64;
    std::string host_interface;  // "": the network has no host TAP
    LocalPolicy local_policy = LocalPolicy::cluster;
    Join join = Join::off;
    std::vector<StaticPeer> peers;
};

/// Where flannel's etcd is, by the names of flanneld's options.
struct EtcdConfig {
    std::vector<std::string> endpoints;
    std::string prefix = "/coreos.com/network";
    std::string ca_file, cert_file, key_file;
    std::string user, password_file;
    bool lease = true;  // take a subnet of our own
};

/// [source.NAME]
struct SourceConfig {
    std::string name;
    std::string type = "directory";
    std::string path;
    std::string network;       // "": the first network
    std::string kubeconfig{};  // "": the service account of the pod that this runs in
    std::string context{};     // "": the kubeconfig's current one
    EtcdConfig etcd{};
    bool namespaces = false;                // are followed too, for a pool that chooses by their labels
    bool events = true;                     // findings become Events of the cluster
    std::string lease = "viaduct/gateway";  // namespace and name: its holder, of several gateways, writes
};

/// A row of addresses of one family, both ends included.
struct AddressRange {
    IpAddress first, last;
    bool operator==(const AddressRange&) const = default;
};

/// [pool.NAME]: addresses for Services of type LoadBalancer
struct PoolConfig {
    std::string name;
    std::string network;  // "": the first network
    std::vector<AddressRange> ranges;
    std::vector<std::string> namespaces;  // by name
    LabelSelector namespace_selector;     // by labels; without either: all
    bool automatic = true;                // else it gives only what a Service asks for
};

struct Config {
    /// What the command line asks for.
    enum class Action : std::uint8_t { run, check, leave, help, version };
    Action action = Action::run;
    std::string file;  // that was read; "": none

    unsigned workers = 0;  // 0: auto, one for each CPU of `cpus` or, without, of this process but one
    std::vector<unsigned> cpus;
    Hugepages hugepages = Hugepages::automatic;
    unsigned memory_mb = 256;
    Idle idle = Idle::backoff;
    std::chrono::microseconds idle_max_sleep{200};
    std::string log_level = "info";
    std::string socket = "/run/viaduct/viaduct.sock";
    std::size_t connections_v4 = 262'144;  // per worker
    std::size_t connections_v6 = 65'536;
    Timeouts timeouts;
    std::chrono::milliseconds debounce{10};
    std::string zone;
    std::string load_balancer_class = "viaduct.dev/gateway";
    bool default_load_balancer = false;  // Services without a class get addresses too
    IpMode ip_mode = IpMode::vip;

    std::vector<PortConfig> ports;
    std::vector<NetworkConfig> networks;
    std::vector<SourceConfig> sources;
    std::vector<PoolConfig> pools;
};

/// All that is wrong with a configuration, one line each: file, key, what, and the remedy.
class ConfigError : public std::runtime_error {
public:
    explicit ConfigError(std::vector<std::string> problems);
    [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }

private:
    std::vector<std::string> problems_;
};

/// Reads the command line and the file that it names. The command line wins. Throws ConfigError.
[[nodiscard]] Config load_config(int argc, const char* const* argv);

/// What `--help` and `--version` print.
[[nodiscard]] std::string help_text();
[[nodiscard]] std::string version_text();

}  // namespace viaduct
