// The options of each command, by Boost.Program_options.
#include "control/viaductctl/command_line.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <sstream>

namespace viaduct {
namespace {

namespace po = boost::program_options;

struct Command {
    std::string name;
    std::string usage;
    std::string purpose;
    std::string examples;
    po::options_description options;
};

po::options_description global_options() {
    po::options_description options("Everywhere");
    options.add_options()                                                                                             //
        ("socket", po::value<std::string>()->value_name("PATH"), "the gateway's socket (/run/viaduct/viaduct.sock)")  //
        ("json,j", "the gateway's own JSON instead of text")                                                          //
        ("help,h", "help, also of a single command")                                                                  //
        ("version,V", "the version of viaductctl and of the gateway");
    return options;
}

po::options_description show_options() {
    po::options_description options("Options");
    options.add_options()("all", "drops: list the reasons that never occurred, too")(
        "limit", po::value<std::size_t>()->value_name("N"), "show at most N rows of a long list");
    return options;
}

po::options_description top_options() {
    po::options_description options("Options");
    options.add_options()("count", po::value<std::size_t>()->value_name("N"), "stop after N pictures")(
        "interval", po::value<double>()->value_name("S"), "seconds between pictures (1)");
    return options;
}

po::options_description explain_options() {
    po::options_description options("Options");
    const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
    options.add_options()("from", text("ADDR[:PORT]"), "the sender")("to", text("ADDR:PORT"), "the destination")(
        "proto", text("NAME"), "tcp, udp, sctp or icmp (tcp)")("port", text("NAME"), "the port where it arrives")(
        "peer", text("NAME"), "or: the peer from which it arrives in the tunnel")(
        "length", text("N"), "bytes of the IP packet")("ttl", text("N"), "its TTL or hop limit (64)");
    return options;
}

po::options_description wait_options() {
    po::options_description options("Options");
    options.add_options()("timeout", po::value<double>()->value_name("S"), "give up after S seconds (60)");
    return options;
}

std::string subject_list() {
    std::string list;
    for (const std::string& subject : show_subjects()) list += (list.empty() ? "" : "|") + subject;
    return list;
}

const std::vector<Command>& commands() {
    static const std::vector<Command> all{
        {"show", "show " + subject_list(), "what the gateway has and does now",
         "  viaductctl show services\n  viaductctl show drops --all\n  viaductctl -j show backends | jq '.backends | "
         "length'\n",
         show_options()},
        {"top", "top", "live rates: ports, workers, services, drops",
         "  viaductctl top\n  viaductctl top --count 1 --interval 5\n\n"
         "BUSY % is the share of a worker's turns that found packets. Services are counted from the\n"
         "first 10,000 connections.\n",
         top_options()},
        {"explain", "explain --from ADDR[:PORT] --to ADDR:PORT", "what would happen to a packet, and why",
         "  viaductctl explain --from 192.0.2.7 --to 10.96.0.10:80\n"
         "  viaductctl explain --from [2001:db8::7]:5000 --to [fd00:96::a]:53 --proto udp --port outside\n"
         "  viaductctl explain --from 10.244.1.5 --to 192.0.2.7 --proto icmp --peer node1 --length 1500\n",
         explain_options()},
        {"wait", "wait", "until every source was read and published",
         "  viaductctl wait --timeout 10 && echo forwarding\n", wait_options()},
    };
    return all;
}

const Command* find_command(const std::string& name) {
    const auto found = std::ranges::find(commands(), name, &Command::name);
    return found == commands().end() ? nullptr : &*found;
}

/// Options may stand before the command: the first argument that is no option, and no option's value, is its name.
std::string command_name(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--socket") {
            ++i;
        } else if (!arguments[i].starts_with('-')) {
            return arguments[i];
        }
    }
    return {};
}

template <class T>
void take(const po::variables_map& values, const char* name, T& into) {
    if (values.count(name) != 0) into = values[name].as<T>();
}

void take_positive(const po::variables_map& values, const char* name, double& into) {
    take(values, name, into);
    if (!(into > 0)) throw UsageError(std::string("--") + name + " must be more than 0 seconds");
}

void take_question(const po::variables_map& values, Client::Parameters& question) {
    for (const char* name : {"from", "to", "proto", "port", "peer", "length", "ttl"}) {
        if (values.count(name) != 0) question.emplace(name, values[name].as<std::string>());
    }
}

/// Said without asking a gateway, which may be one that does not run.
void require_ends(const CommandLine& line) {
    for (const char* end : {"from", "to"}) {
        if (!line.question.contains(end)) throw UsageError(std::string("explain needs --") + end + ", an address");
    }
}

po::variables_map parse(const std::vector<std::string>& arguments, const Command* command) {
    po::options_description known = global_options();
    if (command != nullptr) known.add(command->options);
    known.add_options()("words", po::value<std::vector<std::string>>());
    po::positional_options_description words;
    words.add("words", -1);
    po::variables_map values;
    try {
        constexpr int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
        po::store(po::command_line_parser(arguments).options(known).positional(words).style(style).run(), values);
    } catch (const po::error& error) {
        throw UsageError(error.what());
    }
    return values;
}

/// The words after the command: show's subject, and nothing else.
void take_words(const std::vector<std::string>& words, CommandLine& line) {
    const std::size_t expected = line.command == "show" ? 2 : 1;
    if (words.size() > expected) throw UsageError("'" + words[expected] + "' is one word too many");
    if (line.command != "show" || line.help) return;
    if (words.size() < 2) throw UsageError("show what? One of " + subject_list());
    line.subject = words[1];
    if (std::ranges::find(show_subjects(), line.subject) == show_subjects().end()) {
        throw UsageError("'" + line.subject + "' cannot be shown; one of " + subject_list());
    }
}

}  // namespace

CommandLine read_command_line(const std::vector<std::string>& arguments) {
    CommandLine line;
    line.command = command_name(arguments);
    const Command* const command = find_command(line.command);
    if (command == nullptr && !line.command.empty()) throw UsageError("there is no command '" + line.command + "'");
    const po::variables_map values = parse(arguments, command);
    line.help = values.count("help") != 0;
    line.version = values.count("version") != 0;
    line.show.json = values.count("json") != 0;
    line.show.all = values.count("all") != 0;
    take(values, "socket", line.socket);
    take(values, "limit", line.show.limit);
    take(values, "count", line.count);
    take_positive(values, "interval", line.interval);
    take_positive(values, "timeout", line.timeout);
    take_question(values, line.question);
    if (values.count("words") != 0) take_words(values["words"].as<std::vector<std::string>>(), line);
    if (line.command == "explain" && !line.help && !line.version) require_ends(line);
    return line;
}

std::string help_of(const std::string& name) {
    std::ostringstream text;
    if (const Command* command = find_command(name)) {
        text << "Usage: viaductctl " << command->usage << " [options]\n" << command->purpose << "\n\n";
        text << command->options << '\n' << global_options() << "\nExamples:\n" << command->examples;
        return text.str();
    }
    text << "Usage: viaductctl [--socket PATH] [-j] COMMAND\n\n";
    for (const Command& command : commands()) text << "  " << command.usage << "\n      " << command.purpose << '\n';
    text << '\n' << global_options() << "\n`viaductctl COMMAND --help` has examples.\n";
    return text.str();
}

}  // namespace viaduct
