// What the API server is still to be told.
#include "control/writers/write_queue.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace viaduct {

namespace {

/// The message of a Kubernetes Status, or whatever came.
std::string message_of(const ApiAnswer& answer) {
    const auto json = nlohmann::json::parse(answer.body, nullptr, false);
    if (json.is_object() && json.contains("message") && json["message"].is_string()) return json["message"];
    return answer.body.substr(0, 200);
}

Finding refusal(const std::string& object, const ApiRequest& request, const ApiAnswer& answer) {
    const std::string text = request.method + " " + request.path + " is refused: " + std::to_string(answer.status) +
                             " " + message_of(answer);
    if (answer.status == 401) return {Severity::error, object, text, "renew the gateway's credentials"};
    if (answer.status == 403)
        return {Severity::error, object, text, "grant this verb and resource to the gateway's role"};
    return {Severity::error, object, text, "it is tried again, in longer and longer intervals"};
}

/// Not this request's fault: the server is away, or overloaded.
bool is_outage(const ApiAnswer& answer) { return answer.status == 0 || answer.status == 429 || answer.status >= 500; }

/// Gone is gone, and what is to be created is there already.
bool is_settled(const ApiRequest& request, const ApiAnswer& answer) {
    return answer.good() || (answer.status == 404 && request.method != "POST") ||
           (answer.status == 409 && request.method == "POST");
}

}  // namespace

struct WriteQueue::State {
    struct Entry {
        std::optional<ApiRequest> wanted, in_flight, said;
        TimePoint said_at{}, not_before{};
        std::chrono::seconds patience = echo;  // before `said` is said again
        bool dropped = false;                  // not to be tried again
        Backoff backoff;
        std::optional<Finding> problem;
        [[nodiscard]] bool is_over(TimePoint now) const {
            return !wanted && !in_flight && !problem && now > said_at + longest_echo;
        }
    };

    State(ApiWriter& writer, Timing clock) : api(writer), timing(std::move(clock)) {}

    void take(const std::string& object, const ApiAnswer& answer) {
        const auto found = entries.find(object);
        --in_flight;
        if (found == entries.end()) return;
        Entry& entry = found->second;
        const ApiRequest request = std::move(*entry.in_flight);
        entry.in_flight.reset();
        if (is_outage(answer)) {
            not_before = timing.now() + std::max<Backoff::Duration>(backoff.next(timing.random()), answer.retry_after);
        } else {
            backoff.reset();
        }
        if (is_settled(request, answer)) return settle(entry, request);
        if (entry.dropped) return;
        if (!is_outage(answer)) {
            entry.not_before = timing.now() + entry.backoff.next(timing.random());
            entry.problem = refusal(object, request, answer);
        }
        if (!entry.wanted) entry.wanted = request;
    }

    void settle(Entry& entry, const ApiRequest& request) const {
        entry.patience = entry.said == request ? std::min(entry.patience * 2, longest_echo) : echo;
        entry.said = request;
        entry.said_at = timing.now();
        entry.backoff.reset();
        entry.problem.reset();
    }

    ApiWriter& api;
    const Timing timing;
    std::map<std::string, Entry> entries;
    std::size_t in_flight = 0;
    Backoff backoff;         // of the server as a whole
    TimePoint not_before{};  // for any request
};

WriteQueue::WriteQueue(ApiWriter& api, Timing timing) : state_(std::make_shared<State>(api, std::move(timing))) {}

void WriteQueue::put(const std::string& object, const ApiRequest& request) {
    State::Entry& entry = state_->entries[object];
    entry.dropped = false;
    entry.wanted.reset();
    if (entry.in_flight == request) return;
    const bool echoes = entry.said == request && state_->timing.now() < entry.said_at + entry.patience;
    if (!echoes || entry.in_flight) entry.wanted = request;
}

void WriteQueue::drop(const std::string& object) {
    const auto found = state_->entries.find(object);
    if (found == state_->entries.end()) return;
    found->second.wanted.reset();
    found->second.problem.reset();
    found->second.dropped = true;
}

void WriteQueue::run() {
    State& state = *state_;
    const TimePoint now = state.timing.now();
    if (now < state.not_before) return;
    std::erase_if(state.entries, [&](const auto& one) { return one.second.is_over(now); });
    for (auto& [object, entry] : state.entries) {
        if (state.in_flight >= most_in_flight) return;
        if (!entry.wanted || entry.in_flight || now < entry.not_before) continue;
        entry.in_flight = std::move(entry.wanted);
        entry.wanted.reset();
        ++state.in_flight;
        state.api.send(*entry.in_flight, [weak = std::weak_ptr(state_), object = object](const ApiAnswer& answer) {
            if (const auto alive = weak.lock()) alive->take(object, answer);
        });
    }
}

std::optional<TimePoint> WriteQueue::due() const {
    std::optional<TimePoint> first;
    if (state_->in_flight >= most_in_flight) return first;
    for (const auto& [object, entry] : state_->entries) {
        if (!entry.wanted || entry.in_flight) continue;
        const TimePoint at = std::max(entry.not_before, state_->not_before);
        first = first ? std::min(*first, at) : at;
    }
    return first;
}

bool WriteQueue::idle() const {
    return std::ranges::none_of(state_->entries,
                                [](const auto& one) { return one.second.wanted || one.second.in_flight; });
}

std::vector<Finding> WriteQueue::findings() const {
    std::vector<Finding> findings;
    for (const auto& [object, entry] : state_->entries)
        if (entry.problem) findings.push_back(*entry.problem);
    return findings;
}

}  // namespace viaduct
