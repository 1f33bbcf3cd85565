// Everything follows from the world's address plan.
#include "bench/rig/cluster.h"

#include <fstream>
#include <stdexcept>

#include "control/api/json.h"
#include "dataplane/port.h"

namespace viaduct::rig {
namespace {

std::string address_of(const World& world, PeerIndex peer) {
    return world.outer() == Family::v4 ? to_string(World::peer_underlay<Ipv4>(peer))
                                       : to_string(World::peer_underlay<Ipv6>(peer));
}

std::string pods_of(const World& world, PeerIndex peer) {
    return world.inner() == Family::v4 ? to_string(Prefix<Ipv4>(world.pod<Ipv4>(peer).address, 24))
                                       : to_string(Prefix<Ipv6>(world.pod<Ipv6>(peer).address, 64));
}

/// Where Linux has the port: AF_XDP's own interface, else a kernel twin with the port's name.
std::string interface_of(const std::string& port, const std::string& device) {
    const Device parsed = parse_device(device);
    return parsed.is_af_xdp() ? parsed.interface : port;
}

std::string port_section(const std::string& name, const std::string& device) {
    const std::string twin = parse_device(device).is_af_xdp() ? "" : "twin = " + name + "\n";
    return "[port." + name + "]\ndevice = " + device + "\n" + twin + "\n";
}

/// Where the interfaces have their addresses, of all families: of the ports as the snapshot has them.
std::string addresses(const World& world, PortId port, const std::string& interface) {
    std::string commands;
    for (const IpAddress& address : world.snapshot().port(port).addresses) {
        const bool v4 = address.is_v4(), underlay = port == World::underlay;
        const char* length = v4 ? underlay ? "/12" : "/24" : "/64";
        commands += "addr add " + to_string(address) + length + " dev " + interface + (v4 ? "\n" : " nodad\n");
    }
    return commands;
}

std::string neighbour(const std::string& address, const Mac& mac, const std::string& interface) {
    return "neigh replace " + address + " lladdr " + to_string(mac) + " dev " + interface + " nud permanent\n";
}

/// Every Service has such an address too, which the rig does not use.
template <Address A>
std::string cluster_address(std::uint32_t number) {
    if constexpr (std::same_as<A, Ipv4>) return to_string(Ipv4::from_host(0x0a610001 + number));  // 10.97.0.1 …
    Ipv6 address = parse_ip("fd00:97::")->v6();
    address.bytes[14] = static_cast<std::uint8_t>((number + 1) >> 8U);
    address.bytes[15] = static_cast<std::uint8_t>(number + 1);
    return to_string(address);
}

template <Address A>
Json service_json(std::uint32_t number) {
    const std::string name = "service-" + std::to_string(number), v4 = std::same_as<A, Ipv4> ? "IPv4" : "IPv6";
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", {{"name", name}, {"namespace", "rig"}}},
            {"spec",
             {{"type", "LoadBalancer"},
              {"clusterIPs", {cluster_address<A>(number)}},
              {"ipFamilies", {v4}},
              {"ports",
               {{{"name", "udp"},
                 {"protocol", "UDP"},
                 {"port", World::service_port},
                 {"targetPort", World::target_port}}}}}},
            {"status",
             {{"loadBalancer", {{"ingress", {{{"ip", to_string(World::service<A>(number))}, {"ipMode", "VIP"}}}}}}}}};
}

/// At the address after all others'.
template <Address A>
Json mark_json(const World& world, const std::string& name) {
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", {{"name", name}, {"namespace", "rig"}}},
            {"spec",
             {{"clusterIPs", {cluster_address<A>(world.size().services)}},
              {"ipFamilies", {std::same_as<A, Ipv4> ? "IPv4" : "IPv6"}},
              {"ports", {{{"name", "udp"}, {"protocol", "UDP"}, {"port", World::service_port}}}}}}};
}

template <Address A>
Json slice_json(const World& world, std::uint32_t number, bool with_first) {
    const std::string name = "service-" + std::to_string(number);
    Json endpoints = Json::array();
    const std::uint32_t each = world.backends_per_service();
    for (std::uint32_t b = with_first ? 0 : 1; b < each; ++b)
        endpoints.push_back(
            {{"addresses", {to_string(world.pod<A>(number * each + b).address)}}, {"conditions", {{"ready", true}}}});
    return {{"apiVersion", "discovery.k8s.io/v1"},
            {"kind", "EndpointSlice"},
            {"addressType", std::same_as<A, Ipv4> ? "IPv4" : "IPv6"},
            {"metadata", {{"name", name}, {"namespace", "rig"}, {"labels", {{"kubernetes.io/service-name", name}}}}},
            {"ports", {{{"name", "udp"}, {"protocol", "UDP"}, {"port", World::target_port}}}},
            {"endpoints", std::move(endpoints)}};
}

void write(const std::filesystem::path& file, const std::string& text) {
    const std::filesystem::path unfinished = file.string() + ".tmp";
    std::ofstream out(unfinished);
    out << text << std::flush;
    if (!out) throw std::runtime_error("cannot write " + unfinished.string());
    std::filesystem::rename(unfinished, file);
}

}  // namespace

std::string gateway_config(const World& world, const GatewaySettings& settings) {
    const bool v4 = world.inner() == Family::v4;
    std::string text = "socket = " + (settings.directory / "viaduct.sock").string() + "\nworkers = auto\n" +
                       "cpus = " + settings.cpus + "\nidle = spin\ntimeout-udp = 60\nlog-level = info\n" +
                       "connections-" + (v4 ? "v4" : "v6") + " = " + std::to_string(settings.connections) + "\n\n" +
                       port_section("outside", settings.outside) + port_section("underlay", settings.underlay);
    text += "[network.rig]\ntype = static\nvni = " + std::to_string(World::vni.value()) +
            "\nudp-port = " + std::to_string(World::udp_port) + "\nvtep-v4 = " + to_string(World::vtep<Ipv4>()) +
            "\nvtep-v6 = " + to_string(World::vtep<Ipv6>()) + "\nvtep-mac = " + to_string(World::vtep_mac) +
            "\npod-subnet-v4 = " + to_string(World::own_subnet<Ipv4>()) +
            "\npod-subnet-v6 = " + to_string(World::own_subnet<Ipv6>()) +
            "\n# 1518-byte frames go into the tunnel whole: the underlay carries them.\nmtu = 1500\nmasquerade = no\n"
            "outer-udp-checksum = zero\nhost-interface = none\n";
    for (PeerIndex i = 0; i < world.size().peers; ++i)
        text += "peer = node-" + std::to_string(i) + "," + address_of(world, i) + "," +
                to_string(World::peer_vtep_mac(i)) + "," + pods_of(world, i) + "\n";
    return text + "\n[source.cluster]\ntype = directory\npath = " + (settings.directory / "cluster.d").string() + "\n";
}

std::string kernel_commands(const World& world, const GatewaySettings& settings) {
    const std::string outside = interface_of("outside", settings.outside),
                      underlay = interface_of("underlay", settings.underlay);
    std::string text = "link set lo up\nlink set " + outside + " up\nlink set " + underlay + " up\n";
    text += addresses(world, World::outside, outside) + addresses(world, World::underlay, underlay);
    const std::string router = to_string(world.snapshot().next_hops[0].address);
    text += neighbour(router, World::router_mac, outside);
    text += "route add " + std::string(world.inner() == Family::v4 ? "198.18.0.0/15" : "2001:2::/48") + " via " +
            router + " dev " + outside + "\n";
    for (PeerIndex i = 0; i < world.size().peers; ++i)
        text += neighbour(address_of(world, i), World::host_mac(i), underlay);
    return text;
}

ClusterFiles::ClusterFiles(const World& world, std::filesystem::path directory)
    : world_(world), directory_(std::move(directory)) {}

void ClusterFiles::write_all() const {
    std::filesystem::create_directories(directory_);
    for (std::uint32_t s = 0; s < world_.size().services; ++s) {
        const Json service = world_.inner() == Family::v4 ? service_json<Ipv4>(s) : service_json<Ipv6>(s);
        write(directory_ / ("service-" + std::to_string(s) + ".json"), service.dump(1) + "\n");
        write_endpoints(s, true);
    }
}

void ClusterFiles::write_endpoints(std::uint32_t service, bool with_first) const {
    const Json slice = world_.inner() == Family::v4 ? slice_json<Ipv4>(world_, service, with_first)
                                                    : slice_json<Ipv6>(world_, service, with_first);
    write(directory_ / ("endpoints-" + std::to_string(service) + ".json"), slice.dump(1) + "\n");
}

void ClusterFiles::write_mark(const std::string& name) const {
    const Json mark = world_.inner() == Family::v4 ? mark_json<Ipv4>(world_, name) : mark_json<Ipv6>(world_, name);
    write(directory_ / "mark.json", mark.dump(1) + "\n");
}

}  // namespace viaduct::rig
