// Starting it: namespace, links, objects, process, its kernel's addresses.
#include "bench/rig/own_gateway.h"

#include <sched.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace viaduct::rig {
namespace {

namespace fs = std::filesystem;

void enter_own_network() {
    if (unshare(CLONE_NEWNET) != 0)
        throw std::runtime_error(std::string("cannot make a network namespace for the gateway: ") +
                                 std::strerror(errno) +
                                 "; run this as root, or start a gateway yourself and use --attach");
}

fs::path gateway_program(const RigOptions& options) {
    if (!options.gateway.empty()) return options.gateway;
    const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
    for (const fs::path& candidate : {here / "../dataplane/viaduct", here / "viaduct",
                                      fs::path("/usr/local/bin/viaduct"), fs::path("/usr/bin/viaduct")})
        if (fs::exists(candidate)) return fs::weakly_canonical(candidate);
    throw std::runtime_error("found no gateway to start; --gateway names the program");
}

std::uint64_t connections_for(const RigOptions& options) {
    std::uint64_t most = 0;
    for (const auto& flows : {options.flows, options.sweep})
        for (const std::uint32_t count : flows) most += count;
    return 2 * most + static_cast<std::uint64_t>(options.new_flows * 130) + 65'536;
}

GatewaySettings settings_of(const RigOptions& options, const fs::path& directory, const std::string& cpus) {
    return {directory, link_of(options.ports, directory, Side::outside).gateway,
            link_of(options.ports, directory, Side::underlay).gateway, cpus, connections_for(options)};
}

}  // namespace

OwnGateway::OwnGateway(const RigOptions& options, const Site& site, const std::string& cpus)
    : ports_(options.ports), files_(site, scratch_.path() / "cluster.d") {
    enter_own_network();
    run_ip(scratch_.path(), link_commands(options.ports));
    files_.write_all();
    const fs::path config = scratch_.path() / "viaduct.conf";
    const GatewaySettings settings = settings_of(options, scratch_.path(), cpus);
    write_file(config, gateway_config(site, settings));
    process_.emplace(gateway_program(options), config, scratch_.path() / "viaduct.log");
    wait_for(
        [&] {
            process_->require_alive();
            return fs::exists(socket());
        },
        start_seconds, "the gateway starts");
    Gateway(socket()).wait_until_ready(start_seconds);
    run_ip(scratch_.path(), kernel_commands(site, settings));
}

void prepare_directory(const RigOptions& options, const Site& site) {
    const fs::path directory = fs::absolute(options.prepare);
    fs::create_directories(directory);
    const GatewaySettings settings{directory, options.gateway_devices[0], options.gateway_devices[1],
                                   options.gateway_cpus.empty() ? "1" : options.gateway_cpus, connections_for(options)};
    write_file(directory / "viaduct.conf", gateway_config(site, settings));
    write_file(directory / "kernel.ip", kernel_commands(site, settings));
    ClusterFiles(site, directory / "cluster.d").write_all();
    std::printf(
        "Written to %s. Run this as root:\n"
        "  viaduct --config %s/viaduct.conf &\n  viaductctl --socket %s/viaduct.sock wait\n"
        "  ip -batch %s/kernel.ip\n"
        "then viaduct-bench rig --attach %s/viaduct.sock --objects %s/cluster.d with the same options of the traffic,\n"
        "and its own devices as --outside and --underlay.\n",
        directory.c_str(), directory.c_str(), directory.c_str(), directory.c_str(), directory.c_str(),
        directory.c_str());
}

}  // namespace viaduct::rig
