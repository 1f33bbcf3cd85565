// Starting, asking and ending a gateway.
#include "bench/rig/gateway.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "bench/rig/disturbance.h"
#include "bench/rig/files.h"
#include "control/viaductctl/wait.h"
#include "encap/net_text.h"

namespace viaduct::rig {
namespace {

constexpr std::chrono::milliseconds poll{20};
constexpr int polls_before_kill = 250;
constexpr std::chrono::milliseconds idle_look{200};
constexpr unsigned most_looks = 50;

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
    difference.sleeps -= before.sleeps;
    difference.ran -= before.ran;
    difference.received -= before.received;
    difference.timed_packets -= before.timed_packets;
    for (std::size_t i = 0; i < difference.stages.size() && i < before.stages.size(); ++i)
        difference.stages[i].cycles -= before.stages[i].cycles;
    return difference;
}

double GatewayCounts::cycles_per_packet() const {
    double cycles = 0;
    for (const Stage& stage : stages) cycles += static_cast<double>(stage.cycles);
    return timed_packets == 0 ? 0 : cycles / static_cast<double>(timed_packets);
}

void Gateway::wait_until_ready(double seconds) const {
    std::ostringstream nowhere;
    viaduct::wait_until_ready(std::chrono::duration<double>(seconds), true, client_, nowhere);
}

void Gateway::look_at_its_workers() {
    threads_ = worker_threads(client_.get("/v1/version")["pid"]);
    const GatewayCounts before = counts();
    for (unsigned look = 0; look < most_looks && !idle_turn_; ++look) {  // a worker may wait for its CPU
        std::this_thread::sleep_for(idle_look);
        const GatewayCounts idle = counts() - before;
        if (idle.sleeps != 0 || threads_.empty()) return;
        if (idle.turns > idle.busy_turns && idle.ran > 0) idle_turn_ = idle.ran / static_cast<double>(idle.turns);
    }
}

std::optional<double> Gateway::busy_seconds(const GatewayCounts& during) const {
    if (!idle_turn_ || during.sleeps != 0) return std::nullopt;
    return std::max(0.0, during.ran - *idle_turn_ * static_cast<double>(during.turns - during.busy_turns));
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
        counts.sleeps += worker["sleeps"].get<std::uint64_t>();
    }
    for (const auto& thread : threads_) counts.ran += thread_time(thread).ran;
    for (const Json& row : stages["stages"]) {
        const std::string stage = row["stage"];
        if (row["worker"] == 0) counts.stages.push_back({stage});
        for (GatewayCounts::Stage& one : counts.stages)
            if (one.name == stage) one.cycles += row["cycles"].get<std::uint64_t>();
        if (stage == "transmit") counts.timed_packets += row["timed_packets"].get<std::uint64_t>();
    }
    return counts;
}

std::vector<unsigned> Gateway::worker_cpus() const {
    std::vector<unsigned> cpus;
    const Json answer = client_.get("/v1/workers");
    for (const Json& worker : answer["workers"]) cpus.push_back(worker["cpu"]);
    return cpus;
}

Mac Gateway::port_mac(Side side) const {
    const std::string name = side_names[static_cast<std::size_t>(side)];
    const Json answer = client_.get("/v1/ports");
    for (const Json& port : answer["ports"])
        if (port["name"] == name)
            if (const auto mac = parse_mac(port["mac"].get<std::string>())) return *mac;
    throw CommandError("the gateway has no port that is called " + name,
                       "run it with the configuration that `viaduct-bench rig --prepare DIR` writes");
}

void Gateway::wait_for_peers(std::size_t wanted) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(start_seconds);
    std::size_t reachable = reachable_peers();
    for (; reachable != wanted && std::chrono::steady_clock::now() < deadline; reachable = reachable_peers())
        std::this_thread::sleep_for(poll);
    if (reachable != wanted)
        throw CommandError("the gateway reaches " + std::to_string(reachable) + " peers, and the rig speaks for " +
                               std::to_string(wanted),
                           "give --peers as with --prepare, and its kernel the addresses: ip -batch DIR/kernel.ip");
}

void Gateway::wait_for_service(const std::string& name) const {
    wait_for([&] { return has_service(name); }, start_seconds,
             "the gateway has the Service " + name + " of its directory of objects");
}

bool Gateway::has_service(const std::string& name) const {
    const Json answer = client_.list("services");
    return std::ranges::any_of(answer["services"], [&](const Json& service) {
        return service["name"].get<std::string>().find(name) != std::string::npos;
    });
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
