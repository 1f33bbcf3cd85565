// From the command line to the reports: a gateway, two ports, and the cases between them.
#include "bench/rig/rig.h"

#include <rte_cycles.h>
#include <rte_log.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <optional>
#include <stdexcept>

#include "bench/rig/campaign.h"
#include "bench/rig/own_gateway.h"
#include "bench/rig/ports.h"
#include "bench/rig/report.h"

namespace viaduct::rig {
namespace {

constexpr unsigned send_buffers = 8'191, receive_buffers = 16'383;

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

/// The gateway under test: started here, or somewhere else, where it may not answer.
struct Subject {
    std::optional<OwnGateway> own{};
    std::optional<Gateway> asked{};
    std::optional<ClusterFiles> elsewhere{};  // objects that it follows
    std::vector<std::string> devices{};       // ours

    Subject(const RigOptions& options, const Site& site, const std::string& cpus) {
        if (options.attach.empty()) {
            own.emplace(options, site, cpus);
            asked.emplace(own->socket());
            devices = {own->device(Side::outside), own->device(Side::underlay)};
            return;
        }
        if (options.attach != "-") (void)asked.emplace(options.attach).version();  // before a port waits for it
        if (!options.objects.empty()) elsewhere.emplace(site, options.objects);
        devices = {options.outside, options.underlay};
    }
    [[nodiscard]] const ClusterFiles* objects() const {
        return own ? &own->files() : elsewhere ? &*elsewhere : nullptr;
    }
};

/// What frames must look like, and whom to look after. The links are up by now.
void get_to_know(Gateway& gateway, Site& site, Results& results) {
    for (const Side side : {Side::outside, Side::underlay}) site.set_mac(side, gateway.port_mac(side));
    gateway.wait_for_peers(site.size().peers);
    gateway.look_at_its_workers();
    results.gateway_version = gateway.version();
    results.worker_cpus = gateway.worker_cpus();
}

/// All that is measured, into `results`.
void measure_cases(const RigOptions& options, Site& site, Subject& subject, Results& results) {
    const Pool send("rig-send", send_buffers), receive("rig-receive", receive_buffers);
    const OwnPorts ports(subject.devices, receive);
    const std::uint64_t preempted = preemptions();
    const CpuTicks before = ticks_of(results.generator_cpu);
    if (subject.asked) get_to_know(*subject.asked, site, results);
    const Gateway* const gateway = subject.asked ? &*subject.asked : nullptr;
    Watch watch = watch_over(gateway, results.generator_cpu);
    results.cases = run_cases({options, site, ports.ports(), send, watch, gateway, subject.objects(),
                               static_cast<double>(results.machine.tsc_hz)});
    const CpuTicks after = ticks_of(results.generator_cpu);
    results.preemptions = preemptions() - preempted;
    results.steal =
        static_cast<double>(after.stolen - before.stolen) / std::max(1.0, static_cast<double>(after.all - before.all));
}

void measure(const RigOptions& options, Site& site) {
    const Cpus cpus = choose_cpus(options);
    for (const std::string& file : {options.json, options.csv, options.html})
        if (!file.empty()) write_file(file, "");  // now, not after minutes
    Results results = facts(options, cpus);
    std::optional<Subject> subject;
    try {
        subject.emplace(options, site, cpus.gateway);
        const Eal eal(eal_options(subject->devices, cpus.generator, free_hugepages()));
        rte_log_set_level_pattern("pmd.net.memif", RTE_LOG_ERR);  // it warns that it will not serve several processes
        results.machine.tsc_hz = rte_get_tsc_hz();
        stay_on(cpus.generator);
        measure_cases(options, site, *subject, results);
    } catch (const CommandError& error) {
        if (subject && subject->own) subject->own->require_alive();  // its log tells more
        throw std::runtime_error(std::string(error.what()) + "\n  " + error.remedy());
    }
    write_reports(options, results);
}

}  // namespace

int run(int argc, const char* const* argv) {
    const RigOptions options = parse_rig_options(argc, argv);
    if (options.help) {
        std::fputs(rig_help().c_str(), stdout);
        return 0;
    }
    Site site(options.world, options.inner, options.outer);
    if (options.outside_mac) site.set_mac(Side::outside, *options.outside_mac);
    if (options.underlay_mac) site.set_mac(Side::underlay, *options.underlay_mac);
    if (!options.prepare.empty())
        prepare_directory(options, site);
    else
        measure(options, site);
    return 0;
}

}  // namespace viaduct::rig
