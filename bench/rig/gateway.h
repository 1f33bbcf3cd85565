// The device under test: a gateway that is started here, or runs already, and what it says of itself.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/rig/site.h"
#include "control/viaductctl/client.h"

namespace viaduct::rig {

/// The difference between two of these is what happened between them.
struct GatewayCounts {
    std::map<std::string, std::uint64_t> drops{};
    std::uint64_t turns = 0, busy_turns = 0, sleeps = 0;  // of all workers
    double ran = 0;                                       // seconds that they had their CPUs, if they can be seen
    std::uint64_t received = 0;
    struct Stage {
        std::string name{};
        std::uint64_t cycles = 0;
    };
    std::vector<Stage> stages{};  // over all workers
    std::uint64_t timed_packets = 0;

    /// TSC cycles per packet of all stages, as sampled.
    [[nodiscard]] double cycles_per_packet() const;
};
[[nodiscard]] GatewayCounts operator-(const GatewayCounts& after, const GatewayCounts& before);

/// The running gateway, by its local API. All of it throws CommandError.
class Gateway {
public:
    explicit Gateway(std::string socket) : client_(std::move(socket)) {}
    void wait_until_ready(double seconds) const;
    /// Finds its workers' threads, and what a turn that finds nothing takes. Only while there is no traffic.
    void look_at_its_workers();
    [[nodiscard]] GatewayCounts counts() const;
    [[nodiscard]] std::string version() const { return client_.get("/v1/version")["version"]; }
    /// The CPUs of its workers, one for each.
    [[nodiscard]] std::vector<unsigned> worker_cpus() const;
    [[nodiscard]] std::size_t workers() const { return worker_cpus().size(); }
    /// The scheduler's files of its workers; none when it runs in a container of its own, say.
    [[nodiscard]] const std::vector<std::filesystem::path>& threads() const noexcept { return threads_; }
    /// The seconds of all workers that turns took which found frames. nullopt: they sleep when idle, or cannot be seen.
    [[nodiscard]] std::optional<double> busy_seconds(const GatewayCounts& during) const;
    /// Of its port with the side's name.
    [[nodiscard]] Mac port_mac(Side side) const;
    /// Until it knows the Ethernet addresses of so many.
    void wait_for_peers(std::size_t wanted) const;
    /// Until it has a Service of this name.
    void wait_for_service(const std::string& name) const;

private:
    [[nodiscard]] std::size_t reachable_peers() const;
    [[nodiscard]] bool has_service(const std::string& name) const;

    Client client_;
    std::vector<std::filesystem::path> threads_;
    std::optional<double> idle_turn_;  // seconds
};

/// A gateway of our own, in this process's network namespace; it ends with this.
class GatewayProcess {
public:
    /// Its log goes to a file. Throws std::runtime_error.
    GatewayProcess(const std::filesystem::path& program, const std::filesystem::path& config,
                   std::filesystem::path log);
    ~GatewayProcess();
    GatewayProcess(const GatewayProcess&) = delete;
    GatewayProcess& operator=(const GatewayProcess&) = delete;
    /// Throws std::runtime_error with the end of its log when it has ended.
    void require_alive();

private:
    pid_t process_ = 0;
    std::filesystem::path log_;
};

}  // namespace viaduct::rig
