// The table and the JSON document.
#include "bench/report.h"

#include <array>
#include <cmath>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

namespace viaduct {
namespace {

int number(Family family) { return family == Family::v4 ? 4 : 6; }
const char* name(Cache cache) { return cache == Cache::hot ? "hot" : "cold"; }

Summary nanoseconds(const Summary& cycles, std::uint64_t tsc_hz) {
    const double each = 1e9 / static_cast<double>(tsc_hz);
    return {cycles.min * each, cycles.median * each, cycles.p95 * each};
}

double million_per_second(const Summary& nanoseconds) { return nanoseconds.median > 0 ? 1000 / nanoseconds.median : 0; }

struct Column {
    const char* title;
    int width;
};
constexpr std::array<Column, 15> columns{{{"workload", -13},
                                          {"ip", 3},
                                          {"outer", 6},
                                          {"flows", 9},
                                          {"burst", 6},
                                          {"size", 5},
                                          {"cycles", 9},
                                          {"min", 8},
                                          {"p95", 8},
                                          {"null", 7},
                                          {"ns", 8},
                                          {"min", 8},
                                          {"p95", 8},
                                          {"Mpps", 8},
                                          {"runs", 7}}};

void cell(std::ostream& out, const Column& column, const std::string& text) {
    out << (column.width < 0 ? std::left : std::right) << std::setw(std::abs(column.width)) << text;
}

std::string fixed(double value, int digits) {
    std::ostringstream out;
    out << std::fixed << std::setprecision(digits) << value;
    return out.str();
}

std::array<std::string, columns.size()> cells(const Result& row, std::uint64_t tsc_hz) {
    const Summary ns = nanoseconds(row.cycles, tsc_hz);
    std::string runs = std::to_string(row.runs);
    if (row.discarded != 0) runs.append("-").append(std::to_string(row.discarded));
    return {std::string(name(row.workload)),
            std::to_string(number(row.ip)),
            std::to_string(number(row.outer)),
            std::to_string(row.flows),
            std::to_string(row.burst),
            std::to_string(row.size),
            fixed(row.cycles.median, 1),
            fixed(row.cycles.min, 1),
            fixed(row.cycles.p95, 1),
            fixed(row.null_cycles.median, 1),
            fixed(ns.median, 1),
            fixed(ns.min, 1),
            fixed(ns.p95, 1),
            fixed(million_per_second(ns), 2),
            runs};
}

/// What spoils figures, as far as it happened.
std::string disturbances(const std::vector<Result>& results) {
    unsigned discarded = 0;
    std::uint64_t preemptions = 0;
    for (const Result& row : results) {
        discarded += row.discarded;
        preemptions += row.preemptions;
    }
    std::string text;
    if (discarded != 0)
        text += "\nRuns discarded because a hypervisor took CPU time: " + std::to_string(discarded) + ".";
    if (preemptions != 0)
        text += "\nThis thread was preempted " + std::to_string(preemptions) + " times: other programs were running.";
    return text;
}

nlohmann::ordered_json values(const Summary& summary) {
    const auto rounded = [](double value) { return std::round(value * 100) / 100; };
    return {{"min", rounded(summary.min)}, {"median", rounded(summary.median)}, {"p95", rounded(summary.p95)}};
}

nlohmann::ordered_json document(const Machine& machine, const Options& options) {
    nlohmann::ordered_json all;
    all["machine"] = json(machine);
    all["machine"].update({{"seed", options.seed},
                           {"cache", name(options.cache)},
                           {"checksums", options.nic_checksums ? "nic" : "software"},
                           {"quick", options.quick}});
    all["results"] = nlohmann::ordered_json::array();
    return all;
}

}  // namespace

std::string table(const Machine& machine, const Options& options, const std::vector<Result>& results) {
    std::ostringstream out;
    out << machine.cpu << ", TSC " << fixed(static_cast<double>(machine.tsc_hz) / 1e6, 0) << " MHz, Linux "
        << machine.kernel << ", huge pages: " << machine.hugepages << "\n"
        << machine.compiler << ", " << machine.flags << ", commit " << machine.commit << ", " << name(options.cache)
        << " buffers, seed " << options.seed << (options.nic_checksums ? ", checksums verified by the NIC" : "")
        << "\n\n";
    for (const Column& column : columns) cell(out, column, column.title);
    out << "\n";
    for (const Result& row : results) {
        const auto texts = cells(row, machine.tsc_hz);
        for (std::size_t i = 0; i < columns.size(); ++i) cell(out, columns[i], texts[i]);
        out << "\n";
    }
    out << "\ncycles and ns are per packet: the median over runs, then minimum and 95th percentile.\n"
           "null: the same loop without a pipeline, not subtracted. All output was checked."
        << disturbances(results);
    if (options.quick) out << "\n--quick: these figures mean nothing.";
    out << "\n";
    return out.str();
}

std::string json(const Machine& machine, const Options& options, const std::vector<Result>& results) {
    nlohmann::ordered_json all = document(machine, options);
    for (const Result& row : results)
        all["results"].push_back({{"workload", name(row.workload)},
                                  {"ip", number(row.ip)},
                                  {"outer", number(row.outer)},
                                  {"flows", row.flows},
                                  {"burst", row.burst},
                                  {"size", row.size},
                                  {"cycles_per_packet", values(row.cycles)},
                                  {"ns_per_packet", values(nanoseconds(row.cycles, machine.tsc_hz))},
                                  {"null_cycles_per_packet", values(row.null_cycles)},
                                  {"runs", row.runs},
                                  {"discarded", row.discarded},
                                  {"preemptions", row.preemptions}});
    return all.dump(2) + "\n";
}

}  // namespace viaduct
