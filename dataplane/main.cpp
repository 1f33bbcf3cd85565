// viaduct: reads the configuration, starts the data plane, and runs the control thread until it is told to stop.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <cstdio>
#include <exception>
#include <iostream>

#include "control/api/server.h"
#include "control/config.h"
#include "control/controller.h"
#include "control/leave/leave.h"
#include "dataplane/gateway.h"
#include "dataplane/preflight.h"

namespace viaduct {
namespace {

enum ExitStatus : int { ok = 0, failed = 1, misconfigured = 2 };

void start_log(const Config& config) {
    auto log = spdlog::stderr_logger_mt("viaduct");
    log->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l: %v");
    log->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(log);
    spdlog::set_level(spdlog::level::from_str(config.log_level));
}

/// Automatic: when there are enough. Their memory is a bit faster; the gateway works without.
bool use_hugepages(Hugepages mode, const GatewayOptions& options) {
    if (mode != Hugepages::automatic) return mode == Hugepages::on;
    return free_hugepages_mib() >= pool_needs(options).memory_mib();
}

GatewayOptions gateway_options(const Config& config) {
    GatewayOptions options;
    for (const PortConfig& port : config.ports)
        options.ports.push_back({.name = port.name,
                                 .device = port.device,
                                 .queues = port.queues,
                                 .network = port.network,
                                 .twin = port.twin});
    for (const NetworkConfig& network : config.networks)
        if (!network.host_interface.empty())
            options.host_taps.push_back({network.name, network.host_interface, network.vtep_mac.value_or(Mac{})});
    options.placement = place(allowed_cpus(), config.cpus, config.workers);
    options.memory_mib = config.memory_mb;
    options.sizes.connections_v4 = config.connections_v4;
    options.sizes.connections_v6 = config.connections_v6;
    options.timeouts = config.timeouts;
    options.idle = {config.idle == Idle::spin, config.idle_max_sleep};
    options.hugepages = use_hugepages(config.hugepages, options);
    return options;
}

bool passes_preflight(const GatewayOptions& options) {
    const Preflight found = preflight(options);
    for (const std::string& warning : found.warnings) spdlog::warn("{}", warning);
    for (const std::string& problem : found.problems) spdlog::error("{}", problem);
    return found.problems.empty();
}

std::string listed(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
    return text;
}

/// The one line that tells what has started.
void announce(const Gateway& gateway, const Snapshot& snapshot) {
    std::vector<std::string> ports, networks, cpus;
    for (const PortFacts& port : gateway.ports()) ports.push_back(port.name + " (" + port.device + ")");
    for (const Network& network : snapshot.networks) networks.push_back(network.settings.name);
    for (const WorkerFacts& worker : gateway.workers()) cpus.push_back(std::to_string(worker.cpu));
    spdlog::info("forwarding {} service ports and {} peers of {} on ports {} with {} worker{} on CPU {}",
                 snapshot.frontends->services().size(), snapshot.peers.size(), listed(networks), listed(ports),
                 cpus.size(), cpus.size() == 1 ? "" : "s", listed(cpus));
}

int run(const Config& config) {
    block_stop_signals();  // in every thread that starts from here
    const GatewayOptions options = gateway_options(config);
    if (!passes_preflight(options)) return failed;
    Gateway gateway(options);
    Controller controller(config, gateway, gateway.published());
    const ApiServer api(config.socket, {gateway, gateway.published(), [&] { return controller.status(); }});
    controller.run([&] {
        announce(gateway, *gateway.published().current());
        sd_notify(0, "READY=1");
    });
    sd_notify(0, "STOPPING=1");
    return ok;
}

int start(int argc, char** argv) {
    const Config config = load_config(argc, argv);
    switch (config.action) {
        case Config::Action::help:
            std::puts(help_text().c_str());
            return ok;
        case Config::Action::version:
            std::puts(version_text().c_str());
            return ok;
        case Config::Action::check:
            std::printf("%s: the configuration is complete and consistent\n", config.file.c_str());
            return ok;
        case Config::Action::leave:
            return run_leave(config, std::cout, std::cerr);
        case Config::Action::run:
            break;
    }
    start_log(config);
    return run(config);
}

}  // namespace
}  // namespace viaduct

int main(int argc, char** argv) {
    try {
        return viaduct::start(argc, argv);
    } catch (const viaduct::ConfigError& error) {
        for (const std::string& problem : error.problems()) std::fprintf(stderr, "viaduct: %s\n", problem.c_str());
        return viaduct::misconfigured;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "viaduct: %s\n", error.what());
        return viaduct::failed;
    }
}
