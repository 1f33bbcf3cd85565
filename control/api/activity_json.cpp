// JSON of counters, connections and the control thread's state of affairs.
#include "control/api/activity_json.h"

#include <chrono>

#include "control/api/forwarding_json.h"
#include "control/api/state_age.h"

namespace viaduct {
namespace {

/// Seconds since 1970, or null for "never".
Json time_json(std::chrono::system_clock::time_point when) {
    if (when == std::chrono::system_clock::time_point{}) return nullptr;
    return std::chrono::duration<double>(when.time_since_epoch()).count();
}

Json port_json(const std::vector<PortFacts>& ports, std::size_t index, const PortTraffic& traffic) {
    const PortFacts& port = ports[index];
    const auto kernel_port = static_cast<std::size_t>(port.kernel_port);
    return {{"name", port.name},
            {"device", port.device},
            {"driver", port.driver},
            {"interface", port.interface_name},
            {"mac", to_string(port.mac)},
            {"mtu", port.mtu},
            {"link", port.link_up ? "up" : "down"},
            {"rx_queues", port.rx_queues},
            {"network", port.network},
            {"host", port.host},
            {"kernel_port", kernel_port < ports.size() ? ports[kernel_port].name : ""},
            {"rx_packets", traffic.rx_packets},
            {"rx_bytes", traffic.rx_bytes},
            {"tx_packets", traffic.tx_packets},
            {"tx_bytes", traffic.tx_bytes}};
}

Json worker_json(const WorkerFacts& worker) {
    const WorkerCounters& count = *worker.counters;
    std::uint64_t dropped = 0;
    for (const Counter& drop : count.drops) dropped += drop.read();
    return {{"id", worker.id},
            {"cpu", worker.cpu},
            {"rx", count.rx.read()},
            {"tx", count.tx.read()},
            {"punt", count.punt.read()},
            {"dropped", dropped},
            {"originated", count.originated.read()},
            {"held", count.held.read()},
            {"handed_over", count.handed_over.read()},
            {"encapsulated", count.encapsulated.read()},
            {"decapsulated", count.decapsulated.read()},
            {"translated", count.translated.read()},
            {"connections_v4", count.connections_v4.read()},
            {"connections_v6", count.connections_v6.read()},
            {"connection_capacity_v4", worker.connection_capacity_v4},
            {"connection_capacity_v6", worker.connection_capacity_v6},
            {"connections_opened", count.connections_opened.read()},
            {"connections_expired", count.connections_expired.read()},
            {"turns", count.turns.read()},
            {"busy_turns", count.busy_turns.read()},
            {"sleeps", count.sleeps.read()}};
}

double ratio(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void add_stages(Json& list, const WorkerFacts& worker) {
    const WorkerCounters& count = *worker.counters;
    const std::uint64_t bursts = count.timed_bursts.read(), packets = count.timed_packets.read();
    std::uint64_t all = 0;
    for (const StageCounters& stage : count.stages) all += stage.cycles.read();
    for (std::size_t i = 0; i < stage_count; ++i) {
        const std::uint64_t cycles = count.stages[i].cycles.read(), reached = count.stages[i].packets.read();
        list.push_back({{"worker", worker.id},
                        {"stage", stage_names[i]},
                        {"timed_bursts", bursts},
                        {"timed_packets", packets},
                        {"cycles", cycles},
                        {"packets", reached},
                        {"share", ratio(cycles, all)},
                        {"cycles_per_packet", ratio(cycles, packets)},
                        {"packets_per_burst", ratio(reached, bursts)}});
    }
}

Json connection_json(const ConnectionRow& row, const Snapshot& snapshot) {
    const Service* const service = row.service == 0 ? nullptr : snapshot.frontends->by_id(row.service);
    return {{"worker", row.worker},
            {"protocol", to_string(row.protocol)},
            {"network", network_name(snapshot, row.network)},
            {"client", endpoint_text(row.client, row.client_port)},
            {"frontend", endpoint_text(row.frontend, row.frontend_port)},
            {"backend", endpoint_text(row.backend, row.backend_port)},
            {"snat", row.snat.is_unspecified() ? "" : endpoint_text(row.snat, row.snat_port)},
            {"service", service == nullptr ? "" : service->name.view()},
            {"state", row.state},
            {"translated", row.translated},
            {"idle_seconds", row.idle_seconds},
            {"expires_seconds", row.expires_seconds}};
}

const char* severity_text(Severity severity) {
    switch (severity) {
        case Severity::note:
            return "note";
        case Severity::warning:
            return "warning";
        case Severity::error:
            break;
    }
    return "error";
}

Json resource_json(const ResourceStatus& resource) {
    return {{"name", resource.name},
            {"synced", resource.synced},
            {"objects", resource.objects},
            {"version", resource.version},
            {"lists", resource.lists},
            {"watches", resource.watches},
            {"events", resource.events},
            {"expirations", resource.expirations},
            {"failures", resource.failures},
            {"error", resource.error},
            {"last_heard", time_json(resource.last_heard)}};
}

Json source_json(const SourceStatus& source) {
    Json resources = Json::array();
    for (const ResourceStatus& resource : source.resources) resources.push_back(resource_json(resource));
    return {{"name", source.name},
            {"type", source.type},
            {"network", source.network},
            {"location", source.location},
            {"synced", source.synced},
            {"objects", source.objects},
            {"errors", source.errors},
            {"last_change", time_json(source.last_change)},
            {"age_seconds", state_age(source, std::chrono::system_clock::now()).count()},
            {"resources", std::move(resources)}};
}

}  // namespace

CounterTotals totals(const std::vector<WorkerFacts>& workers) {
    CounterTotals sum;
    for (const WorkerFacts& worker : workers) {
        const WorkerCounters& count = *worker.counters;
        sum.rx += count.rx.read();
        sum.tx += count.tx.read();
        sum.punt += count.punt.read();
        sum.originated += count.originated.read();
        sum.held += count.held.read();
        sum.handed_over += count.handed_over.read();
        for (std::size_t i = 0; i < drop_count; ++i) sum.drops[i] += count.drops[i].read();
    }
    return sum;
}

PortTraffic traffic(const std::vector<WorkerFacts>& workers, std::size_t port) {
    PortTraffic sum;
    for (const WorkerFacts& worker : workers) {
        const PortCounters& count = worker.counters->ports[port];
        sum.rx_packets += count.rx_packets.read();
        sum.rx_bytes += count.rx_bytes.read();
        sum.tx_packets += count.tx_packets.read();
        sum.tx_bytes += count.tx_bytes.read();
    }
    return sum;
}

Json ports_json(const GatewayView& view) {
    const std::vector<PortFacts> ports = view.ports();
    const std::vector<WorkerFacts> workers = view.workers();
    Json list = Json::array();
    for (std::size_t i = 0; i < ports.size(); ++i) list.push_back(port_json(ports, i, traffic(workers, i)));
    return {{"ports", std::move(list)}};
}

Json workers_json(const GatewayView& view) {
    Json list = Json::array();
    for (const WorkerFacts& worker : view.workers()) list.push_back(worker_json(worker));
    return {{"workers", std::move(list)}};
}

Json stages_json(const GatewayView& view) {
    Json list = Json::array();
    for (const WorkerFacts& worker : view.workers()) add_stages(list, worker);
    return {{"stages", std::move(list)}};
}

Json drops_json(const GatewayView& view) {
    const CounterTotals sum = totals(view.workers());
    Json list = Json::array();
    for (std::size_t i = 0; i < drop_count; ++i) {
        list.push_back({{"name", drop_texts[i].name}, {"packets", sum.drops[i]}, {"meaning", drop_texts[i].meaning}});
    }
    return {{"drops", std::move(list)}};
}

Json totals_json(const GatewayView& view) {
    const CounterTotals sum = totals(view.workers());
    Json drops = Json::object();
    for (std::size_t i = 0; i < drop_count; ++i) {
        if (sum.drops[i] != 0) drops[std::string(drop_texts[i].name)] = sum.drops[i];
    }
    return {{"rx", sum.rx},
            {"tx", sum.tx},
            {"punt", sum.punt},
            {"originated", sum.originated},
            {"held", sum.held},
            {"handed_over", sum.handed_over},
            {"dropped", sum.dropped()},
            {"drops", std::move(drops)},
            {"conserved", sum.conserved()}};
}

Json connections_json(GatewayView& view, const Snapshot& snapshot, std::size_t limit) {
    Json list = Json::array();
    for (const ConnectionRow& row : view.connections(limit)) list.push_back(connection_json(row, snapshot));
    return {{"connections", std::move(list)}, {"limit", limit}};
}

Json sources_json(const ControlStatus& status) {
    Json sources = Json::array();
    for (const SourceStatus& source : status.sources) sources.push_back(source_json(source));
    Json findings = Json::array();
    for (const Finding& finding : status.findings) {
        findings.push_back({{"severity", severity_text(finding.severity)},
                            {"subject", finding.subject},
                            {"text", finding.text},
                            {"remedy", finding.remedy}});
    }
    return {{"ready", status.ready()},
            {"version", status.version},
            {"publications", status.publications},
            {"last_publication", time_json(status.last_publication)},
            {"last_build_us", status.last_build.count()},
            {"waiting_to_be_freed", status.waiting_to_be_freed},
            {"sources", std::move(sources)},
            {"findings", std::move(findings)}};
}

}  // namespace viaduct
