// The report as a page: what was found, then how, then every case with its plots and limits.
#include <algorithm>
#include <cmath>

#include "bench/rig/format.h"
#include "bench/rig/plot.h"
#include "bench/rig/report.h"

namespace viaduct::rig {
namespace {

constexpr const char* style = R"(<style>
:root { color-scheme: light dark; --text: #24292f; --soft: #57606a; --line: #d8dee4; --head: #f6f8fa; --note: #fff8e5 }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --soft: #9da7b1; --line: #30363d; --head: #1c2128; --note: #2b2412 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); max-width: 1080px; margin: 2em auto; padding: 0 1.2em }
h1 { font-size: 1.7em; margin-bottom: .2em } h2 { margin-top: 2em; border-bottom: 1px solid var(--line); padding-bottom: .2em }
h3 { font-size: 1em; margin: 0 0 .4em } code { background: var(--head); padding: .1em .35em; border-radius: 4px; overflow-wrap: anywhere }
table { border-collapse: collapse; margin: .8em 0; font-variant-numeric: tabular-nums }
th, td { padding: .3em .8em; text-align: right; border-bottom: 1px solid var(--line) }
th { font-weight: 600; background: var(--head) } th:first-child, td:first-child { text-align: left }
.wide { overflow-x: auto } .wide td { white-space: nowrap }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(430px, 100%), 1fr)); gap: 1.2em 2em; margin: 1em 0 }
svg { width: 100%; max-width: 640px; height: auto } svg text { font: 12px system-ui, sans-serif; fill: var(--soft) } .grid { stroke: var(--line) }
.legend { margin: .2em 0; font-size: 13px } .legend span { margin-right: 1.2em; white-space: nowrap }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em }
.limits { background: var(--note); border-left: 4px solid #cb912f; padding: .6em 1em } .limits ul { margin: .3em 0; padding-left: 1.2em }
.quiet { color: var(--soft) } .facts td { text-align: left; vertical-align: top } .facts td + td { overflow-wrap: anywhere }
</style>
)";

std::string cell(const std::string& text) { return "<td>" + escaped(text) + "</td>"; }
std::string heads(const std::vector<std::string>& titles) {
    std::string row = "<tr>";
    for (const std::string& title : titles) row += "<th>" + escaped(title) + "</th>";
    return row + "</tr>\n";
}

std::string mega(const std::optional<double>& value) { return value ? format("%.3f", *value / 1e6) : "–"; }

std::string name_of(const Case& one) {
    return one.workload + ", " + (one.size == "imix" ? "IMIX" : one.size + " B") + ", " + std::to_string(one.flows) +
           (one.flows == 1 ? " flow" : " flows");
}

std::string interval(const Throughput* found) {
    if (found == nullptr) return "–";
    return mega(found->lower) + (found->complete || !found->lower ? "" : " ?");
}

std::string median_latency(const Case& one) {
    for (const LatencyRun& run : one.latency)
        for (const LatencyPoint& point : run.points)
            if (run.percent_of_pdr == 50 && point.percentile == 50) return format("%.1f", point.microseconds);
    return "–";
}

std::string summary(const Results& results) {
    std::string html = "<div class=\"wide\"><table>" +
                       heads({"case", "NDR, Mpps", "PDR, Mpps", "PDR, Gbit/s", "median latency at half PDR, µs",
                              "stages, cycles/packet", "frames checked"});
    for (const Case& one : results.cases) {
        const Throughput* pdr = one.find("PDR");
        const double rate = pdr != nullptr ? pdr->lower.value_or(0) : 0;
        double cycles = 0;
        for (const StageCost& stage : one.stages) cycles += stage.cycles;
        html += "<tr>" + cell(name_of(one)) + cell(interval(one.find("NDR"))) + cell(interval(pdr)) +
                cell(format("%.2f", rate * (one.mean_size + 20) * 8 / 1e9)) + cell(median_latency(one)) +
                cell(cycles > 0 ? format("%.0f", cycles) : "–") + cell(std::to_string(one.checked)) + "</tr>\n";
    }
    return html +
           "</table></div>\n<p class=\"quiet\">The lower bound is given. Rates are of frames received, both ways "
           "together "
           "where a "
           "case goes both ways. Gbit/s are of the plain frame's line, with preamble and gap. A question mark: the "
           "bounds did not come as close as asked.</p>\n";
}

std::string how(const Results& results) {
    const Machine& machine = results.machine;
    std::string html = "<h2>How</h2>\n<p><code>" + escaped(results.command) + "</code></p>\n<table class=\"facts\">";
    const auto row = [&](const char* what, const std::string& value) {
        html += "<tr>" + cell(what) + cell(value) + "</tr>\n";
    };
    row("started", results.started);
    std::string workers;
    for (const unsigned cpu : results.worker_cpus) workers += (workers.empty() ? "" : ", ") + std::to_string(cpu);
    row("gateway", results.worker_cpus.empty() ? "could not be asked"
                                               : "viaduct " + results.gateway_version + " (" + machine.commit +
                                                     "), its workers on CPU " + workers);
    row("ports", results.ports + (results.ports.size() < 6 ? ": outside (plain) and underlay (VXLAN)" : ""));
    row("families", "IPv" + std::to_string(results.ip) + " in IPv" + std::to_string(results.outer));
    row("machine",
        machine.cpu + format(", %u CPUs, TSC %.0f MHz", machine.cores, static_cast<double>(machine.tsc_hz) / 1e6));
    row("kernel, huge pages", machine.kernel + ", " + machine.hugepages);
    row("compiler", machine.compiler + " " + machine.flags);
    row("generator", "on CPU " + std::to_string(results.generator_cpu) +
                         format(", preempted %llu times", static_cast<unsigned long long>(results.preemptions)) +
                         (results.shares_control_cpu ? "; the gateway's control thread is there too" : ""));
    row("search", format("MLRsearch: trials of %g s, %g s decide, exceed ratio 50 %%, width %g %%", results.trial,
                         results.sum, 100 * results.width));
    row("checked",
        format("headers and flow of every frame that came back, checksums of one in %u", results.check_sums_of));
    return html + "</table>\n";
}

std::string figure(const std::string& title, const std::string& plot) {
    return "<figure style=\"margin:0\"><h3>" + escaped(title) + "</h3>" + plot + "</figure>\n";
}

std::string loss_plot(const Case& one) {
    Line median{"median of three trials", {}}, least{"best of them", {}}, most{"worst of them", {}};
    std::vector<LossPoint> sorted = one.loss;  // close to its limit the generator offers now more, now less
    std::ranges::sort(sorted, {}, &LossPoint::load);
    for (const LossPoint& point : sorted) {
        median.points.emplace_back(point.load / 1e6, 100 * point.loss_ratio);
        least.points.emplace_back(point.load / 1e6, 100 * point.least);
        most.points.emplace_back(point.load / 1e6, 100 * point.most);
    }
    return figure("Frame loss by load", line_plot({"offered load, Mpps"}, {"loss, %"}, {most, least, median}));
}

/// Percentiles as HDR plots have them: each nine as wide as the one before.
std::string latency_plot(const Case& one) {
    const Axis x{
        "percentile",
        true,
        {{1, "0"}, {2, "50 %"}, {10, "90 %"}, {100, "99 %"}, {1e3, "99.9 %"}, {1e4, "99.99 %"}, {1e5, "99.999 %"}}};
    std::vector<Line> lines;
    for (const LatencyRun& run : one.latency) {
        Line line{format("%u %% of PDR, %.2f Mpps", run.percent_of_pdr, run.load / 1e6), {}};
        for (const LatencyPoint& point : run.points)
            if (point.percentile < 100) line.points.emplace_back(1 / (1 - point.percentile / 100), point.microseconds);
        lines.push_back(line);
    }
    return figure("Latency", line_plot(x, {"µs", true}, lines));
}

std::string flows_plot(const Case& one) {
    Line cycles{"cycles per packet in the stages", {}};
    for (const FlowsCost& cost : one.by_flows) cycles.points.emplace_back(cost.flows, cost.cycles);
    return figure("Cost by number of flows", line_plot({"flows", true}, {"TSC cycles per packet"}, {cycles}));
}

std::string stages_plot(const std::vector<const Case*>& cases) {
    std::vector<std::string> parts;
    std::vector<Bar> bars;
    for (const Case* one : cases) {
        Bar bar{name_of(*one), {}};
        parts.clear();
        for (const StageCost& stage : one->stages) {
            parts.push_back(stage.stage);
            bar.parts.push_back(stage.cycles);
        }
        bars.push_back(bar);
    }
    return figure("Cycles by stage, under overload", bar_plot("cycles", parts, bars));
}

std::string plots(const Case& one) {
    std::string html = "<div class=\"plots\">\n";
    if (!one.loss.empty()) html += loss_plot(one);
    if (!one.latency.empty()) html += latency_plot(one);
    if (!one.stages.empty()) html += stages_plot({&one});
    if (!one.by_flows.empty()) html += flows_plot(one);
    return html + "</div>\n";
}

bool is_in_table(const LatencyPoint& point) {
    for (const double percentile : {50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 100.0})
        if (point.percentile == percentile) return true;
    return false;
}

std::string latency_table(const Case& one) {
    if (one.latency.empty()) return "";
    std::vector<std::string> titles{"latency, µs", "load, Mpps", "loss"};
    for (const LatencyPoint& point : one.latency.front().points)
        if (is_in_table(point)) titles.push_back(point.percentile == 100 ? "max" : format("p%g", point.percentile));
    std::string html = "<div class=\"wide\"><table>" + heads(titles);
    for (const LatencyRun& run : one.latency) {
        html += "<tr>" + cell(format("%u %% of PDR", run.percent_of_pdr)) + cell(mega(run.load)) +
                cell(format("%.4f %%", 100 * run.loss_ratio));
        for (const LatencyPoint& point : run.points)
            if (is_in_table(point)) html += cell(format("%.1f", point.microseconds));
        html += "</tr>\n";
    }
    return html + "</table></div>\n";
}

/// That a change costs nothing shows beside the windows without one.
std::string windows_table(const ReconfigurationWindows& windows) {
    std::string html = "<div class=\"wide\"><table>" +
                       heads({format("windows of %g ms", 1e3 * windows.seconds), "windows", "frames", "lost", "loss"});
    const auto row = [&](const char* what, const WindowSum& sum) {
        html += "<tr>" + cell(what) + cell(std::to_string(sum.windows)) + cell(std::to_string(sum.offered)) +
                cell(std::to_string(sum.lost)) + cell(format("%.4f %%", 100 * sum.loss_ratio())) + "</tr>\n";
    };
    row("with a change", windows.with_change);
    row("without", windows.without);
    row("with a change, a worker kept from its CPU", windows.held_up_with_change);
    row("without, a worker kept from its CPU", windows.held_up_without);
    return html + "</table></div>\n";
}

std::string disturbances(const Case& one) {
    std::string html;
    if (one.burst)
        html += "<li>Back-to-back: " + std::string(one.burst->at_limit ? "at least " : "") +
                std::to_string(one.burst->frames) +
                format(" frames at %.2f Mpps without a loss.</li>\n", one.burst->rate / 1e6);
    if (const auto& change = one.reconfiguration)
        html += format("<li>Reconfiguration: %llu changes of endpoints within %.1f s at %.3f Mpps. ",
                       static_cast<unsigned long long>(change->changes), change->seconds, change->load / 1e6) +
                text_of(change->losses) +
                format(
                    " %llu of %llu flows were broken (%.4f %%), that is, left a "
                    "backend that was there; %llu moved off a backend that had been taken away.</li>\n",
                    static_cast<unsigned long long>(change->broken), static_cast<unsigned long long>(change->flows),
                    100 * change->broken_share(), static_cast<unsigned long long>(change->moved));
    if (one.soak)
        html += format("<li>Soak: %.0f s at %.3f Mpps, %llu frames, the slowest took %.1f µs. ", one.soak->seconds,
                       one.soak->load / 1e6, static_cast<unsigned long long>(one.soak->offered),
                       one.soak->worst_microseconds) +
                text_of(one.soak->losses) + "</li>\n";
    if (one.reordered + one.duplicated != 0)
        html += format("<li>%llu frames overtook an older one of their flow, %llu came twice.</li>\n",
                       static_cast<unsigned long long>(one.reordered), static_cast<unsigned long long>(one.duplicated));
    if (html.empty()) return "";
    return "<ul>" + html + "</ul>\n" + (one.reconfiguration ? windows_table(one.reconfiguration->windows) : "");
}

std::string section(const Results& results, const Case& one) {
    std::string html =
        "<h2>" + escaped(name_of(one)) + "</h2>\n<p>" + escaped(one.direction) +
        (one.skew > 0 ? format(". Flows by Zipf's law, skew %g", one.skew) : ". Flows all alike, in random order") +
        (one.new_flows > 0 ? format(", %.0f new ones per second", one.new_flows) : "") +
        ".</p>\n<div class=\"wide\"><table>" +
        heads({"throughput", "allowed loss", "lower bound, Mpps", "upper bound, Mpps", "trials of both"});
    for (const Throughput& found : one.throughputs)
        html += "<tr>" + cell(found.goal) + cell(format("%g %%", 100 * found.loss_ratio)) + cell(mega(found.lower)) +
                cell(mega(found.upper)) + cell(std::to_string(found.trials)) + "</tr>\n";
    html += "</table></div>\n<div class=\"limits\"><b>What limits these figures</b><ul>";
    for (const std::string& limit : limits_of(results, one)) html += "<li>" + escaped(limit) + "</li>";
    return html + "</ul></div>\n" + plots(one) + latency_table(one) + disturbances(one);
}

}  // namespace

std::string html_report(const Results& results) {
    std::string html =
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\">"
        "<title>Viaduct throughput report</title>\n";
    html += style;
    html += "</head><body>\n<h1>Viaduct throughput report</h1>\n<p class=\"quiet\">" + escaped(results.started) +
            " · " + escaped(results.machine.cpu) + "</p>\n" + summary(results);
    std::vector<const Case*> all;
    for (const Case& one : results.cases)
        if (!one.stages.empty()) all.push_back(&one);
    if (all.size() > 1) html += "<div class=\"plots\">" + stages_plot(all) + "</div>\n";
    html += how(results);
    for (const Case& one : results.cases) html += section(results, one);
    return html + "</body></html>\n";
}

}  // namespace viaduct::rig
