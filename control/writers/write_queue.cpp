// What the API server is still to be told.
#include "control/writers/write_queue.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "control/writers/refusal.h"

namespace viaduct {

namespace {

constexpr std::chrono::seconds between_clearings{60};

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
        Effort effort = Effort::until_done;
        unsigned refusals = 0;  // in a row
        Backoff backoff;
        [[nodiscard]] bool is_over(TimePoint now) const {
            return !wanted && !in_flight && now > said_at + longest_echo;
        }
    };

    State(ApiWriter& writer, Timing clock) : api(writer), timing(std::move(clock)) {}

    void want(const std::string& object, Entry& entry, std::optional<ApiRequest> request) {
        entry.wanted = std::move(request);
        if (entry.wanted && !entry.in_flight)
            waiting.insert(object);
        else
            waiting.erase(object);
    }

    void send(const std::string& object, Entry& entry) {
        entry.in_flight = std::move(entry.wanted);
        entry.wanted.reset();
        ++in_flight;
        api.send(*entry.in_flight, [weak = std::weak_ptr(self), object](const ApiAnswer& answer) {
            if (const auto alive = weak.lock()) alive->take(object, answer);
        });
    }

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
        if (is_settled(request, answer))
            settle(object, entry, request);
        else if (!entry.dropped)
            retry(object, entry, request, answer);
        want(object, entry, std::move(entry.wanted));
    }

    void settle(const std::string& object, Entry& entry, const ApiRequest& request) {
        entry.patience = entry.said == request ? std::min(entry.patience * 2, longest_echo) : echo;
        entry.said = request;
        entry.said_at = timing.now();
        entry.backoff.reset();
        entry.refusals = 0;
        problems.erase(object);
    }

    void retry(const std::string& object, Entry& entry, const ApiRequest& request, const ApiAnswer& answer) {
        if (!is_outage(answer)) {
            entry.not_before = timing.now() + entry.backoff.next(timing.random());
            problems.insert_or_assign(object, refusal(object, request, answer));
            if (++entry.refusals >= few_tries && entry.effort == Effort::a_few_tries) {
                entry.said_at = timing.now();  // forgotten, and no problem any more, as if it had been said
                return;
            }
        }
        if (!entry.wanted) entry.wanted = request;
    }

    /// What was said long ago needs no memory.
    void clear() {
        const TimePoint now = timing.now();
        if (now < next_clearing) return;
        next_clearing = now + between_clearings;
        std::erase_if(entries, [&](const auto& one) {
            if (one.second.is_over(now)) problems.erase(one.first);
            return one.second.is_over(now);
        });
    }

    ApiWriter& api;
    const Timing timing;
    std::weak_ptr<State> self;
    std::map<std::string, Entry> entries;
    std::set<std::string> waiting;  // the entries with something wanted and nothing in flight
    std::map<std::string, Finding> problems;
    std::size_t in_flight = 0;
    Backoff backoff;         // of the server as a whole
    TimePoint not_before{};  // for any request
    TimePoint next_clearing{};
};

WriteQueue::WriteQueue(ApiWriter& api, Timing timing) : state_(std::make_shared<State>(api, std::move(timing))) {
    state_->self = state_;
}

void WriteQueue::put(const std::string& object, const ApiRequest& request, Effort effort) {
    State::Entry& entry = state_->entries[object];
    entry.dropped = false;
    entry.effort = effort;
    state_->want(object, entry, {});
    if (entry.in_flight == request) return;
    const bool echoes = entry.said == request && state_->timing.now() < entry.said_at + entry.patience;
    if (!echoes || entry.in_flight) state_->want(object, entry, request);
}

void WriteQueue::drop(const std::string& object) {
    const auto found = state_->entries.find(object);
    if (found == state_->entries.end()) return;
    state_->want(object, found->second, {});
    state_->problems.erase(object);
    found->second.dropped = true;
}

void WriteQueue::drop_all() {
    for (auto& [object, entry] : state_->entries) {
        state_->want(object, entry, {});
        entry.dropped = true;
    }
    state_->problems.clear();
}

void WriteQueue::run() {
    State& state = *state_;
    const TimePoint now = state.timing.now();
    if (now < state.not_before) return;
    state.clear();
    for (auto next = state.waiting.begin(); next != state.waiting.end() && state.in_flight < most_in_flight;) {
        State::Entry& entry = state.entries[*next];
        if (now < entry.not_before) {
            ++next;
            continue;
        }
        state.send(*next, entry);
        next = state.waiting.erase(next);
    }
}

std::optional<TimePoint> WriteQueue::due() const {
    std::optional<TimePoint> first;
    if (state_->in_flight >= most_in_flight) return first;
    for (const std::string& object : state_->waiting) {
        const TimePoint at = std::max(state_->entries[object].not_before, state_->not_before);
        first = first ? std::min(*first, at) : at;
    }
    return first;
}

bool WriteQueue::idle() const { return state_->waiting.empty() && state_->in_flight == 0; }

std::vector<Finding> WriteQueue::findings() const {
    std::vector<Finding> findings;
    for (const auto& [object, problem] : state_->problems)
        if (std::ranges::find(findings, problem.remedy, &Finding::remedy) == findings.end())
            findings.push_back(problem);
    return findings;
}

}  // namespace viaduct
