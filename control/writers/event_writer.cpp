// Tells the cluster what its operators must know.
#include "control/writers/event_writer.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "control/writers/lease.h"

namespace viaduct {

namespace {

// Bytes; the API server refuses more.
constexpr std::size_t longest_note = 1024, longest_reporter = 128;
constexpr std::size_t longest_name = 200;  // of the 253 that an Event's own may have

const char* reason_of(Severity severity) {
    switch (severity) {
        case Severity::note:
            return "GatewayNote";
        case Severity::warning:
            return "GatewayWarning";
        case Severity::error:
            break;
    }
    return "GatewayError";
}

/// As much as fits, without half of a UTF-8 character at the end.
std::string cut(std::string text, std::size_t most) {
    if (text.size() <= most) return text;
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
    return text;
}

/// The beginning of an Event's name, which must be a subdomain by RFC 1123 even if a host's name is none.
std::string name_from(std::string text) {
    text.resize(std::min(text.size(), longest_name));
    for (char& c : text) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.') c = '-';
    }
    const std::size_t first = text.find_first_not_of("-."), last = text.find_last_not_of("-.");
    return first == std::string::npos ? "viaduct" : text.substr(first, last - first + 1);
}

}  // namespace

EventTarget event_target(const std::string& subject, const std::string& gateway_node) {
    static const std::map<std::string, std::string> versions{{"Service", "v1"},
                                                             {"Node", "v1"},
                                                             {"ConfigMap", "v1"},
                                                             {"Endpoints", "v1"},
                                                             {"EndpointSlice", "discovery.k8s.io/v1"},
                                                             {"IPPool", "crd.projectcalico.org/v1"},
                                                             {"BlockAffinity", "crd.projectcalico.org/v1"},
                                                             {"IPAMBlock", "crd.projectcalico.org/v1"},
                                                             {"FelixConfiguration", "crd.projectcalico.org/v1"},
                                                             {"CiliumNode", "cilium.io/v2"}};
    const std::size_t space = subject.find(' ');
    const auto version = versions.find(subject.substr(0, space));
    if (space == std::string::npos || version == versions.end()) return {"v1", "Node", "", gateway_node, ""};
    // A Service's finding may name a port behind a colon; names have none.
    const std::string path = subject.substr(space + 1, subject.find(':') - space - 1);
    const std::size_t slash = path.find('/');
    if (slash == std::string::npos) return {version->second, version->first, "", path, ""};
    return {version->second, version->first, path.substr(0, slash), path.substr(slash + 1), ""};
}

EventWriter::EventWriter(WriteQueue& queue, Timing timing, std::string gateway_node)
    : queue_(queue), timing_(std::move(timing)), gateway_node_(std::move(gateway_node)), filled_at_(timing_.now()) {}

void EventWriter::update(std::span<const Finding> findings, const UidOf& uid_of) {
    const TimePoint now = timing_.now();
    for (const Finding& finding : findings) {
        const auto place = states_.try_emplace({finding.subject, finding.text}, State{finding, now, now}).first;
        place->second.last = now;
    }
    std::erase_if(states_,
                  [&](const auto& one) { return now - one.second.last > (one.second.told ? memory : settling); });
    for (auto& [remedy, states] : ripe_by_remedy(now)) {
        const bool together = states.size() > most_alike;
        for (State* state : states) {
            if (!take_token(now)) return;
            const Finding& finding = state->finding;
            EventTarget target = event_target(together ? "" : finding.subject, gateway_node_);
            target.uid = uid_of(target);
            const std::string note = finding.text + " (" + finding.remedy + ")";
            tell(
                target, finding.severity,
                together ? std::to_string(states.size()) + " alike, the first: " + finding.subject + " " + note : note);
            state->told = true;
            if (together) break;
        }
        if (together)
            for (State* state : states) state->told = true;
    }
}

std::map<std::string, std::vector<EventWriter::State*>> EventWriter::ripe_by_remedy(TimePoint now) {
    std::map<std::string, std::vector<State*>> ripe;
    for (auto& [key, state] : states_)
        if (!state.told && state.last == now && now - state.since >= settling)
            ripe[state.finding.remedy].push_back(&state);
    return ripe;
}

bool EventWriter::take_token(TimePoint now) {
    tokens_ = std::min(burst, tokens_ + per_second * std::chrono::duration<double>(now - filled_at_).count());
    filled_at_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
}

void EventWriter::tell(const EventTarget& target, Severity severity, const std::string& note) {
    const auto now = std::chrono::system_clock::now();
    // Events about what has no namespace are kept in this one.
    const std::string name_space = target.name_space.empty() ? "default" : target.name_space;
    const std::string name = name_from(target.name) + "." + std::to_string(now.time_since_epoch().count()) + "." +
                             std::to_string(++written_);
    nlohmann::json regarding = {{"apiVersion", target.api_version}, {"kind", target.kind}, {"name", target.name}};
    if (!target.name_space.empty()) regarding["namespace"] = target.name_space;
    if (!target.uid.empty()) regarding["uid"] = target.uid;
    const nlohmann::json event = {{"apiVersion", "events.k8s.io/v1"},
                                  {"kind", "Event"},
                                  {"metadata", {{"namespace", name_space}, {"name", name}}},
                                  {"eventTime", micro_time(now)},
                                  {"reportingController", "viaduct.dev/gateway"},
                                  {"reportingInstance", cut(gateway_node_, longest_reporter)},
                                  {"action", "Forward"},
                                  {"reason", reason_of(severity)},
                                  {"regarding", regarding},
                                  {"note", cut(note, longest_note)},
                                  {"type", severity == Severity::note ? "Normal" : "Warning"}};
    queue_.put("Event " + name_space + "/" + name,
               {"POST", "/apis/events.k8s.io/v1/namespaces/" + name_space + "/events", json_body,
                event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)},
               Effort::a_few_tries);
}

}  // namespace viaduct
