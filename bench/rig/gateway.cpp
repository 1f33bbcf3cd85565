// Starting, asking and ending a gateway.
#include "bench/rig/gateway.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "control/viaductctl/wait.h"

namespace viaduct::rig {
namespace {

constexpr std::chrono::milliseconds poll{20};
constexpr int polls_before_kill = 250;

std::string end_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    constexpr std::size_t most = 1'500;
    return text.size() > most ? text.substr(text.size() - most) : text;
}

}  // namespace

GatewayCounts operator-(const GatewayCounts& after, const GatewayCounts& before) {
    GatewayCounts difference = after;
    for (auto& [name, count] : difference.drops)
        if (const auto at = before.drops.find(name); at != before.drops.end()) count -= at->second;
    std::erase_if(difference.drops, [](const auto& drop) { return drop.second == 0; });
    difference.turns -= before.turns;
    difference.busy_turns -= before.busy_turns;
    difference.received -= before.received;
    difference.timed_packets -= before.timed_packets;
    for (std::size_t i = 0; i < difference.stages.size() && i < before.stages.size(); ++i)
        difference.stages[i].cycles -= before.stages[i].cycles;
    return difference;
}

void Gateway::wait_until_ready(double seconds) const {
    std::ostringstream nowhere;
    viaduct::wait_until_ready(std::chrono::duration<double>(seconds), true, client_, nowhere);
}

GatewayCounts Gateway::counts() const {
    GatewayCounts counts;
    const Json totals = client_.get("/v1/totals");
    counts.received = totals["rx"];
    for (const auto& [name, count] : totals["drops"].items()) counts.drops[name] = count;
    const Json workers = client_.get("/v1/workers"), stages = client_.get("/v1/stages");
    for (const Json& worker : workers["workers"]) {
        counts.turns += worker["turns"].get<std::uint64_t>();
        counts.busy_turns += worker["busy_turns"].get<std::uint64_t>();
    }
    for (const Json& row : stages["stages"]) {
        const std::string stage = row["stage"];
        if (row["worker"] == 0) counts.stages.push_back({stage});
        for (GatewayCounts::Stage& one : counts.stages)
            if (one.name == stage) one.cycles += row["cycles"].get<std::uint64_t>();
        if (stage == "transmit") counts.timed_packets += row["timed_packets"].get<std::uint64_t>();
    }
    return counts;
}

std::size_t Gateway::reachable_peers() const {
    std::size_t reachable = 0;
    const Json answer = client_.list("peers");
    for (const Json& peer : answer["peers"]) reachable += peer["reachable"].get<bool>() ? 1U : 0U;
    return reachable;
}

GatewayProcess::GatewayProcess(const std::filesystem::path& program, const std::filesystem::path& config,
                               std::filesystem::path log)
    : log_(std::move(log)) {
    std::string path = program, option = "--config", file = config;
    std::vector<char*> arguments{path.data(), option.data(), file.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    const int error = posix_spawn(&process_, path.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        throw std::runtime_error("cannot start " + path + ": " + std::strerror(error) +
                                 "; --gateway names the program");
}

GatewayProcess::~GatewayProcess() {
    if (process_ == 0) return;
    kill(process_, SIGTERM);
    for (int i = 0; i < polls_before_kill; ++i) {
        if (waitpid(process_, nullptr, WNOHANG) != 0) return;
        std::this_thread::sleep_for(poll);
    }
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
}

void GatewayProcess::require_alive() {
    if (process_ != 0 && waitpid(process_, nullptr, WNOHANG) == 0) return;
    process_ = 0;
    throw std::runtime_error("the gateway has ended; the end of its log, " + log_.string() + ":\n" + end_of(log_));
}

}  // namespace viaduct::rig
