// Metrics: names begin with viaduct_, drops carry their counter's name as a label.
#include "control/api/metrics.h"

#include <array>
#include <charconv>
#include <string_view>

#include "control/api/activity_json.h"
#include "control/api/state_age.h"

namespace viaduct {
namespace {

/// Writes one metric: its header first, then its samples.
class Metric {
public:
    Metric(std::string& out, std::string_view name, std::string_view type, std::string_view help)
        : out_(out), name_(name) {
        out_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
        out_.append(name).append(" ").append(type).append("\n");
    }
    /// Samples under another name than their metric's: a histogram's buckets.
    static Metric more(std::string& out, std::string_view name) { return {out, name}; }
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
    Metric& add(std::uint64_t value, Labels labels) {
        out_.append(name_);
        char before = '{';
        for (const auto& [label, text] : labels) {
            out_.append(1, before).append(label).append("=\"").append(escaped(text)).append("\"");
            before = ',';
        }
        out_.append("} ").append(std::to_string(value)).append("\n");
        return *this;
    }
    Metric& add(std::uint64_t value, std::string_view label = {}, std::string_view label_value = {}) {
        out_.append(name_);
        if (!label.empty()) out_.append("{").append(label).append("=\"").append(escaped(label_value)).append("\"}");
        out_.append(" ").append(std::to_string(value)).append("\n");
        return *this;
    }

private:
    Metric(std::string& out, std::string_view name) : out_(out), name_(name) {}
    static std::string escaped(std::string_view text) {
        std::string safe;
        for (const char c : text) {
            if (c == '"' || c == '\\') safe.push_back('\\');
            safe.push_back(c);
        }
        return safe;
    }
    std::string& out_;
    std::string_view name_;
};

void write_totals(std::string& out, const CounterTotals& sum) {
    Metric(out, "viaduct_received_packets_total", "counter", "Packets taken from ports.").add(sum.rx);
    Metric(out, "viaduct_forwarded_packets_total", "counter", "Received packets that left by a port.").add(sum.tx);
    Metric(out, "viaduct_punted_packets_total", "counter", "Received packets given to the kernel.").add(sum.punt);
    Metric(out, "viaduct_originated_packets_total", "counter", "Packets of the gateway's own making.")
        .add(sum.originated);
    Metric(out, "viaduct_held_packets", "gauge", "Packets that wait for a neighbour or a fragment.").add(sum.held);
    Metric(out, "viaduct_handed_over_packets_total", "counter", "Packets passed to the worker that owns their flow.")
        .add(sum.handed_over);
    Metric drops(out, "viaduct_dropped_packets_total", "counter", "Packets not forwarded, by reason.");
    for (std::size_t i = 0; i < drop_count; ++i) drops.add(sum.drops[i], "reason", drop_texts[i].name);
}

void write_ports(std::string& out, const std::vector<PortFacts>& ports, const std::vector<WorkerFacts>& workers) {
    const auto write = [&](std::string_view name, std::string_view help, std::uint64_t PortTraffic::*value) {
        Metric metric(out, name, "counter", help);
        for (std::size_t i = 0; i < ports.size(); ++i) metric.add(traffic(workers, i).*value, "port", ports[i].name);
    };
    write("viaduct_port_received_packets_total", "Packets received by a port.", &PortTraffic::rx_packets);
    write("viaduct_port_received_bytes_total", "Bytes received by a port.", &PortTraffic::rx_bytes);
    write("viaduct_port_transmitted_packets_total", "Packets sent by a port.", &PortTraffic::tx_packets);
    write("viaduct_port_transmitted_bytes_total", "Bytes sent by a port.", &PortTraffic::tx_bytes);
}

void write_workers(std::string& out, const std::vector<WorkerFacts>& workers) {
    const auto write = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
        Metric metric(out, name, type, help);
        for (const WorkerFacts& worker : workers) {
            metric.add(value(*worker.counters), "worker", std::to_string(worker.id));
        }
    };
    write("viaduct_worker_turns_total", "counter", "Turns of a worker's loop.",
          [](const WorkerCounters& w) { return w.turns.read(); });
    write("viaduct_worker_busy_turns_total", "counter", "Turns that found packets.",
          [](const WorkerCounters& w) { return w.busy_turns.read(); });
    write("viaduct_connections", "gauge", "Connections that a worker follows.",
          [](const WorkerCounters& w) { return w.connections_v4.read() + w.connections_v6.read(); });
    write("viaduct_connections_opened_total", "counter", "Connections that a worker began to follow.",
          [](const WorkerCounters& w) { return w.connections_opened.read(); });
}

/// Cycles and packets of the timed bursts: their quotient is what a stage takes.
void write_stages(std::string& out, const std::vector<WorkerFacts>& workers) {
    const auto write = [&](std::string_view name, std::string_view help, auto value) {
        Metric metric(out, name, "counter", help);
        for (const WorkerFacts& worker : workers)
            for (std::size_t i = 0; i < stage_count; ++i)
                metric.add(value(worker.counters->stages[i]),
                           Metric::Labels{{"worker", std::to_string(worker.id)}, {"stage", stage_names[i]}});
    };
    write("viaduct_stage_cycles_total", "TSC cycles that a stage took of the timed bursts, one in 256.",
          [](const StageCounters& stage) { return stage.cycles.read(); });
    write("viaduct_stage_packets_total", "Packets of the timed bursts that came as far as a stage.",
          [](const StageCounters& stage) { return stage.packets.read(); });
    Metric packets(out, "viaduct_timed_packets_total", "counter", "Packets of the timed bursts, one in 256.");
    for (const WorkerFacts& worker : workers)
        packets.add(worker.counters->timed_packets.read(), "worker", std::to_string(worker.id));
}

double seconds_of(std::chrono::system_clock::time_point when) {
    return std::chrono::duration<double>(when.time_since_epoch()).count();
}

std::string text_of(double value) {
    std::array<char, 32> text;
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

void write_seconds(std::string& out, std::string_view name, std::string_view help, double value) {
    Metric(out, name, "gauge", help);
    out.append(name).append(" ").append(text_of(value)).append("\n");
}

void write_histogram(std::string& out, const std::string& name, std::string_view help, const Histogram& histogram) {
    Metric(out, name, "histogram", help);
    const std::string bucket = name + "_bucket";
    Metric buckets = Metric::more(out, bucket);
    for (std::size_t i = 0; i < Histogram::bounds.size(); ++i)
        buckets.add(histogram.count_to(i), "le", text_of(Histogram::bounds[i]));
    buckets.add(histogram.count(), "le", "+Inf");
    out.append(name).append("_sum ").append(text_of(histogram.sum())).append("\n");
    out.append(name).append("_count ").append(std::to_string(histogram.count())).append("\n");
}

/// How the collections of API servers are followed.
void write_resources(std::string& out, const std::vector<SourceStatus>& sources) {
    const auto write = [&](const char* name, const char* type, const char* help, auto value) {
        Metric metric(out, name, type, help);
        for (const SourceStatus& source : sources)
            for (const ResourceStatus& one : source.resources)
                metric.add(value(one), Metric::Labels{{"source", source.name}, {"resource", one.name}});
    };
    write("viaduct_source_objects", "gauge", "Objects that a source holds.",
          [](const ResourceStatus& one) { return one.objects; });
    write("viaduct_source_malformed_objects", "gauge",
          "Objects that cannot be read, whose last good selves stay in force.",
          [](const ResourceStatus& one) { return one.malformed; });
    write("viaduct_source_lists_total", "counter", "Lists begun.", [](const ResourceStatus& one) { return one.lists; });
    write("viaduct_source_watches_total", "counter", "Watches begun.",
          [](const ResourceStatus& one) { return one.watches; });
    write("viaduct_source_events_total", "counter", "Events received by watches.",
          [](const ResourceStatus& one) { return one.events; });
    write("viaduct_source_expirations_total", "counter", "Times that a version had expired and a new list was needed.",
          [](const ResourceStatus& one) { return one.expirations; });
    write("viaduct_source_failures_total", "counter", "Requests and streams that failed.",
          [](const ResourceStatus& one) { return one.failures; });
    write("viaduct_source_last_heard_timestamp_seconds", "gauge", "When a list, an event or a bookmark last came.",
          [](const ResourceStatus& one) {
              using std::chrono::seconds;
              return static_cast<std::uint64_t>(
                  std::chrono::duration_cast<seconds>(one.last_heard.time_since_epoch()).count());
          });
}

/// By kube-proxy's names where it has them, so that its dashboards and alerts serve here as well.
void write_control(std::string& out, const ControlStatus& status) {
    write_histogram(out, "kubeproxy_network_programming_duration_seconds",
                    "From the change of an endpoint to its publication.", status.programming);
    write_histogram(out, "kubeproxy_sync_proxy_rules_duration_seconds", "Time to build and publish a snapshot.",
                    status.builds);
    write_seconds(out, "kubeproxy_sync_proxy_rules_last_timestamp_seconds", "When a snapshot was last published.",
                  seconds_of(status.last_publication));
    write_seconds(out, "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
                  "When a change last waited for that.", seconds_of(status.last_queued));
    Metric size(out, "viaduct_snapshot_objects", "gauge", "What the newest published snapshot holds.");
    size.add(status.size.services, "kind", "service_port").add(status.size.backends, "kind", "backend");
    size.add(status.size.peers, "kind", "peer").add(status.size.routes, "kind", "kernel_route");
    Metric(out, "viaduct_maglev_tables_built_total", "counter", "Maglev tables made because endpoints changed.")
        .add(status.tables_built);
    Metric synced(out, "viaduct_source_synced", "gauge", "Whether a source has been read completely.");
    for (const SourceStatus& source : status.sources) synced.add(source.synced ? 1 : 0, "source", source.name);
    Metric age(out, "viaduct_source_state_age_seconds", "gauge",
               "How old what a source says may be: 0 while all of it is followed.");
    for (const SourceStatus& source : status.sources)
        age.add(static_cast<std::uint64_t>(state_age(source, std::chrono::system_clock::now()).count()), "source",
                source.name);
    Metric(out, "viaduct_snapshots_waiting_to_be_freed", "gauge", "Snapshots that a worker may still see.")
        .add(status.waiting_to_be_freed);
}

}  // namespace

std::string metrics_text(const GatewayView& view, const ControlStatus& status) {
    const std::vector<WorkerFacts> workers = view.workers();
    std::string out;
    write_totals(out, totals(workers));
    write_ports(out, view.ports(), workers);
    write_workers(out, workers);
    write_stages(out, workers);
    Metric(out, "viaduct_snapshot_version", "gauge", "Version of the newest published snapshot.").add(status.version);
    write_control(out, status);
    write_resources(out, status.sources);
    Metric(out, "viaduct_ready", "gauge", "Whether every source was read and published.").add(status.ready() ? 1 : 0);
    Metric(out, "viaduct_findings", "gauge", "Problems that an operator should know.").add(status.findings.size());
    return out;
}

}  // namespace viaduct
