// Which command does what.
#include "control/viaductctl/viaductctl.h"

#include <ostream>

#include "control/viaductctl/command_line.h"
#include "control/viaductctl/explain.h"
#include "control/viaductctl/top.h"
#include "control/viaductctl/wait.h"

namespace viaduct {
namespace {

enum ExitCode : int { done = 0, failed = 1, misused = 2 };

void print_version(const CommandLine& line, const Client& client, std::ostream& out) {
    const Json client_version = VIADUCT_VERSION;
    Json answer;
    try {
        answer = client.get("/v1/version");
    } catch (const CommandError& error) {
        answer = {{"error", error.what()}};
    }
    if (line.show.json) {
        out << Json{{"viaductctl", client_version}, {"gateway", answer}}.dump(2) << '\n';
        return;
    }
    const bool reached = answer.contains("version");
    out << "viaductctl " << VIADUCT_VERSION << '\n'
        << "gateway    " << answer[reached ? "version" : "error"].get<std::string>() << '\n';
}

void run(const CommandLine& line, bool terminal, std::ostream& out) {
    const Client client(line.socket);
    if (line.version) {
        print_version(line, client, out);
    } else if (line.command == "show") {
        show(line.subject, line.show, client, out);
    } else if (line.command == "top") {
        const bool redraw = terminal && !line.show.json;
        top({line.show.json, redraw, line.count, std::chrono::duration<double>(line.interval)}, client, out);
    } else if (line.command == "explain") {
        explain(line.question, line.show.json, client, out);
    } else {
        wait_until_ready(std::chrono::duration<double>(line.timeout), line.show.json, client, out);
    }
}

}  // namespace

int run_viaductctl(const std::vector<std::string>& arguments, bool terminal, std::ostream& out, std::ostream& err) {
    try {
        const CommandLine line = read_command_line(arguments);
        if (line.help) {
            out << help_of(line.command);
            return done;
        }
        if (line.command.empty() && !line.version) {
            err << help_of("");
            return misused;
        }
        run(line, terminal, out);
        return done;
    } catch (const UsageError& error) {
        err << "viaductctl: " << error.what() << "\nTry `viaductctl --help`.\n";
        return misused;
    } catch (const CommandError& error) {
        err << "viaductctl: " << error.what() << '\n';
        if (!error.remedy().empty()) err << "  " << error.remedy() << '\n';
        return failed;
    } catch (const std::exception& error) {
        err << "viaductctl: the gateway's answer is not understood (" << error.what()
            << ")\n  compare the versions: viaductctl --version\n";
        return failed;
    }
}

}  // namespace viaduct
