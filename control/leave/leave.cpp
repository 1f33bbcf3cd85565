// Leaves every cluster that the configuration names.
#include "control/leave/leave.h"

#include <algorithm>
#include <ostream>
#include <stdexcept>

#include "control/api/socket_path.h"

namespace viaduct {

namespace {

const NetworkConfig& network_of(const SourceConfig& source, const Config& config) {
    const auto named = std::ranges::find(config.networks, source.network, &NetworkConfig::name);
    return named == config.networks.end() ? config.networks.front() : *named;
}

void leave_source(const Config& config, const SourceConfig& source, Farewell& farewell) {
    try {
        if (source.type == "kubernetes") leave_cluster(config, source, network_of(source, config), farewell);
        if (source.type == "flannel-etcd") leave_etcd(source, network_of(source, config), farewell);
    } catch (const std::runtime_error& wrong) {
        farewell.problems.push_back({Severity::error, "source " + source.name, wrong.what(), "then leave again"});
    }
}

}  // namespace

Farewell leave(const Config& config) {
    Farewell farewell;
    if (is_served(config.socket)) {
        farewell.problems.push_back({Severity::error, "socket " + config.socket,
                                     "a gateway is running: it would write anew what is taken back",
                                     "stop it first, as by systemctl disable --now viaduct"});
        return farewell;
    }
    for (const SourceConfig& source : config.sources) leave_source(config, source, farewell);
    return farewell;
}

int run_leave(const Config& config, std::ostream& out, std::ostream& err) {
    const Farewell farewell = leave(config);
    for (const std::string& line : farewell.done) out << line << '\n';
    for (const Finding& one : farewell.problems)
        err << "viaduct: " << one.subject << ": " << one.text << " (" << one.remedy << ")\n";
    if (farewell.done.empty() && farewell.problems.empty()) out << "nothing of the gateway is left in any cluster\n";
    return farewell.problems.empty() ? 0 : 1;
}

}  // namespace viaduct
