// The plain formats.
#include "bench/rig/report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/rig/format.h"

namespace viaduct::rig {
namespace {

using Json = nlohmann::ordered_json;

Json rounded(double value, double to = 1e-3) { return std::round(value / to) * to; }
Json rate(const std::optional<double>& value) { return value ? Json(std::llround(*value)) : Json(nullptr); }

Json throughput_json(const Throughput& found) {
    return {{"goal", found.goal},
            {"allowed_loss_ratio", found.loss_ratio},
            {"lower_fps", rate(found.lower)},
            {"upper_fps", rate(found.upper)},
            {"complete", found.complete},
            {"trials", found.trials}};
}

Json latency_json(const LatencyRun& run) {
    Json points = Json::object();
    for (const LatencyPoint& point : run.points) points[format("%g", point.percentile)] = rounded(point.microseconds);
    return {{"percent_of_pdr", run.percent_of_pdr},
            {"load_fps", std::llround(run.load)},
            {"loss_ratio", run.loss_ratio},
            {"microseconds_by_percentile", std::move(points)}};
}

Json loss_json(const LossPoint& point) {
    return {{"load_fps", std::llround(point.load)},
            {"loss_ratio", point.loss_ratio},
            {"least", point.least},
            {"most", point.most},
            {"trials", point.trials},
            {"spoiled", point.spoiled}};
}

/// Milliseconds.
Json held_up_json(const Disturbance& one) {
    return {{"generator", rounded(1e3 * one.generator)},
            {"gateway_worker", rounded(1e3 * one.workers)},
            {"hypervisor", rounded(1e3 * one.stolen)}};
}

void add_losses(Json& to, const Losses& losses) {
    to["lost"] = losses.lost;
    to["refused_by_full_ring"] = losses.refused;
    to["gateway_drops"] = losses.drops;
}

Json window_json(const WindowSum& sum) {
    return {{"windows", sum.windows}, {"offered", sum.offered}, {"lost", sum.lost}, {"loss_ratio", sum.loss_ratio()}};
}

Json windows_json(const ReconfigurationWindows& windows) {
    return {{"seconds", windows.seconds},
            {"with_change", window_json(windows.with_change)},
            {"without_change", window_json(windows.without)},
            {"held_up_with_change", window_json(windows.held_up_with_change)},
            {"held_up_without_change", window_json(windows.held_up_without)}};
}

void add_disturbances(Json& all, const Case& one) {
    if (one.burst)
        all["back_to_back"] = {{"frames", one.burst->frames},
                               {"rate_fps", std::llround(one.burst->rate)},
                               {"no_longer_was_tried", one.burst->at_limit}};
    if (const auto& change = one.reconfiguration)
        all["reconfiguration"] = {{"changes", change->changes},
                                  {"load_fps", std::llround(change->load)},
                                  {"seconds", rounded(change->seconds)},
                                  {"offered", change->offered},
                                  {"blocked_seconds", change->blocked_seconds()},
                                  {"windows", windows_json(change->windows)},
                                  {"flows", change->flows},
                                  {"moved_off_removed_backends", change->moved},
                                  {"broken", change->broken},
                                  {"broken_share", change->broken_share()},
                                  {"held_up_ms", held_up_json(change->disturbance)}};
    if (one.soak)
        all["soak"] = {{"load_fps", std::llround(one.soak->load)},
                       {"seconds", rounded(one.soak->seconds)},
                       {"offered", one.soak->offered},
                       {"worst_microseconds", rounded(one.soak->worst_microseconds)},
                       {"new_flows", one.soak->new_flows},
                       {"held_up_ms", held_up_json(one.soak->disturbance)}};
    if (one.reconfiguration) add_losses(all["reconfiguration"], one.reconfiguration->losses);
    if (one.soak) add_losses(all["soak"], one.soak->losses);
}

void add_gateway(Json& all, const Case& one) {
    const Overload& over = one.overload;
    all["overload"] = {{"offered_fps", std::llround(over.offered)},
                       {"received_fps", std::llround(over.received)},
                       {"generator_busy", rounded(over.generator_busy)},
                       {"gateway_busy", over.gateway_busy ? rounded(*over.gateway_busy) : Json(nullptr)},
                       {"pipeline_share", rounded(over.pipeline_share)}};
    add_losses(all["overload"], over.losses);
    all["cycles_by_stage"] = Json::object();
    for (const StageCost& stage : one.stages) all["cycles_by_stage"][stage.stage] = rounded(stage.cycles, 0.1);
}

Json case_json(const Results& results, const Case& one) {
    Json all{
        {"workload", one.workload},
        {"direction", one.direction},
        {"size", one.size},
        {"mean_size", rounded(one.mean_size)},
        {"flows", one.flows},
        {"zipf", one.skew},
        {"new_flows_per_second", one.new_flows},
        {"frames_checked", one.checked},
        {"reordered", one.reordered},
        {"duplicated", one.duplicated},
        {"trials", {{"count", one.tally.trials}, {"repeated", one.tally.repeated}, {"spoiled", one.tally.spoiled}}}};
    for (const Throughput& found : one.throughputs) all["throughput"].push_back(throughput_json(found));
    add_gateway(all, one);
    for (const LatencyRun& run : one.latency) all["latency"].push_back(latency_json(run));
    for (const LossPoint& point : one.loss) all["frame_loss"].push_back(loss_json(point));
    for (const FlowsCost& cost : one.by_flows)
        all["by_flows"].push_back({{"flows", cost.flows},
                                   {"received_fps", std::llround(cost.rate)},
                                   {"cycles_per_packet", rounded(cost.cycles, 0.1)},
                                   {"loss_ratio", cost.loss_ratio}});
    add_disturbances(all, one);
    all["limits"] = limits_of(results, one);
    return all;
}

std::string fps(const std::optional<double>& value) { return value ? format("%.3f", *value / 1e6) : "-"; }

const LatencyPoint* at(const LatencyRun& run, double percentile) {
    for (const LatencyPoint& point : run.points)
        if (point.percentile == percentile) return &point;
    return nullptr;
}

std::string latency_text(const Case& one) {
    std::string text;
    for (const LatencyRun& run : one.latency) {
        text += format("  latency at %2u %% of PDR, us:", run.percent_of_pdr);
        for (const double percentile : {50.0, 99.0, 99.9, 100.0})
            if (const LatencyPoint* point = at(run, percentile))
                text += percentile == 100 ? format("  max %.1f", point->microseconds)
                                          : format("  p%g %.1f", percentile, point->microseconds);
        text += "\n";
    }
    return text;
}

std::string disturbances_text(const Case& one) {
    std::string text;
    if (one.burst)
        text += format("  back-to-back: %s%llu frames\n", one.burst->at_limit ? "at least " : "",
                       static_cast<unsigned long long>(one.burst->frames));
    if (const auto& change = one.reconfiguration)
        text += format(
            "  reconfiguration: %llu changes at %.3f Mpps, %llu frames lost (%.3f ms of traffic), %llu of %llu "
            "flows broken, %llu moved off a removed backend\n    %s\n",
            static_cast<unsigned long long>(change->changes), change->load / 1e6,
            static_cast<unsigned long long>(change->losses.lost), 1e3 * change->blocked_seconds(),
            static_cast<unsigned long long>(change->broken), static_cast<unsigned long long>(change->flows),
            static_cast<unsigned long long>(change->moved), text_of(change->windows).c_str());
    if (one.soak)
        text += format("  soak: %.3f Mpps for %.0f s, %llu of %llu frames lost\n", one.soak->load / 1e6,
                       one.soak->seconds, static_cast<unsigned long long>(one.soak->losses.lost),
                       static_cast<unsigned long long>(one.soak->offered));
    for (const FlowsCost& cost : one.by_flows)
        text += format("  %8u flows: %.3f Mpps at overload, %.0f cycles/packet in the stages\n", cost.flows,
                       cost.rate / 1e6, cost.cycles);
    return text;
}

}  // namespace

std::string text_report(const Results& results) {
    std::string text = results.machine.cpu + ", Linux " + results.machine.kernel + ", ports: " + results.ports +
                       ", gateway " + results.gateway_version + ", IPv" + std::to_string(results.ip) + " in IPv" +
                       std::to_string(results.outer) + "\n";
    for (const Case& one : results.cases) {
        text += format("\n%s, size %s, %u flows (%s)\n", one.workload.c_str(), one.size.c_str(), one.flows,
                       one.direction.c_str());
        for (const Throughput& found : one.throughputs)
            text +=
                format("  %s: %s to %s Mpps (loss at most %g %%)%s\n", found.goal.c_str(), fps(found.lower).c_str(),
                       fps(found.upper).c_str(), 100 * found.loss_ratio, found.complete ? "" : ", not narrowed down");
        text += latency_text(one) + disturbances_text(one);
        for (const std::string& limit : limits_of(results, one)) text += "  - " + limit + "\n";
    }
    return text;
}

std::string json_report(const Results& results) {
    Json all{{"command", results.command}, {"started", results.started}};
    all["machine"] = json(results.machine);
    all["setup"] = {{"gateway", results.gateway_version},
                    {"workers", results.worker_cpus.size()},
                    {"worker_cpus", results.worker_cpus},
                    {"ports", results.ports},
                    {"ip", results.ip},
                    {"outer", results.outer},
                    {"generator_cpu", results.generator_cpu},
                    {"trial_seconds", results.trial},
                    {"sum_seconds", results.sum},
                    {"width", results.width},
                    {"checksums_of_one_in", results.check_sums_of},
                    {"steal", results.steal},
                    {"preemptions", results.preemptions},
                    {"quick", results.quick}};
    all["cases"] = Json::array();
    for (const Case& one : results.cases) all["cases"].push_back(case_json(results, one));
    return all.dump(2) + "\n";
}

std::string csv_report(const Results& results) {
    std::string text = "workload,ip,outer,size,flows,zipf,goal,allowed_loss,lower_fps,upper_fps,lower_gbps,complete\n";
    constexpr double bits = 8, gap_and_preamble = 20;
    for (const Case& one : results.cases)
        for (const Throughput& found : one.throughputs) {
            const double lower = found.lower.value_or(0);
            text += format("%s,%d,%d,%s,%u,%g,%s,%g,%.0f,%.0f,%.3f,%s\n", one.workload.c_str(), results.ip,
                           results.outer, one.size.c_str(), one.flows, one.skew, found.goal.c_str(), found.loss_ratio,
                           lower, found.upper.value_or(0), lower * (one.mean_size + gap_and_preamble) * bits / 1e9,
                           found.complete ? "yes" : "no");
        }
    return text;
}

}  // namespace viaduct::rig
