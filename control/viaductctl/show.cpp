// Which fields of the API's answers make which columns.
#include "control/viaductctl/show.h"

#include <cstdio>
#include <ctime>
#include <functional>
#include <ostream>
#include <span>

#include "control/age_text.h"
#include "control/viaductctl/table.h"
#include "tables/stage.h"

namespace viaduct {
namespace {

using Print = std::function<void(const Json& list, const ShowOptions&, std::ostream&)>;

/// A column of a list: its title, the field that it shows, and where that goes.
struct Field {
    std::string title;
    std::string key;
    Align align = Align::left;
};

/// A value as a cell: lists go one below the other.
std::string cell(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    if (value.is_null()) return {};
    if (!value.is_array()) return value.dump();
    std::string lines;
    for (const Json& element : value) lines += cell(element) + "\n";
    return lines;
}

Table table_of(const std::vector<Field>& fields, const Json& list) {
    std::vector<Table::Column> columns;
    for (const Field& field : fields) columns.push_back({field.title, field.align});
    Table table(std::move(columns));
    for (const Json& item : list) {
        std::vector<std::string> cells;
        for (const Field& field : fields) cells.push_back(cell(item.value(field.key, Json())));
        table.add(std::move(cells));
    }
    return table;
}

/// Prints the list's items by these fields.
Print columns(std::vector<Field> fields) {
    return [fields = std::move(fields)](const Json& list, const ShowOptions&, std::ostream& out) {
        table_of(fields, list).print(out);
    };
}

void print_drops(const Json& drops, const ShowOptions& options, std::ostream& out) {
    Json shown = Json::array();
    for (const Json& drop : drops) {
        if (options.all || drop.value("packets", 0ULL) != 0) shown.push_back(drop);
    }
    if (shown.empty()) {
        out << "No packet was dropped. --all lists every reason.\n";
        return;
    }
    table_of({{"REASON", "name"}, {"PACKETS", "packets", Align::right}, {"MEANING", "meaning"}}, shown).print(out);
}

std::string fixed(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
}

/// A worker's stages, and a row that sums them up. `rows` are the worker's.
void add_worker(Table& table, std::span<const Json> rows) {
    double share = 0, cycles = 0;
    const auto add = [&](const char* stage, double part, double taken, double packets) {
        table.add({cell(rows[0]["worker"]), stage, fixed(100 * part), fixed(taken), fixed(packets)});
    };
    for (const Json& row : rows) {
        share += row["share"].get<double>();
        cycles += row["cycles_per_packet"].get<double>();
        add(cell(row["stage"]).c_str(), row["share"], row["cycles_per_packet"], row["packets_per_burst"]);
    }
    const double bursts = rows[0]["timed_bursts"], packets = rows[0]["timed_packets"];
    add("all", share, cycles, bursts == 0 ? 0 : packets / bursts);
}

void print_stages(const Json& stages, const ShowOptions&, std::ostream& out) {
    Table table({{"WORKER", Align::right},
                 {"STAGE"},
                 {"SHARE %", Align::right},
                 {"CYCLES/PACKET", Align::right},
                 {"PACKETS/BURST", Align::right}});
    const std::vector<Json> rows = stages;
    std::uint64_t bursts = 0;
    for (std::size_t i = 0; i + stage_count <= rows.size(); i += stage_count) {
        add_worker(table, std::span(rows).subspan(i, stage_count));
        bursts += rows[i]["timed_bursts"].get<std::uint64_t>();
    }
    table.print(out);
    out << "\n" << bursts << " bursts were timed, one in 256. Cycles are of the TSC, per packet of the whole burst.\n";
}

std::string time_text(const Json& seconds) {
    if (!seconds.is_number()) return "never";
    const auto when = static_cast<std::time_t>(seconds.get<double>());
    std::tm local{};
    localtime_r(&when, &local);
    char text[32] = {};
    std::strftime(text, sizeof text, "%F %T", &local);
    return text;
}

std::string objects_text(const Json& objects) {
    std::string text;
    for (const auto& [kind, count] : objects.items()) text += (text.empty() ? "" : ", ") + kind + " " + count.dump();
    return text;
}

void print_findings(const Json& answer, std::ostream& out) {
    for (const Json& source : answer["sources"]) {
        for (const Json& error : source["errors"]) out << "error: " << cell(error) << '\n';
    }
    for (const Json& finding : answer["findings"]) {
        out << cell(finding["severity"]) << ": " << cell(finding["subject"]) << ": " << cell(finding["text"]);
        const std::string remedy = cell(finding["remedy"]);
        out << (remedy.empty() ? "" : "; " + remedy) << '\n';
    }
}

std::string age_of(const Json& source) {
    const auto seconds = source["age_seconds"].get<long>();
    if (!source["synced"].get<bool>()) return "unread";
    return seconds == 0 ? "current" : age_text(std::chrono::seconds(seconds));
}

void print_sources(const Json& answer, std::ostream& out) {
    Table table({{"NAME"}, {"TYPE"}, {"NETWORK"}, {"LOCATION"}, {"SYNCED"}, {"AGE"}, {"LAST CHANGE"}, {"OBJECTS"}});
    for (const Json& source : answer["sources"]) {
        table.add({cell(source["name"]), cell(source["type"]), cell(source["network"]), cell(source["location"]),
                   cell(source["synced"]), age_of(source), time_text(source["last_change"]),
                   objects_text(source["objects"])});
    }
    table.print(out);
    out << "\nSnapshot " << cell(answer["version"]) << " published " << time_text(answer["last_publication"])
        << ", built in " << cell(answer["last_build_us"]) << " us; "
        << (answer["ready"].get<bool>() ? "ready" : "not ready yet") << ".\n";
    print_findings(answer, out);
}

enum class Length : std::uint8_t { whole, pages, limited };

struct Subject {
    std::string name;
    Length length;  // how the API hands it out
    Print print;
};

constexpr Align right = Align::right;

const std::vector<Subject>& subjects() {
    static const std::vector<Subject> all{
        {"ports", Length::whole,
         columns({{"NAME", "name"},
                  {"DEVICE", "device"},
                  {"DRIVER", "driver"},
                  {"INTERFACE", "interface"},
                  {"MAC", "mac"},
                  {"LINK", "link"},
                  {"MTU", "mtu", right},
                  {"QUEUES", "rx_queues", right},
                  {"RX PACKETS", "rx_packets", right},
                  {"RX BYTES", "rx_bytes", right},
                  {"TX PACKETS", "tx_packets", right},
                  {"TX BYTES", "tx_bytes", right}})},
        {"networks", Length::pages,
         columns({{"NAME", "name"},
                  {"VNI", "vni", right},
                  {"UDP", "udp_port", right},
                  {"VTEP", "vteps"},
                  {"VTEP MAC", "vtep_mac"},
                  {"POD SUBNETS", "pod_subnets"},
                  {"CLUSTER CIDRS", "cluster_cidrs"},
                  {"MTU", "mtu", right},
                  {"HOST PORT", "host_port"}})},
        {"peers", Length::pages,
         columns({{"NAME", "name"},
                  {"NETWORK", "network"},
                  {"UNDERLAY", "underlay"},
                  {"VTEP MAC", "vtep_mac"},
                  {"POD SUBNETS", "pod_subnets"},
                  {"PORT", "port"},
                  {"NEXT HOP", "next_hop"},
                  {"REACHABLE", "reachable"}})},
        {"routes", Length::pages,
         columns({{"NETWORK", "network"}, {"PREFIX", "prefix"}, {"KIND", "kind"}, {"NEXT", "next"}, {"PORT", "port"}})},
        {"services", Length::pages,
         columns({{"NAME", "name"},
                  {"PROTOCOL", "protocol"},
                  {"NETWORK", "network"},
                  {"FRONTENDS", "frontends"},
                  {"BACKENDS", "backends", right},
                  {"WHEN EMPTY", "when_empty"},
                  {"AFFINITY S", "affinity_seconds", right}})},
        {"backends", Length::pages,
         columns({{"SERVICE", "service"},
                  {"PROTOCOL", "protocol"},
                  {"NETWORK", "network"},
                  {"ADDRESS", "address"},
                  {"WEIGHT", "weight", right}})},
        {"connections", Length::limited,
         columns({{"WORKER", "worker", right},
                  {"PROTOCOL", "protocol"},
                  {"CLIENT", "client"},
                  {"FRONTEND", "frontend"},
                  {"BACKEND", "backend"},
                  {"SNAT", "snat"},
                  {"SERVICE", "service"},
                  {"STATE", "state"},
                  {"IDLE S", "idle_seconds", right},
                  {"EXPIRES S", "expires_seconds", right}})},
        {"drops", Length::whole, print_drops},
        {"workers", Length::whole,
         columns({{"ID", "id", right},
                  {"CPU", "cpu", right},
                  {"RX", "rx", right},
                  {"TX", "tx", right},
                  {"PUNT", "punt", right},
                  {"DROPPED", "dropped", right},
                  {"HANDED OVER", "handed_over", right},
                  {"CONNECTIONS V4", "connections_v4", right},
                  {"OF", "connection_capacity_v4", right},
                  {"CONNECTIONS V6", "connections_v6", right},
                  {"OF", "connection_capacity_v6", right}})},
        {"stages", Length::whole, print_stages},
        {"sources", Length::whole, nullptr},
    };
    return all;
}

const Subject& find_subject(const std::string& name) {
    for (const Subject& subject : subjects()) {
        if (subject.name == name) return subject;
    }
    throw CommandError("there is nothing to show by the name '" + name + "'", "see `viaductctl show --help`");
}

Json fetch(const Subject& subject, std::size_t limit, const Client& client) {
    if (subject.length == Length::pages) return client.list(subject.name, limit);
    const bool limited = subject.length == Length::limited && limit != 0;
    return client.get("/v1/" + subject.name,
                      limited ? Client::Parameters{{"limit", std::to_string(limit)}} : Client::Parameters{});
}

}  // namespace

const std::vector<std::string>& show_subjects() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> list;
        for (const Subject& subject : subjects()) list.push_back(subject.name);
        return list;
    }();
    return names;
}

void show(const std::string& name, const ShowOptions& options, const Client& client, std::ostream& out) {
    const Subject& subject = find_subject(name);
    const Json answer = fetch(subject, options.limit, client);
    if (options.json) {
        out << answer.dump(2) << '\n';
    } else if (subject.print) {
        subject.print(answer[name], options, out);
    } else {
        print_sources(answer, out);
    }
}

}  // namespace viaduct
