// Metrics: names begin with viaduct_, drops carry their counter's name as a label.
#include "control/api/metrics.h"

#include <string_view>

#include "control/api/activity_json.h"

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
    Metric& add(std::uint64_t value, std::string_view label = {}, std::string_view label_value = {}) {
        out_.append(name_);
        if (!label.empty()) out_.append("{").append(label).append("=\"").append(escaped(label_value)).append("\"}");
        out_.append(" ").append(std::to_string(value)).append("\n");
        return *this;
    }

private:
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

}  // namespace

std::string metrics_text(const GatewayView& view, const ControlStatus& status) {
    const std::vector<WorkerFacts> workers = view.workers();
    std::string out;
    write_totals(out, totals(workers));
    write_ports(out, view.ports(), workers);
    write_workers(out, workers);
    Metric(out, "viaduct_snapshot_version", "gauge", "Version of the newest published snapshot.").add(status.version);
    Metric(out, "viaduct_ready", "gauge", "Whether every source was read and published.").add(status.ready() ? 1 : 0);
    Metric(out, "viaduct_findings", "gauge", "Problems that an operator should know.").add(status.findings.size());
    return out;
}

}  // namespace viaduct
