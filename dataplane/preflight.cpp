// Looks for what is missing before the gateway starts.
#include "dataplane/preflight.h"

#include <linux/capability.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>

#include "dataplane/interface.h"

namespace viaduct {
namespace {

std::uint64_t effective_capabilities() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("CapEff:")) return std::stoull(line.substr(7), nullptr, 16);
    return 0;
}

void check_capabilities(const GatewayOptions& options, Preflight& found) {
    std::vector<std::pair<unsigned, const char*>> needed{{CAP_NET_ADMIN, "CAP_NET_ADMIN"}};
    for (const PortOptions& port : options.ports)
        if (parse_device(port.device).is_af_xdp()) {
            needed.insert(needed.end(), {{CAP_NET_RAW, "CAP_NET_RAW"}, {CAP_BPF, "CAP_BPF"}});
            break;
        }
    const std::uint64_t have = effective_capabilities();
    std::string missing;
    for (const auto& [bit, name] : needed)
        if ((have >> bit & 1U) == 0) missing += std::string(missing.empty() ? "" : ", ") + name;
    if (!missing.empty())
        found.problems.push_back("missing capabilities: " + missing +
                                 "; run as root, or add them to the unit's AmbientCapabilities or the pod's "
                                 "securityContext.capabilities");
}

void check_interface(const PortOptions& port, const std::string& interface, Preflight& found) {
    const std::string who = "port " + port.name + ": ";
    const InterfaceFacts facts = interface_facts(interface);
    if (facts.index == 0) {
        found.problems.push_back(who + "there is no interface " + interface + "; see: ip link");
        return;
    }
    // A queue without a socket is Linux's: what it should have taken for the workers would be lost there.
    if (port.queues != facts.rx_queues)
        found.problems.push_back(
            who + interface + " has " + std::to_string(facts.rx_queues) +
            " receive queues, and all of them must be the gateway's; queues = " + std::to_string(facts.rx_queues) +
            ", or: ethtool -L " + interface + " combined " + std::to_string(port.queues));
    if (facts.mtu > largest_af_xdp_mtu())
        found.problems.push_back(who + "AF_XDP allows an MTU of at most " + std::to_string(largest_af_xdp_mtu()) +
                                 ", and " + interface + " has " + std::to_string(facts.mtu) +
                                 "; lower it: ip link set dev " + interface + " mtu 1500");
    if (!facts.running)
        found.warnings.push_back(who + interface + " is down or has no carrier; ip link set dev " + interface + " up");
    if (facts.driver == "veth")
        found.warnings.push_back(who + interface +
                                 " is a veth: what its other end leaves to checksum offload is never finished; there: "
                                 "ethtool -K <peer of " +
                                 interface + "> tx off");
}

void check_taps(const GatewayOptions& options, Preflight& found) {
    std::vector<std::string> names;
    for (const HostTapOptions& tap : options.host_taps) names.push_back(tap.interface);
    for (const PortOptions& port : options.ports)
        if (const auto twin = twin_interface(port)) names.push_back(*twin);
    if (!names.empty() && access("/dev/net/tun", R_OK | W_OK) != 0)
        found.problems.push_back("/dev/net/tun cannot be opened; modprobe tun, or mount it into the container");
    for (const std::string& name : names)
        if (interface_facts(name).index != 0)
            found.problems.push_back("interface " + name +
                                     " exists already; choose another name (host-interface, twin)" +
                                     ", or: ip link del " + name);
}

void check_memory(const GatewayOptions& options, Preflight& found) {
    const unsigned needed = pool_needs(options).memory_mib();
    const std::string amount = std::to_string(needed) + " MB";
    if (options.hugepages && free_hugepages_mib() < needed)
        found.problems.push_back("free hugepages hold " + std::to_string(free_hugepages_mib()) + " MB, and " + amount +
                                 " are needed; sysctl vm.nr_hugepages=" + std::to_string(needed / 2 + 1) +
                                 ", or hugepages = off");
    if (!options.hugepages && options.memory_mib < needed)
        found.problems.push_back("memory-mb is " + std::to_string(options.memory_mib) + ", and these ports need " +
                                 amount + "; raise it, or lower `queues`");
}

}  // namespace

unsigned free_hugepages_mib() {
    std::error_code none;
    std::uint64_t kib = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", none)) {
        const std::string size = entry.path().filename().string();  // "hugepages-2048kB"
        std::uint64_t pages = 0;
        std::ifstream(entry.path() / "free_hugepages") >> pages;
        kib += pages * std::stoull(size.substr(size.find('-') + 1));
    }
    return static_cast<unsigned>(kib >> 10U);
}

Preflight preflight(const GatewayOptions& options) {
    Preflight found;
    check_capabilities(options, found);
    std::set<std::string> devices;
    for (const PortOptions& port : options.ports) {
        const Device device = parse_device(port.device);
        if (!devices.insert(device.name).second)
            found.problems.push_back("port " + port.name + ": " + port.device + " is another port's already");
        if (device.is_af_xdp()) check_interface(port, device.interface, found);
    }
    if (options.ports.empty())
        found.problems.emplace_back("no port is configured; add a section [port.NAME] with a device");
    check_taps(options, found);
    check_memory(options, found);
    return found;
}

}  // namespace viaduct
