// etcd's JSON.
#include "control/sources/flannel_etcd/etcd_json.h"

#include <nlohmann/json.hpp>

#include "control/sources/base64.h"

namespace viaduct {

namespace {

using nlohmann::json;

constexpr std::size_t longest_complaint = 300;

/// The first key behind all that begin with `prefix`.
std::string end_of(std::string prefix) {
    prefix.back() = static_cast<char>(prefix.back() + 1);
    return prefix;
}

/// The gateway writes 64-bit numbers as strings and leaves zeros out.
std::int64_t number(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return 0;
    return found->is_string() ? std::stoll(found->get<std::string>()) : found->get<std::int64_t>();
}

std::string bytes(const json& object, const char* name) {
    const auto decoded = from_base64(object.value(name, ""));
    if (!decoded) throw BadEtcdAnswer(std::string("its ") + name + " is no base64");
    return *decoded;
}

EtcdKeyValue key_value(const json& object) {
    return {bytes(object, "key"), bytes(object, "value"), number(object, "mod_revision"), number(object, "lease")};
}

EtcdHeader header_of(const json& answer) {
    const json& header = answer.at("header");
    return {header.value("cluster_id", ""), number(header, "revision")};
}

/// What nlohmann and stoll throw becomes one kind.
template <class Read>
auto reading(std::string_view text, Read read) {
    try {
        return read(json::parse(text));
    } catch (const json::exception& wrong) {
        throw BadEtcdAnswer(wrong.what());
    } catch (const std::logic_error&) {
        throw BadEtcdAnswer("a number is none");
    }
}

std::string conditional_request(const EtcdKeyValue& key, const json& change) {
    const json condition = {{"key", to_base64(key.key)},
                            {"target", "MOD"},
                            {"result", "EQUAL"},
                            {"mod_revision", std::to_string(key.changed)}};
    return json{{"compare", {condition}}, {"success", {change}}}.dump();
}

}  // namespace

std::string range_request(std::string_view prefix) {
    return json{{"key", to_base64(prefix)}, {"range_end", to_base64(end_of(std::string(prefix)))}}.dump();
}

std::string watch_request(std::string_view prefix, std::int64_t from_revision) {
    return json{{"create_request",
                 {{"key", to_base64(prefix)},
                  {"range_end", to_base64(end_of(std::string(prefix)))},
                  {"start_revision", std::to_string(from_revision)},
                  {"progress_notify", true}}}}
        .dump();
}

std::string grant_request(std::int64_t seconds) { return json{{"TTL", std::to_string(seconds)}}.dump(); }
std::string revoke_request(std::int64_t lease) { return json{{"ID", std::to_string(lease)}}.dump(); }

std::string put_request(const EtcdKeyValue& key) {
    return conditional_request(
        key, {{"request_put",
               {{"key", to_base64(key.key)}, {"value", to_base64(key.value)}, {"lease", std::to_string(key.lease)}}}});
}

std::string erase_request(const EtcdKeyValue& key) {
    return conditional_request(key, {{"request_delete_range", {{"key", to_base64(key.key)}}}});
}

std::string authenticate_request(const std::string& user, const std::string& password) {
    return json{{"name", user}, {"password", password}}.dump();
}

EtcdRange read_range(const std::string& body) {
    return reading(body, [](const json& answer) {
        EtcdRange range{header_of(answer), {}};
        for (const json& one : answer.value("kvs", json::array())) range.keys.push_back(key_value(one));
        return range;
    });
}

EtcdWatchMessage read_watch_message(std::string_view line) {
    return reading(line, [](const json& answer) {
        if (answer.contains("error")) throw BadEtcdAnswer(read_refusal(answer.at("error").dump()));
        const json& result = answer.at("result");
        EtcdWatchMessage message{header_of(result)};
        message.created = result.value("created", false);
        message.canceled = result.value("canceled", false);
        message.compacted = number(result, "compact_revision");
        message.cancel_reason = result.value("cancel_reason", "");
        for (const json& one : result.value("events", json::array()))
            message.events.push_back({one.value("type", "PUT") == "DELETE", key_value(one.at("kv"))});
        return message;
    });
}

std::int64_t read_grant(const std::string& body) {
    return reading(body, [](const json& answer) {
        if (!answer.contains("ID")) throw BadEtcdAnswer("the new lease has no ID");
        return number(answer, "ID");
    });
}

EtcdPut read_put(const std::string& body) {
    return reading(body, [](const json& answer) {
        return EtcdPut{answer.value("succeeded", false), header_of(answer).revision};
    });
}

std::string read_token(const std::string& body) {
    return reading(body, [](const json& answer) { return answer.at("token").get<std::string>(); });
}

std::string read_refusal(const std::string& body) {
    const json answer = json::parse(body, nullptr, false);
    for (const char* name : {"message", "error"})
        if (answer.is_object() && answer.contains(name) && answer[name].is_string())
            return answer[name].get<std::string>().substr(0, longest_complaint);
    return body.substr(0, std::min(body.find('\n'), longest_complaint));
}

}  // namespace viaduct
