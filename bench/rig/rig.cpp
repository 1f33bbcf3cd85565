// From the command line to the reports: a gateway, two ports, and the cases between them.
#include "bench/rig/rig.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <thread>

#include "bench/rig/campaign.h"
#include "bench/rig/links.h"
#include "bench/rig/report.h"
#include "bench/verify.h"
#include "dataplane/eal.h"
#include "dataplane/port.h"

namespace viaduct::rig {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr unsigned memory_mib = 256, send_buffers = 8'191, receive_buffers = 16'383;
constexpr double start_seconds = 30;

/// A directory for sockets and the gateway's files; gone with this.
class Scratch {
public:
    Scratch() {
        char name[] = "/tmp/viaduct-rig-XXXXXX";
        if (mkdtemp(name) == nullptr)
            throw std::runtime_error(std::string("cannot make a directory in /tmp: ") + std::strerror(errno));
        path_ = name;
    }
    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    [[nodiscard]] const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

void write_file(const fs::path& file, const std::string& text) {
    std::ofstream out(file);
    out << text << std::flush;
    if (!out) throw std::runtime_error("cannot write " + file.string());
}

void run_ip(const fs::path& directory, const std::string& commands) {
    if (commands.empty()) return;
    const fs::path file = directory / "ip.batch";
    write_file(file, commands);
    if (std::system(("ip -batch " + file.string()).c_str()) != 0)
        throw std::runtime_error(
            "`ip -batch` refused the gateway's addresses; it said why above (Debian package iproute2)");
}

template <class Condition>
void wait_for(Condition&& condition, double seconds, const std::string& what) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("waited in vain until " + what);
        std::this_thread::sleep_for(20ms);
    }
}

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

/// The gateway that the rig starts, and what it needs around it.
class OwnGateway {
public:
    OwnGateway(const RigOptions& options, const World& world, const std::string& cpus)
        : files_(world, scratch_.path() / "cluster.d"), gateway_(socket()) {
        enter_own_network();
        run_ip(scratch_.path(), link_commands(options.ports));
        files_.write_all();
        const GatewaySettings settings{scratch_.path(),
                                       link_of(options.ports, scratch_.path(), Side::outside).gateway,
                                       link_of(options.ports, scratch_.path(), Side::underlay).gateway,
                                       cpus,
                                       options.ports != "veth",
                                       connections_for(options)};
        write_file(scratch_.path() / "viaduct.conf", gateway_config(world, settings));
        process_.emplace(gateway_program(options), scratch_.path() / "viaduct.conf", scratch_.path() / "viaduct.log");
        wait_until_it_forwards(world);
    }
    [[nodiscard]] std::string socket() const { return (scratch_.path() / "viaduct.sock").string(); }
    [[nodiscard]] const ClusterFiles& files() const { return files_; }
    [[nodiscard]] std::string device(const std::string& kind, Side side) const {
        return link_of(kind, scratch_.path(), side).rig;
    }
    void require_alive() { process_->require_alive(); }

private:
    void wait_until_it_forwards(const World& world) {
        wait_for(
            [&] {
                process_->require_alive();
                return fs::exists(scratch_.path() / "viaduct.sock");
            },
            start_seconds, "the gateway starts");
        gateway_.wait_until_ready(start_seconds);
        run_ip(scratch_.path(), kernel_commands(world));
        wait_for([&] { return gateway_.reachable_peers() == world.size().peers; }, start_seconds,
                 "the gateway knows all its neighbours");
    }

    Scratch scratch_;
    ClusterFiles files_;
    Gateway gateway_;
    std::optional<GatewayProcess> process_;
};

void prepare_directory(const RigOptions& options, const World& world) {
    const fs::path directory = fs::absolute(options.prepare);
    fs::create_directories(directory);
    const GatewaySettings settings{directory,
                                   options.gateway_devices[0],
                                   options.gateway_devices[1],
                                   options.gateway_cpus.empty() ? "1" : options.gateway_cpus,
                                   true,
                                   connections_for(options)};
    write_file(directory / "viaduct.conf", gateway_config(world, settings));
    write_file(directory / "kernel.ip", kernel_commands(world));
    ClusterFiles(world, directory / "cluster.d").write_all();
    std::printf(
        "Written to %s. Give the gateway's ports the MAC addresses %s (outside) and %s (underlay), then:\n"
        "  viaduct --config %s/viaduct.conf &\n  ip -batch %s/kernel.ip\n",
        directory.c_str(), to_string(World::outside_mac).c_str(), to_string(World::underlay_mac).c_str(),
        directory.c_str(), directory.c_str());
}

EalOptions eal_options(const std::vector<std::string>& devices, unsigned cpu) {
    EalOptions eal{.hugepages = free_hugepages() >= std::uint64_t{memory_mib} << 20U,
                   .memory_mib = memory_mib,
                   .pci_devices = {},
                   .control_cpu = cpu};
    for (const std::string& device : devices)
        if (const Device parsed = parse_device(device); parsed.is_pci()) eal.pci_devices.push_back(device);
    return eal;
}

/// The rig's ports, started and with their links up.
class OwnPorts {
public:
    OwnPorts(const std::vector<std::string>& devices, const Pool& receive) {
        for (std::size_t i = 0; i < devices.size(); ++i) try {
                const Device device = parse_device(devices[i]);
                devices_.emplace_back(EthDevice::Setup{device.name, device.arguments, 1, 1, 0}, receive.get());
                ports_[i] = devices_.back().id();
                rte_eth_promiscuous_enable(ports_[i]);
                wait_for([&] { return is_up(ports_[i]); }, start_seconds,
                         "its link is up; is the gateway running, with the other end of it?");
            } catch (const std::exception& error) {
                throw std::runtime_error("the rig's port " + devices[i] + ": " + error.what());
            }
    }
    [[nodiscard]] const Ports& ports() const { return ports_; }

private:
    static bool is_up(std::uint16_t port) {
        rte_eth_link link{};
        return rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
    }
    std::deque<EthDevice> devices_;
    Ports ports_{};
};

std::vector<Case> run_cases(const Bench& bench) {
    std::vector<Case> cases;
    const auto all = [&](auto campaign) {
        for (const Workload workload : bench.options.workloads)
            for (const FrameSizes& sizes : bench.options.sizes)
                for (const std::uint32_t flows : bench.options.flows)
                    cases.push_back(campaign.run(workload, sizes, flows));
    };
    if (bench.options.inner == Family::v4)
        all(Campaign<Ipv4>(bench));
    else
        all(Campaign<Ipv6>(bench));
    return cases;
}

/// Over the generator, and over the gateway's workers if they can be seen.
Watch watch_over(const Gateway* gateway, unsigned generator_cpu) {
    std::vector<unsigned> cpus{generator_cpu};
    if (gateway == nullptr || gateway->threads().empty()) return {{}, std::move(cpus)};
    for (const unsigned cpu : gateway->worker_cpus()) cpus.push_back(cpu);
    return {gateway->threads(), std::move(cpus)};
}

std::string now_text() {
    const std::time_t now = std::time(nullptr);
    char text[32];
    std::strftime(text, sizeof text, "%F %T UTC", std::gmtime(&now));
    return text;
}

struct Cpus {
    unsigned generator;
    std::string gateway;
    bool shared;  // the gateway's control thread has nowhere else to go
};

Cpus choose_cpus(const RigOptions& options) {
    const std::vector<unsigned> allowed = allowed_cpus();
    if (allowed.size() < 2 && options.attach.empty())
        throw std::runtime_error(
            "the rig needs a CPU for the gateway and one for itself, and this process may use one only");
    const unsigned generator = options.cpu < 0 ? allowed.front() : static_cast<unsigned>(options.cpu);
    return {generator, options.gateway_cpus.empty() ? std::to_string(allowed.back()) : options.gateway_cpus,
            allowed.size() < 3 && options.attach.empty()};
}

Results facts(const RigOptions& options, const Cpus& cpus) {
    Results results;
    results.machine = this_machine();
    results.command = options.command;
    results.started = now_text();
    results.ports = options.attach.empty() ? options.ports : options.outside + " and " + options.underlay;
    results.ip = options.inner == Family::v4 ? 4 : 6;
    results.outer = options.outer == Family::v4 ? 4 : 6;
    results.generator_cpu = cpus.generator;
    results.shares_control_cpu = cpus.shared;
    results.quick = options.quick;
    results.trial = options.trial;
    results.sum = options.sum;
    results.width = options.width;
    results.check_sums_of = options.check_sums_of;
    return results;
}

void write_reports(const RigOptions& options, const Results& results) {
    std::fputs(text_report(results).c_str(), stdout);
    if (!options.json.empty()) write_file(options.json, json_report(results));
    if (!options.csv.empty()) write_file(options.csv, csv_report(results));
    if (!options.html.empty()) write_file(options.html, html_report(results));
}

void measure(const RigOptions& options, const World& world) {
    const Cpus cpus = choose_cpus(options);
    for (const std::string& file : {options.json, options.csv, options.html})
        if (!file.empty()) write_file(file, "");  // now, not after minutes
    Results results = facts(options, cpus);
    std::optional<OwnGateway> own;
    std::optional<Gateway> asked;
    std::optional<ClusterFiles> files;
    std::vector<std::string> devices{options.outside, options.underlay};
    if (options.attach.empty()) {
        own.emplace(options, world, cpus.gateway);
        devices = {own->device(options.ports, Side::outside), own->device(options.ports, Side::underlay)};
    }
    if (own) asked.emplace(own->socket());
    if (!own && options.attach != "-") asked.emplace(options.attach);
    if (!options.objects.empty()) files.emplace(world, options.objects);
    const Eal eal(eal_options(devices, cpus.generator));
    results.machine.tsc_hz = rte_get_tsc_hz();
    stay_on(cpus.generator);
    const Pool send("rig-send", send_buffers), receive("rig-receive", receive_buffers);
    const OwnPorts ports(devices, receive);
    const std::uint64_t preempted = preemptions();
    const CpuTicks before = ticks_of(cpus.generator);
    try {
        if (asked) {
            asked->look_at_its_workers();
            results.gateway_version = asked->version();
            results.workers = static_cast<unsigned>(asked->workers());
        }
        const Gateway* const gateway = asked ? &*asked : nullptr;
        const ClusterFiles* const objects = own ? &own->files() : files ? &*files : nullptr;
        Watch watch = watch_over(gateway, cpus.generator);
        results.cases = run_cases({options, world, ports.ports(), send, watch, gateway, objects,
                                   static_cast<double>(results.machine.tsc_hz)});
    } catch (const CommandError& error) {
        if (own) own->require_alive();  // its log tells more
        throw std::runtime_error(std::string(error.what()) + "\n  " + error.remedy());
    }
    const CpuTicks after = ticks_of(cpus.generator);
    results.preemptions = preemptions() - preempted;
    results.steal =
        static_cast<double>(after.stolen - before.stolen) / std::max(1.0, static_cast<double>(after.all - before.all));
    write_reports(options, results);
}

}  // namespace

int run(int argc, const char* const* argv) {
    const RigOptions options = parse_rig_options(argc, argv);
    if (options.help) {
        std::fputs(rig_help().c_str(), stdout);
        return 0;
    }
    const World world(options.world, options.inner, options.outer);
    if (!options.prepare.empty())
        prepare_directory(options, world);
    else
        measure(options, world);
    return 0;
}

}  // namespace viaduct::rig
