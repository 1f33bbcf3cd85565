// Tells the cluster what its operators must know: findings as Events, where `kubectl describe` shows them.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "control/writers/write_queue.h"

namespace viaduct {

/// What an Event is about. `uid` empty: unknown.
struct EventTarget {
    std::string api_version, kind, name_space, name, uid;
    bool operator==(const EventTarget&) const = default;
};

/// Of a finding's subject: "Service shop/web:http", "Node node2". Nothing of ours in the cluster: the gateway's own
/// Node.
[[nodiscard]] EventTarget event_target(const std::string& subject, const std::string& gateway_node);

/// Control thread only. Of several gateways only one writes: the leader.
class EventWriter {
public:
    /// What is gone again within the first is not told; what comes back within the second is not told again.
    static constexpr std::chrono::seconds settling{3}, memory{600};
    static constexpr double burst = 25, per_second = 0.5;
    static constexpr std::size_t most_alike = 10;  // with one remedy: more of them are told in one Event

    using UidOf = std::function<std::string(const EventTarget&)>;
    EventWriter(WriteQueue& queue, Timing timing, std::string gateway_node);
    /// Everything that is found now. `uid_of` may return "".
    void update(std::span<const Finding> findings, const UidOf& uid_of);

private:
    struct State {
        Finding finding;
        TimePoint since, last;
        bool told = false;
    };

    [[nodiscard]] std::map<std::string, std::vector<State*>> ripe_by_remedy(TimePoint now);
    void tell(const EventTarget& target, Severity severity, const std::string& note);
    [[nodiscard]] bool take_token(TimePoint now);

    WriteQueue& queue_;
    const Timing timing_;
    const std::string gateway_node_;
    std::map<std::pair<std::string, std::string>, State> states_;  // by subject and text
    double tokens_ = burst;
    TimePoint filled_at_{};
    std::uint64_t written_ = 0;
};

}  // namespace viaduct
