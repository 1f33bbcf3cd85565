// Polls the gateway's readiness.
#include "control/viaductctl/wait.h"

#include <optional>
#include <ostream>
#include <thread>

namespace viaduct {
namespace {

constexpr std::chrono::milliseconds pause{50};

std::string missing(const Json& status) {
    for (const Json& source : status["sources"]) {
        if (!source["synced"].get<bool>()) return "source " + source["name"].get<std::string>() + " is not read yet";
    }
    return "nothing was published yet";
}

/// What the gateway still lacks, or nothing when it is ready.
std::optional<CommandError> look(const Client& client, Json& status) {
    try {
        status = client.get("/v1/sources");
        if (status.value("ready", false)) return std::nullopt;
        return CommandError("the gateway is not ready: " + missing(status), "see `viaductctl show sources`");
    } catch (const CommandError& error) {
        return error;
    }
}

}  // namespace

void wait_until_ready(std::chrono::duration<double> timeout, bool json, const Client& client, std::ostream& out) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    Json status;
    while (const auto problem = look(client, status)) {
        if (std::chrono::steady_clock::now() >= end) throw *problem;
        std::this_thread::sleep_for(pause);
    }
    if (json)
        out << status.dump(2) << '\n';
    else
        out << "ready: snapshot " << status["version"].dump() << '\n';
}

}  // namespace viaduct
