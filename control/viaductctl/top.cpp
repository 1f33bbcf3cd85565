// Rates from counters: a first look, a wait, then a picture per interval.
#include "control/viaductctl/top.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <ostream>
#include <set>
#include <thread>

#include "control/viaductctl/table.h"

namespace viaduct {
namespace {

constexpr const char* most_connections = "10000";  // that a look asks for
constexpr std::size_t busiest = 10;                // services listed
constexpr const char* home_and_clear = "\x1b[H\x1b[J";

/// "950", "1.23k", "40.1M": three digits that matter.
std::string short_number(double value) {
    constexpr std::array<const char*, 5> units{"", "k", "M", "G", "T"};
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    const int digits = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    char text[32] = {};
    std::snprintf(text, sizeof text, "%.*f%s", digits, value, units[unit]);
    return text;
}

/// The item of `list` with the same value of `key` as `item`, or an empty object.
Json same(const Json& list, const Json& item, const char* key) {
    for (const Json& other : list) {
        if (other[key] == item[key]) return other;
    }
    return Json::object();
}

/// How fast a counter grew. A gateway that was started anew counts from zero.
double rate(const Json& before, const Json& after, const char* counter, double seconds) {
    const double grown = after.value(counter, 0.0) - before.value(counter, 0.0);
    return seconds > 0 && grown > 0 ? grown / seconds : 0;
}

Json port_rates(const Sample& before, const Sample& after, double seconds) {
    Json rates = Json::array();
    for (const Json& port : after.ports) {
        const Json was = same(before.ports, port, "name");
        rates.push_back({{"name", port["name"]},
                         {"link", port["link"]},
                         {"rx_pps", rate(was, port, "rx_packets", seconds)},
                         {"rx_bps", 8 * rate(was, port, "rx_bytes", seconds)},
                         {"tx_pps", rate(was, port, "tx_packets", seconds)},
                         {"tx_bps", 8 * rate(was, port, "tx_bytes", seconds)}});
    }
    return rates;
}

Json worker_rates(const Sample& before, const Sample& after, double seconds) {
    Json rates = Json::array();
    for (const Json& worker : after.workers) {
        const Json was = same(before.workers, worker, "id");
        const double turns = rate(was, worker, "turns", seconds);
        const double busy = rate(was, worker, "busy_turns", seconds);
        rates.push_back({{"id", worker["id"]},
                         {"cpu", worker["cpu"]},
                         {"busy_percent", turns > 0 ? 100 * busy / turns : 0},
                         {"rx_pps", rate(was, worker, "rx", seconds)},
                         {"handed_over_pps", rate(was, worker, "handed_over", seconds)},
                         {"new_per_second", rate(was, worker, "connections_opened", seconds)},
                         {"connections", worker.value("connections_v4", 0ULL) + worker.value("connections_v6", 0ULL)}});
    }
    return rates;
}

/// Only reasons that occurred, those that grow first.
Json drop_rates(const Sample& before, const Sample& after, double seconds) {
    Json rates = Json::array();
    for (const Json& drop : after.drops) {
        if (drop.value("packets", 0ULL) == 0) continue;
        const double pps = rate(same(before.drops, drop, "name"), drop, "packets", seconds);
        rates.push_back({{"name", drop["name"]}, {"pps", pps}, {"packets", drop["packets"]}});
    }
    std::stable_sort(rates.begin(), rates.end(), [](const Json& a, const Json& b) { return a["pps"] > b["pps"]; });
    return rates;
}

/// What tells one connection from all others.
std::string identity(const Json& connection) {
    std::string text;
    for (const char* part : {"protocol", "network", "client", "frontend"})
        text += connection[part].get<std::string>() + ' ';
    return text;
}

struct ServiceLoad {
    std::size_t connections = 0, fresh = 0;
};

/// From the connections that both looks saw: those that are new came in between.
Json service_rates(const Sample& before, const Sample& after, double seconds) {
    std::set<std::string> known;
    for (const Json& connection : before.connections) known.insert(identity(connection));
    std::map<std::string, ServiceLoad> loads;
    for (const Json& connection : after.connections) {
        if (connection["service"] == "") continue;
        ServiceLoad& load = loads[connection["service"].get<std::string>()];
        ++load.connections;
        if (!known.contains(identity(connection))) ++load.fresh;
    }
    std::vector<std::pair<std::string, ServiceLoad>> sorted(loads.begin(), loads.end());
    std::ranges::stable_sort(sorted, [](const auto& a, const auto& b) {
        return std::pair(a.second.fresh, a.second.connections) > std::pair(b.second.fresh, b.second.connections);
    });
    Json rates = Json::array();
    for (const auto& [name, load] : sorted) {
        if (rates.size() == busiest) break;
        const double fresh = seconds > 0 ? static_cast<double>(load.fresh) / seconds : 0;
        rates.push_back({{"name", name}, {"new_per_second", fresh}, {"connections", load.connections}});
    }
    return rates;
}

std::string rate_cell(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    return value.is_number_float() ? short_number(value.get<double>()) : value.dump();
}

/// A section: its table, if it has rows, and an empty line.
void print_section(const Json& rows, const std::vector<std::pair<std::string, const char*>>& fields,
                   std::ostream& out) {
    if (rows.empty()) return;
    std::vector<Table::Column> columns;
    for (const auto& [title, key] : fields) {
        columns.push_back({title, rows.front()[key].is_string() ? Align::left : Align::right});
    }
    Table table(std::move(columns));
    for (const Json& row : rows) {
        std::vector<std::string> cells;
        for (const auto& field : fields) cells.push_back(rate_cell(row[field.second]));
        table.add(std::move(cells));
    }
    table.print(out);
    out << '\n';
}

}  // namespace

Sample take_sample(const Client& client) {
    Sample sample;
    sample.connections = client.get("/v1/connections", {{"limit", most_connections}})["connections"];
    sample.ports = client.get("/v1/ports")["ports"];
    sample.workers = client.get("/v1/workers")["workers"];
    sample.drops = client.get("/v1/drops")["drops"];
    sample.when = std::chrono::steady_clock::now();
    return sample;
}

Json rates_json(const Sample& before, const Sample& after) {
    const double seconds = std::chrono::duration<double>(after.when - before.when).count();
    return {{"seconds", seconds},
            {"ports", port_rates(before, after, seconds)},
            {"workers", worker_rates(before, after, seconds)},
            {"drops", drop_rates(before, after, seconds)},
            {"services", service_rates(before, after, seconds)}};
}

void print_rates(const Sample& before, const Sample& after, std::ostream& out) {
    const Json rates = rates_json(before, after);
    print_section(rates["ports"],
                  {{"PORT", "name"},
                   {"LINK", "link"},
                   {"RX PPS", "rx_pps"},
                   {"RX BIT/S", "rx_bps"},
                   {"TX PPS", "tx_pps"},
                   {"TX BIT/S", "tx_bps"}},
                  out);
    print_section(rates["workers"],
                  {{"WORKER", "id"},
                   {"CPU", "cpu"},
                   {"BUSY %", "busy_percent"},
                   {"RX PPS", "rx_pps"},
                   {"HANDED OVER PPS", "handed_over_pps"},
                   {"NEW/S", "new_per_second"},
                   {"CONNECTIONS", "connections"}},
                  out);
    print_section(rates["services"], {{"SERVICE", "name"}, {"NEW/S", "new_per_second"}, {"CONNECTIONS", "connections"}},
                  out);
    print_section(rates["drops"], {{"DROP", "name"}, {"PPS", "pps"}, {"PACKETS", "packets"}}, out);
}

void top(const TopOptions& options, const Client& client, std::ostream& out) {
    Sample before = take_sample(client);
    for (std::size_t shown = 0; options.count == 0 || shown < options.count; ++shown) {
        std::this_thread::sleep_for(options.interval);
        Sample after = take_sample(client);
        if (options.json) {
            out << rates_json(before, after).dump() << '\n';
        } else {
            if (options.redraw) out << home_and_clear;
            print_rates(before, after, out);
        }
        out.flush();
        before = std::move(after);
    }
}

}  // namespace viaduct
