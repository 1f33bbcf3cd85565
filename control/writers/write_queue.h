// What the API server is still to be told: one request in flight for each object, the newest wins, failures are
// retried.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/sources/kubernetes/backoff.h"
#include "control/sources/kubernetes/transport.h"
#include "control/status.h"
#include "control/writers/api_writer.h"

namespace viaduct {

/// How long a request is tried again that the server refuses. An outage costs no try.
enum class Effort : std::uint8_t { until_done, a_few_tries };

/// Control thread only.
class WriteQueue {
public:
    /// A successful request is not repeated for so long: the watch has yet to show what it did. Each repetition waits
    /// twice as long, so that a server that ignores a field, or somebody who contradicts us, is not fought all day.
    static constexpr std::chrono::seconds echo{10}, longest_echo{600};
    static constexpr std::size_t most_in_flight = 8;
    static constexpr unsigned few_tries = 3;

    WriteQueue(ApiWriter& api, Timing timing);

    /// `object` names it in findings, as in "Service shop/web".
    void put(const std::string& object, const ApiRequest& request, Effort effort = Effort::until_done);
    /// Whatever waits for this object is no longer true.
    void drop(const std::string& object);
    /// Nor is anything else.
    void drop_all();
    /// Sends what is due.
    void run();
    /// When `run` has something to do again; nothing: when an answer comes or something is put.
    [[nodiscard]] std::optional<TimePoint> due() const;
    [[nodiscard]] bool idle() const;
    /// What the server refuses: of refusals with one remedy only the first.
    [[nodiscard]] std::vector<Finding> findings() const;

private:
    struct State;
    std::shared_ptr<State> state_;  // answers that come after the queue is gone find nothing
};

}  // namespace viaduct
