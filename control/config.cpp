// Reads viaduct.conf and the command line into a Config, gathering every problem instead of stopping at the first.
#include "control/config.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <fstream>
#include <numeric>
#include <sstream>

#include "control/config_checks.h"
#include "control/config_keys.h"
#include "control/config_values.h"

namespace viaduct {

namespace po = boost::program_options;

namespace {

constexpr const char* default_file = "/etc/viaduct/viaduct.conf";

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}

/// A key with its value and where it was found, for messages.
struct Setting {
    std::string key;  // "workers", "port.outside.device"
    std::string value;
    std::string where;  // "viaduct.conf:12", "command line"
};

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
    const auto nearest =
        std::ranges::min_element(known, {}, [&](auto candidate) { return edit_distance(word, candidate); });
    if (nearest != known.end() && edit_distance(word, *nearest) <= std::max<std::size_t>(2, word.size() / 3))
        return "did you mean '" + std::string(*nearest) + "'?";
    return "`viaduct --help` lists them all";
}

/// The section of this name, made when it is new: sections keep the order of their first mention.
template <class Section>
Section& named(std::vector<Section>& sections, std::string_view name) {
    const auto found = std::ranges::find(sections, name, &Section::name);
    if (found != sections.end()) return *found;
    Section& section = sections.emplace_back();
    section.name = name;
    if constexpr (std::same_as<Section, NetworkConfig>)
        section.host_interface = "viaduct" + std::to_string(sections.size() - 1);
    return section;
}

class Loader {
public:
    void apply(const Setting& setting) {
        const std::size_t first = setting.key.find('.'), last = setting.key.rfind('.');
        if (first == std::string::npos) return set(global_keys(), config_, setting.key, setting);
        const std::string_view key = setting.key, name = key.substr(first + 1, last - first - 1);
        if (!open_section(key.substr(0, first), first == last ? "" : name, setting.where)) return;
        if (key.starts_with("port.")) set(port_keys(), named(config_.ports, name), key.substr(last + 1), setting);
        if (key.starts_with("network."))
            set(network_keys(), named(config_.networks, name), key.substr(last + 1), setting);
        if (key.starts_with("source.")) set(source_keys(), named(config_.sources, name), key.substr(last + 1), setting);
        if (key.starts_with("pool.")) set(pool_keys(), named(config_.pools, name), key.substr(last + 1), setting);
    }

    /// Makes sure of the section, or says why there is none such.
    bool open_section(std::string_view kind, std::string_view name, const std::string& where) {
        static const std::vector<std::string_view> kinds{"port", "network", "source", "pool"};
        if (std::ranges::find(kinds, kind) == kinds.end())
            problem(where, "unknown section '" + std::string(kind) + "': " + suggestion(kind, kinds));
        else if (name.empty())
            problem(where, "a " + std::string(kind) + " needs a name: write [" + std::string(kind) + ".NAME]");
        else if (kind == "port")
            return named(config_.ports, name), true;
        else if (kind == "network")
            return named(config_.networks, name), true;
        else if (kind == "source")
            return named(config_.sources, name), true;
        else
            return named(config_.pools, name), true;
        return false;
    }

    void problem(const std::string& where, const std::string& what) { problems_.push_back(where + ": " + what); }
    [[nodiscard]] Config& config() { return config_; }

    [[nodiscard]] Config finished() {
        const std::string where = config_.file.empty() ? "command line" : config_.file;
        // Follow-up complaints about what failed to load would only hide the cause.
        if (problems_.empty())
            for (const std::string& what : check_config(config_)) problem(where, what);
        if (!problems_.empty()) throw ConfigError(problems_);
        for (SourceConfig& source : config_.sources) source.namespaces = needs_namespaces(source);
        return std::move(config_);
    }

private:
    /// Whether some pool of its network chooses by labels.
    [[nodiscard]] bool needs_namespaces(const SourceConfig& source) const {
        const auto network = [&](const std::string& name) {
            return name.empty() && !config_.networks.empty() ? config_.networks.front().name : name;
        };
        return std::ranges::any_of(config_.pools, [&](const PoolConfig& pool) {
            return !pool.namespace_selector.empty() && network(pool.network) == network(source.network);
        });
    }
    template <class Section>
    void set(std::span<const ConfigKey<Section>> keys, Section& section, std::string_view name,
             const Setting& setting) {
        const auto found = std::ranges::find_if(keys, [&](const auto& key) { return name == key.name; });
        if (found == keys.end()) {
            std::vector<std::string_view> known;
            for (const auto& key : keys) known.emplace_back(key.name);
            return problem(setting.where, "unknown key '" + setting.key + "': " + suggestion(name, known));
        }
        try {
            found->set(section, setting.value);
        } catch (const BadValue& wrong) {
            problem(setting.where, setting.key + " = " + setting.value + ": " + wrong.what());
        }
    }

    Config config_;
    std::vector<std::string> problems_;
};

/// Boost forgets line numbers, so the file is read line by line: Boost parses each, and sections are kept here.
void apply_file(Loader& loader, const std::string& path, std::istream& file) {
    std::string section, line;
    for (unsigned number = 1; std::getline(file, line); ++number) {
        const std::string where = path + ":" + std::to_string(number);
        const std::string text = line.substr(0, line.find('#'));
        const std::size_t open = text.find_first_not_of(" \t"), close = text.find_last_not_of(" \t\r");
        if (open == std::string::npos) continue;
        if (text[open] == '[' && text[close] == ']') {
            section = text.substr(open + 1, close - open - 1);
            const std::size_t dot = section.find('.');
            loader.open_section(section.substr(0, dot), dot == std::string::npos ? "" : section.substr(dot + 1), where);
            continue;
        }
        try {
            std::istringstream one(text.substr(0, close + 1));
            for (const po::option& option : po::parse_config_file(one, po::options_description(), true).options)
                loader.apply({section.empty() ? option.string_key : section + "." + option.string_key,
                              option.value.front(), where});
        } catch (const po::error&) {
            loader.problem(where,
                           "'" + text.substr(open, close - open + 1) + "' is neither `key = value` nor [section]");
        }
    }
}

void read_file(Loader& loader, const std::string& path) {
    std::ifstream file(path);
    if (!file)
        return loader.problem(path,
                              "cannot be read: write one (the installed doc/viaduct/viaduct.conf.example has every "
                              "key) or name it with --config");
    loader.config().file = path;
    apply_file(loader, path, file);
}

po::options_description general_options() {
    po::options_description options("General");
    options.add_options()("config", po::value<std::string>()->value_name("PATH"),
                          "configuration file (default /etc/viaduct/viaduct.conf)")(
        "check-config", "check the configuration and end")("help,h", "print this help and end")(
        "version,V", "print the version and end");
    return options;
}

/// Every key of every section that the arguments mention, so that Boost takes `--key value` as well as `--key=value`.
po::options_description accepted_options(int argc, const char* const* argv) {
    po::options_description options = general_options();
    for (const auto& key : global_keys()) options.add_options()(key.name, po::value<std::vector<std::string>>());
    const auto add = [&](std::string_view prefix, std::string_view wanted, auto keys) {
        for (const auto& key : keys)
            if (wanted == std::string(prefix) + "." + key.name && !options.find_nothrow(std::string(wanted), false))
                options.add_options()(std::string(wanted).c_str(), po::value<std::vector<std::string>>());
    };
    for (int i = 1; i < argc; ++i) {
        std::string_view word = argv[i];
        if (!word.starts_with("--")) continue;
        word = word.substr(2, word.find('=') == std::string_view::npos ? word.npos : word.find('=') - 2);
        const std::string_view section = word.substr(0, word.rfind('.'));
        if (section.starts_with("port.")) add(section, word, port_keys());
        if (section.starts_with("network.")) add(section, word, network_keys());
        if (section.starts_with("source.")) add(section, word, source_keys());
        if (section.starts_with("pool.")) add(section, word, pool_keys());
    }
    return options;
}

po::parsed_options parse_command_line(int argc, const char* const* argv, const po::options_description& options) {
    namespace style = po::command_line_style;
    return po::command_line_parser(argc, argv)
        .options(options)
        .style(style::default_style & ~style::allow_guessing)
        .allow_unregistered()
        .run();
}

bool is_leave(const po::option& option) { return option.position_key == 0 && option.value.front() == "leave"; }

Config::Action action_of(const po::parsed_options& parsed) {
    auto action = Config::Action::run;
    for (const po::option& option : parsed.options) {
        if (option.string_key == "help") return Config::Action::help;
        if (option.string_key == "version") return Config::Action::version;
        if (option.string_key == "check-config") action = Config::Action::check;
        if (is_leave(option)) action = Config::Action::leave;
    }
    return action;
}

void apply_option(Loader& loader, const po::option& option) {
    const std::string where = "command line";
    if (option.position_key >= 0)
        return loader.problem(where, "'" + option.value.front() + "' is neither an option nor `leave`");
    if (option.value.empty()) return loader.apply({option.string_key, "", where});
    for (const std::string& value : option.value) loader.apply({option.string_key, value, where});
}

bool is_key(const po::option& option) {
    static const po::options_description general = general_options();
    if (is_leave(option)) return false;
    return option.string_key.empty() || general.find_nothrow(option.string_key, false) == nullptr;
}

void load(Loader& loader, const po::parsed_options& parsed) {
    std::string path;
    for (const po::option& option : parsed.options)
        if (option.string_key == "config") path = option.value.front();
    // A command line with keys of its own may do without the default file.
    const bool has_keys = std::ranges::any_of(parsed.options, is_key);
    if (!path.empty() || !has_keys || std::ifstream(default_file))
        read_file(loader, path.empty() ? default_file : path);
    for (const po::option& option : parsed.options)
        if (is_key(option)) apply_option(loader, option);
}

template <class Section>
void print_keys(std::ostream& out, const char* title, std::span<const ConfigKey<Section>> keys) {
    out << '\n' << title << '\n';
    for (const auto& key : keys) {
        const std::string head = std::string("  ") + key.name + " = " + key.values;
        out << head << std::string(head.size() < 46 ? 46 - head.size() : 2, ' ') << key.help << '\n';
    }
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> problems)
    : std::runtime_error(joined(problems)), problems_(std::move(problems)) {}

Config load_config(int argc, const char* const* argv) {
    Loader loader;
    try {
        const po::parsed_options parsed = parse_command_line(argc, argv, accepted_options(argc, argv));
        loader.config().action = action_of(parsed);
        if (loader.config().action == Config::Action::help || loader.config().action == Config::Action::version)
            return loader.config();
        load(loader, parsed);
    } catch (const po::error& wrong) {
        loader.problem("command line", wrong.what());
    }
    return loader.finished();
}

std::string help_text() {
    std::ostringstream out;
    out << "Usage: viaduct [--config PATH] [--KEY VALUE]...\n"
           "       viaduct leave [--config PATH] [--KEY VALUE]...\n\n"
           "An overlay gateway for Kubernetes: VXLAN encapsulation and Service load balancing.\n\n"
           "`leave` takes back what a gateway that is stopped for good has said about itself: flannel's annotations of "
           "its\nNode or, with join = node, the Node and its Lease; the Lease of the gateways; its subnet in flannel's "
           "etcd.\nIt ends with 0 when nothing is left behind, with 1 and the reason when something is, and may be "
           "repeated.\n\n"
        << general_options()
        << "\nEvery key of the file is an option too, a section's with the section's name before it:\n"
           "  viaduct --workers 2 --port.outside.device af_xdp:eth0\n";
    print_keys(out, "Keys before the first section:", global_keys());
    print_keys(out, "[port.NAME]", port_keys());
    print_keys(out, "[network.NAME]", network_keys());
    print_keys(out, "[source.NAME]", source_keys());
    print_keys(out, "[pool.NAME]", pool_keys());
    out << "\nExamples:\n"
           "  viaduct --check-config                          is /etc/viaduct/viaduct.conf all right?\n"
           "  viaduct --config ./lab.conf --log-level debug   another file, more talk\n"
           "  viaduct --idle spin --workers 4                 for measuring: never sleep\n"
           "  systemctl disable --now viaduct && viaduct leave    this machine is no gateway any more\n";
    return out.str();
}

std::string version_text() { return std::string("viaduct ") + VIADUCT_VERSION + "\n"; }

}  // namespace viaduct
