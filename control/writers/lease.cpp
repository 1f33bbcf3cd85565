// Who of several gateways writes.
#include "control/writers/lease.h"

#include <spdlog/fmt/chrono.h>

#include <nlohmann/json.hpp>

#include "control/sources/kubernetes/backoff.h"
#include "control/writers/refusal.h"

namespace viaduct {

namespace {

using nlohmann::json;

struct Record {
    std::string holder, renewed, version;
    std::string acquired;
    std::int64_t transitions = 0;
    std::chrono::seconds promised{};
    json metadata;  // labels, owners: what others wrote there stays
};

/// Throws json::exception.
Record record_of(const json& lease) {
    const json spec = lease.value("spec", json::object());
    Record record;
    record.holder = spec.value("holderIdentity", "");
    record.renewed = spec.value("renewTime", "");
    record.acquired = spec.value("acquireTime", "");
    record.transitions = spec.value("leaseTransitions", std::int64_t{0});
    record.promised = std::chrono::seconds(spec.value("leaseDurationSeconds", std::int64_t{0}));
    record.metadata = lease.value("metadata", json::object());
    record.metadata.erase("managedFields");
    record.version = record.metadata.value("resourceVersion", "");
    return record;
}

/// Nothing: it is no Lease.
std::optional<Record> read_record(const std::string& body) {
    try {
        return record_of(json::parse(body));
    } catch (const json::exception&) {
        return {};
    }
}

}  // namespace

struct LeaderLease::State : std::enable_shared_from_this<State> {
    State(ApiWriter& writer, Timing clock, Name what) : api(writer), timing(std::move(clock)), name(std::move(what)) {}

    [[nodiscard]] std::string collection() const {
        return "/apis/coordination.k8s.io/v1/namespaces/" + name.name_space + "/leases";
    }

    void send(const ApiRequest& request, void (State::*then)(const ApiAnswer&)) {
        in_flight = true;
        asked_at = timing.now();
        api.send(request, [weak = weak_from_this(), request, then](const ApiAnswer& answer) {
            const auto alive = weak.lock();
            if (!alive) return;
            alive->in_flight = false;
            alive->next = alive->timing.now() + std::max<Backoff::Duration>(retry, answer.retry_after) +
                          std::chrono::milliseconds(static_cast<int>(400 * alive->timing.random()));
            alive->judge(request, answer);
            ((*alive).*then)(answer);
        });
    }

    /// Missing, or just changed by another, is no refusal. A missing namespace is.
    void judge(const ApiRequest& request, const ApiAnswer& answer) {
        if (is_outage(answer)) return;
        const bool fine = answer.good() || answer.status == 409 || (answer.status == 404 && request.method != "POST");
        problem =
            fine ? std::nullopt : std::optional(refusal("Lease " + name.name_space + "/" + name.name, request, answer));
        if (problem && answer.status == 404)
            problem->remedy = "create the namespace, or name a Lease in another by the source's key lease";
    }

    void look() { send({"GET", collection() + "/" + name.name, "", ""}, &State::seen); }

    void seen(const ApiAnswer& answer) {
        if (answer.status == 404 && !released) return write(Record{});
        if (!answer.good()) return;
        // One that is unreadable is nobody's, and not ours to take.
        if (const auto record = read_record(answer.body)) take_sight_of(*record);
    }

    void take_sight_of(const Record& record) {
        if (record.version != known.version) {
            known = record;
            changed_at = timing.now();
        }
        const bool abandoned = record.holder.empty() || timing.now() >= changed_at + record.promised;
        if (!released && (record.holder == name.holder || abandoned)) write(record);
    }

    /// The Lease that was read, with us as its holder; a new one when its version is empty.
    void write(const Record& before) {
        const std::string now = micro_time(std::chrono::system_clock::now());
        const bool ours = before.holder == name.holder;
        json lease = {{"apiVersion", "coordination.k8s.io/v1"},
                      {"kind", "Lease"},
                      {"metadata", {{"namespace", name.name_space}, {"name", name.name}}},
                      {"spec",
                       {{"holderIdentity", released ? "" : name.holder},
                        {"leaseDurationSeconds", released ? 1 : duration.count()},
                        {"acquireTime", ours && !before.acquired.empty() ? before.acquired : now},
                        {"renewTime", now},
                        {"leaseTransitions", before.transitions + (ours || before.version.empty() ? 0 : 1)}}}};
        if (before.version.empty()) return send({"POST", collection(), json_body, lease.dump()}, &State::written);
        lease["metadata"].update(before.metadata);
        send({"PUT", collection() + "/" + name.name, json_body, lease.dump()}, &State::written);
    }

    void written(const ApiAnswer& answer) {
        const auto record = answer.good() ? read_record(answer.body) : std::nullopt;
        // Refused, lost or unclear: the next look tells what became of it.
        if (!record) return known.version.clear();
        known = *record;
        changed_at = timing.now();
        if (!released)
            held_until = asked_at + renew_deadline;
        else
            let_go();
    }

    /// Once only, and not while a renewal is under way: the server would refuse the one that comes second.
    void let_go() {
        if (in_flight || known.version.empty() || known.holder != name.holder || std::exchange(gone, true)) return;
        write(known);
    }

    ApiWriter& api;
    const Timing timing;
    const Name name;
    Record known;  // as it was last seen
    TimePoint changed_at{}, asked_at{}, next{};
    TimePoint held_until{};  // the leader until then
    bool in_flight = false, released = false, gone = false;
    std::optional<Finding> problem;
};

LeaderLease::LeaderLease(ApiWriter& api, Timing timing, Name name)
    : state_(std::make_shared<State>(api, std::move(timing), std::move(name))) {}

bool LeaderLease::leads() const { return !state_->released && state_->timing.now() < state_->held_until; }

void LeaderLease::run() {
    State& state = *state_;
    if (state.in_flight || state.released || state.timing.now() < state.next) return;
    if (leads() && !state.known.version.empty())
        state.write(state.known);
    else
        state.look();
}

TimePoint LeaderLease::due() const { return state_->in_flight || state_->released ? TimePoint::max() : state_->next; }

void LeaderLease::release() {
    state_->released = true;
    state_->held_until = {};
    state_->let_go();
}

bool LeaderLease::idle() const { return !state_->in_flight; }

std::string LeaderLease::holder() const { return state_->known.holder; }

std::optional<Finding> LeaderLease::problem() const { return state_->problem; }

std::string micro_time(std::chrono::system_clock::time_point when) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(when);
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(when - seconds).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                       micros);
}

}  // namespace viaduct
