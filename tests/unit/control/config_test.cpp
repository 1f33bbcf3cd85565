// The configuration: what is accepted, and that everything wrong is named with its remedy.
#include "control/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "control/config_keys.h"
#include "encap/net_text.h"
#include "temporary_directory.h"

namespace viaduct {
namespace {

constexpr const char* minimal = R"(
[port.outside]
device = af_xdp:eth0
[network.demo]
node-name = gw
)";

class ConfigTest : public ::testing::Test {
protected:
    Config load(const std::string& text, std::vector<std::string> arguments = {}) {
        directory_.write("viaduct.conf", text);
        arguments.insert(arguments.begin(), {"viaduct", "--config", (directory_.path() / "viaduct.conf").string()});
        std::vector<const char*> argv;
        for (const std::string& argument : arguments) argv.push_back(argument.c_str());
        return load_config(static_cast<int>(argv.size()), argv.data());
    }
    /// All problems of a file, without the directory's name.
    std::string problems(const std::string& text, const std::vector<std::string>& arguments = {}) {
        try {
            (void)load(text, arguments);
        } catch (const ConfigError& error) {
            return std::regex_replace(error.what(), std::regex(directory_.path().string() + "/"), "");
        }
        return "";
    }
    TemporaryDirectory directory_;
};

TEST_F(ConfigTest, HasDefaultsForAllButPortAndNode) {
    const Config config = load(minimal);
    EXPECT_EQ(config.action, Config::Action::run);
    EXPECT_EQ(config.workers, 0U);
    EXPECT_EQ(config.timeouts.tcp_established, 7440U);
    ASSERT_EQ(config.ports.size(), 1U);
    EXPECT_EQ(config.ports[0].device, "af_xdp:eth0");
    ASSERT_EQ(config.networks.size(), 1U);
    EXPECT_EQ(config.networks[0].type, NetworkType::flannel);
    EXPECT_EQ(config.networks[0].host_interface, "viaduct0");
    EXPECT_FALSE(config.networks[0].mtu);
}

TEST_F(ConfigTest, ReadsEverySection) {
    const Config config = load(R"(
workers = 3
cpus = 2-3,5      # a comment
idle = spin
timeout-udp = 120
[port.in.side]
device = 0000:03:00.0
queues = 4
[network.lab]
type = static
vni = 42
any-vni = yes
vtep-v6 = 2001:db8::1
pod-subnet-v4 = 10.42.9.7/24
cluster-cidr = 10.42.0.0/16, fd00:42::/48
mtu = 8950
dscp = 46
host-interface = none
local-policy = node
peer = node1, 2001:db8::2, 12:c6:65:89:b4:e3, 10.42.1.0/24, fd00:42:1::/64
peer = node2, 2001:db8::3, 12:c6:65:89:b4:e4, 10.42.2.0/24
[source.files]
path = /tmp
[pool.public]
ranges = 203.0.113.0/30, 2001:db8::5-2001:db8::9
namespaces = shop, web
auto = no
)");
    EXPECT_EQ(config.workers, 3U);
    EXPECT_EQ(config.cpus, (std::vector<unsigned>{2, 3, 5}));
    EXPECT_EQ(config.idle, Idle::spin);
    EXPECT_EQ(config.timeouts.udp, 120U);
    EXPECT_EQ(config.ports.at(0).name, "in.side");
    EXPECT_EQ(config.ports.at(0).queues, 4U);
    const NetworkConfig& network = config.networks.at(0);
    EXPECT_EQ(network.vni, Vni(42));
    EXPECT_TRUE(network.any_vni);
    EXPECT_EQ(to_string(*network.pod_subnet_v4), "10.42.9.0/24");
    EXPECT_EQ(network.cluster_cidrs.size(), 2U);
    EXPECT_EQ(network.mtu, 8950);
    EXPECT_EQ(network.dscp, DscpMode::pipe);
    EXPECT_EQ(network.pipe_dscp, 46);
    EXPECT_EQ(network.host_interface, "");
    EXPECT_EQ(network.local_policy, LocalPolicy::node);
    ASSERT_EQ(network.peers.size(), 2U);
    EXPECT_EQ(network.peers[0].pod_subnets.size(), 2U);
    EXPECT_EQ(config.sources.at(0).path, "/tmp");
    const PoolConfig& pool = config.pools.at(0);
    EXPECT_EQ(pool.ranges.at(0), (AddressRange{Ipv4(203, 0, 113, 0), Ipv4(203, 0, 113, 3)}));
    EXPECT_EQ(to_string(pool.ranges.at(1).last), "2001:db8::9");
    EXPECT_EQ(pool.namespaces, (std::vector<std::string>{"shop", "web"}));
    EXPECT_FALSE(pool.automatic);
}

TEST_F(ConfigTest, CommandLineWins) {
    const Config config = load(
        minimal, {"--workers", "2", "--port.outside.queues=2", "--port.second.device", "net_null0", "--check-config"});
    EXPECT_EQ(config.action, Config::Action::check);
    EXPECT_EQ(config.workers, 2U);
    EXPECT_EQ(config.ports.at(0).queues, 2U);
    EXPECT_EQ(config.ports.at(0).device, "af_xdp:eth0");
    EXPECT_EQ(config.ports.at(1).device, "net_null0");
}

TEST_F(ConfigTest, HelpAndVersionNeedNoFile) {
    const char* help[] = {"viaduct", "--help"};
    EXPECT_EQ(load_config(2, help).action, Config::Action::help);
    const char* version[] = {"viaduct", "-V"};
    EXPECT_EQ(load_config(2, version).action, Config::Action::version);
    for (const auto& key : network_keys()) EXPECT_NE(help_text().find(key.name), std::string::npos) << key.name;
    EXPECT_TRUE(version_text().starts_with("viaduct "));
}

TEST_F(ConfigTest, LeaveIsTheOnlyCommand) {
    const char* words[] = {"viaduct", "leave", "--help"};
    EXPECT_EQ(load_config(3, words).action, Config::Action::help);
    EXPECT_EQ(load(minimal, {"leave"}).action, Config::Action::leave);
    EXPECT_EQ(problems(minimal, {"stay"}), "command line: 'stay' is neither an option nor `leave`");
    EXPECT_EQ(problems(minimal, {"leave", "leave"}), "command line: 'leave' is neither an option nor `leave`");
}

TEST_F(ConfigTest, NamesEveryProblemAtOnce) {
    EXPECT_EQ(problems("workers = many\nlog-lvel = info\n[prot.x]\n[port.a]\nqueues = 0\nnonsense\n"),
              "viaduct.conf:1: workers = many: must be a whole number from 1 to 32\n"
              "viaduct.conf:2: unknown key 'log-lvel': did you mean 'log-level'?\n"
              "viaduct.conf:3: unknown section 'prot': did you mean 'port'?\n"
              "viaduct.conf:5: port.a.queues = 0: must be a whole number from 1 to 32\n"
              "viaduct.conf:6: 'nonsense' is neither `key = value` nor [section]");
}

struct Wrong {
    const char* line;
    const char* message;
};
void PrintTo(const Wrong& row, std::ostream* out) { *out << row.line; }

class WrongNetworkValue : public ConfigTest, public ::testing::WithParamInterface<Wrong> {};

TEST_P(WrongNetworkValue, IsNamed) {
    EXPECT_EQ(problems(std::string(minimal) + GetParam().line),
              "viaduct.conf:6: network.demo." + std::string(GetParam().line) + ": " + GetParam().message);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, WrongNetworkValue,
    ::testing::Values(Wrong{"type = weave", "must be one of: flannel, calico, cilium, static"},
                      Wrong{"vni = 16777216", "must be a whole number from 0 to 16777215"},
                      Wrong{"udp-port = 0", "must be a whole number from 1 to 65535"},
                      Wrong{"any-vni = maybe", "must be one of: yes, no"},
                      Wrong{"vtep-v4 = 2001:db8::1", "must be an IPv4 address"},
                      Wrong{"vtep-v6 = 192.0.2.1", "must be an IPv6 address"},
                      Wrong{"vtep-mac = 01:00:5e:00:00:01", "must be a unicast MAC address, as in 12:c6:65:89:b4:e3"},
                      Wrong{"pod-subnet-v4 = 10.0.0.1", "must be an IPv4 prefix, as in 10.244.9.0/24"},
                      Wrong{"pod-subnet-v6 = 10.0.0.0/8", "must be an IPv6 prefix, as in fd00:244:0:9::/64"},
                      Wrong{"cluster-cidr = 10.244.0.0/16,x", "'x' must be a prefix, as in 10.244.0.0/16"},
                      Wrong{"mtu = 60", "must be a whole number from 576 to 9600"},
                      Wrong{"dscp = 64", "must be a whole number from 0 to 63"},
                      Wrong{"host-interface = a-name-that-is-too-long", "must be none or a name of 1 to 15 bytes"},
                      Wrong{"peer = node1,192.0.2.1", "must be NAME,UNDERLAY-ADDRESS,MAC,PREFIX[,PREFIX…]"}));

class Contradiction : public ConfigTest, public ::testing::WithParamInterface<Wrong> {};

TEST_P(Contradiction, IsNamed) {
    EXPECT_EQ(problems(GetParam().line), std::string("viaduct.conf: ") + GetParam().message);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, Contradiction,
    ::testing::Values(
        Wrong{"[network.a]\nnode-name = gw\n",
              "there is no port: add a section [port.NAME] with device = af_xdp:IFNAME"},
        Wrong{"[port.a]\ndevice = net_null0\n", "there is no network: add a section [network.NAME]"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\nnode-name = gw\n[pool.p]\nauto = yes\n",
              "[pool.p] has no ranges: add ranges = 203.0.113.0/28, or whatever is routed here"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\nnode-name = gw\n[pool.p]\nranges = "
              "10.0.0.0/24\n[pool.q]\nranges = 10.0.0.9\n",
              "[pool.q] has addresses of [pool.p]: leave them to one pool"},
        Wrong{"[port.a]\nqueues = 1\n[network.a]\nnode-name = gw\n",
              "[port.a] has no device: add device = af_xdp:IFNAME, or DPDK devargs"},
        Wrong{"[port.a]\ndevice = net_null0\n[port.b]\ndevice = net_null0\n[network.a]\nnode-name = gw\n",
              "[port.b] uses the device net_null0 of another port: give it its own"},
        Wrong{"[port.a]\ndevice = net_null0\nnetwork = b\n[network.a]\nnode-name = gw\n",
              "[port.a] names the network 'b': add [network.b]"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\n",
              "[network.a] has no node-name: name the gateway's own Node object"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\ntype = calico\n",
              "[network.a] has no tunnel endpoint: add vtep-v4 or vtep-v6"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\ntype = cilium\nvtep-v4 = 192.0.2.9\njoin = annotate\n",
              "[network.a] is not flannel's, whose annotations join writes: remove it"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\ntype = static\n",
              "[network.a] is static and has no tunnel endpoint: add vtep-v4 or vtep-v6"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\nnode-name = gw\n[source.s]\ntype = directory\n",
              "[source.s] has no path: add path = DIRECTORY"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\nnode-name = gw\n[source.s]\ntype = kubernetes\n"
              "path = /etc/viaduct/kubeconfig\n",
              "[source.s] follows the Kubernetes API and has no path: remove it, or call it kubeconfig"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\nnode-name = gw\n[source.s]\ntype = kubernetes\n"
              "context = edge\n",
              "[source.s] names a context without a file: add kubeconfig = PATH"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\nnode-name = gw\n[source.s]\npath = /tmp\n"
              "kubeconfig = /etc/viaduct/kubeconfig\n",
              "[source.s] is a directory: set type = kubernetes, or remove kubeconfig and context"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\nnode-name = gw\nvtep-v4 = 192.0.2.9\n[source.s]\n"
              "type = flannel-etcd\n",
              "[source.s] has no etcd-endpoints: add etcd-endpoints = https://192.0.2.2:2379"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\nnode-name = gw\n[source.s]\ntype = flannel-etcd\n"
              "etcd-endpoints = http://192.0.2.2:2379\n",
              "[network.a] takes a subnet from etcd: add vtep-v4, by which its lease is known"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\ntype = static\nvtep-v4 = 192.0.2.9\n[source.s]\n"
              "type = flannel-etcd\netcd-endpoints = http://192.0.2.2:2379\n",
              "[network.a] gets flannel's leases from [source.s]: set type = flannel"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\nnode-name = gw\nvtep-v4 = 192.0.2.9\n[source.s]\n"
              "type = flannel-etcd\netcd-endpoints = http://192.0.2.2:2379\netcd-keyfile = /k\n",
              "[source.s] has half of a certificate: add both etcd-certfile and etcd-keyfile"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\nnode-name = gw\nvtep-v4 = 192.0.2.9\n[source.s]\n"
              "type = flannel-etcd\netcd-endpoints = http://192.0.2.2:2379\netcd-username = u\n",
              "[source.s] has half of a login: add both etcd-username and etcd-password-file"},
        Wrong{"[port.a]\ndevice = net_null0\n[network.a]\nnode-name = gw\n[source.s]\npath = /tmp\n"
              "etcd-endpoints = http://192.0.2.2:2379\n",
              "[source.s] has etcd-endpoints: set type = flannel-etcd, or remove them"}));

TEST_F(ConfigTest, UnknownOptionsAndMissingFilesAreNamed) {
    EXPECT_EQ(problems(minimal, {"--worker=2"}), "command line: unknown key 'worker': did you mean 'workers'?");
    EXPECT_EQ(problems(minimal, {"--port.outside.device"}),
              "command line: the required argument for option '--port.outside.device' is missing");
    const char* missing[] = {"viaduct", "--config", "/nonexistent/viaduct.conf"};
    EXPECT_THROW((void)load_config(3, missing), ConfigError);
}

template <class Section>
void expect_keys(const std::string& text, std::span<const ConfigKey<Section>> keys) {
    for (const auto& key : keys)
        EXPECT_TRUE(std::regex_search(text, std::regex("(^|\n)(# )?" + std::string(key.name) + " = \\S")))
            << key.name << " is not in the example";
}

TEST_F(ConfigTest, ExampleHasEveryKeyAndLoads) {
    std::ifstream file(SOURCE_ROOT "/deploy/viaduct.conf.example");
    std::ostringstream text;
    text << file.rdbuf();
    expect_keys(text.str(), global_keys());
    expect_keys(text.str(), port_keys());
    expect_keys(text.str(), network_keys());
    expect_keys(text.str(), source_keys());
    expect_keys(text.str(), pool_keys());
    const Config config = load(text.str());
    EXPECT_EQ(config.ports.size(), 2U);

    // The commented-out examples are right as well, and what stands there as a default is one.
    const std::string enabled = std::regex_replace(text.str(), std::regex("\n# (\\[?[a-z0-9.-]+(\\]| = ))"), "\n$1");
    EXPECT_EQ(load(enabled).networks.size(), 2U);
    const Config defaults = load(minimal);
    EXPECT_EQ(config.connections_v4, defaults.connections_v4);
    EXPECT_EQ(config.idle_max_sleep, defaults.idle_max_sleep);
    EXPECT_EQ(config.memory_mb, defaults.memory_mb);
    EXPECT_EQ(config.debounce, defaults.debounce);
    EXPECT_EQ(config.timeouts.other, defaults.timeouts.other);
}

}  // namespace
}  // namespace viaduct
