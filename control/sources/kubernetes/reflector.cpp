// List and watch, by the API's rules for clients (kubernetes.io, "Kubernetes API Concepts").
#include "control/sources/kubernetes/reflector.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "control/sources/kubernetes/resource_version.h"

namespace viaduct {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds answer_time{30};    // for an answer to begin, and for each next part of a list
constexpr seconds end_mark_time{10};  // of silence before the mark that ends the initial events
constexpr seconds least_watch{300};   // asked for; up to twice as long, so that not all watches end at once
constexpr seconds healthy_after{5};   // a watch that lasted so long ended normally
constexpr unsigned most_broken = 3;   // unreadable streams in a row before the list is read again
constexpr std::size_t longest_error = 65'536;
constexpr std::size_t longest_line = 64U << 20U;

}  // namespace

Reflector::Reflector(std::string owner, Resource resource, ApiTransport& transport, ObjectSink& sink,
                     const Timing& timing)
    : owner_(std::move(owner)), resource_(std::move(resource)), transport_(transport), sink_(sink), timing_(timing) {
    status_.name = resource_.title();
}

void Reflector::tick() {
    const TimePoint now = timing_.now();
    if (failing_ && phase_ == Phase::watch && http_status_ == 200 && now >= began_ + healthy_after) well();
    if (now < due_) return;
    if (phase_ == Phase::wait)
        begin();
    else
        timed_out();
}

TimePoint Reflector::due() const {
    if (failing_ && phase_ == Phase::watch && http_status_ == 200) return std::min(due_, began_ + healthy_after);
    return due_;
}

ResourceStatus Reflector::status() const {
    ResourceStatus status = status_;
    status.synced = synced_;
    status.version = version_;
    status.malformed = object_errors_.size();
    return status;
}

void Reflector::begin() {
    phase_ = Phase::wait;
    if (!transport_.ready()) {
        due_ = timing_.now() + credentials_time;
        return;
    }
    watch_time_ = least_watch + std::chrono::duration_cast<seconds>(least_watch * timing_.random());
    const std::string time = "&timeoutSeconds=" + std::to_string(watch_time_.count());
    if (!version_.empty())
        request(Phase::watch, "watch=1&resourceVersion=" + url_encoded(version_) + "&allowWatchBookmarks=true" + time);
    else if (watch_list_)
        request(Phase::watch_list,
                "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true" + time);
    else if (!continuation_.empty())
        request(Phase::list, "limit=500&continue=" + url_encoded(continuation_));
    else
        request(Phase::list, chunks_ ? "limit=500" : "");
}

void Reflector::request(Phase phase, const std::string& parameters) {
    const bool begins_list = phase == Phase::watch_list || (phase == Phase::list && continuation_.empty());
    // A new stream brings nothing that happened before it, so what was gone by then need not be remembered.
    std::erase_if(held_, [](const auto& one) { return one.second.gone; });
    if (begins_list) {
        seen_.clear();
        last_list_ = timing_.now();
        ++status_.lists;
    }
    if (phase == Phase::watch) {
        ++status_.watches;
        known_version_ = version_;
    }
    phase_ = phase;
    http_status_ = 0;
    body_.clear();
    lines_.clear();
    began_ = timing_.now();
    due_ = began_ + answer_time;
    exchange_ = transport_.get(resource_.path(parameters), *this, std::exchange(fresh_, false));
}

void Reflector::relist() {
    version_.clear();
    continuation_.clear();
    phase_ = Phase::wait;
    exchange_.reset();
    due_ = timing_.now();
}

void Reflector::on_response(int status, seconds retry_after) {
    http_status_ = status;
    retry_after_ = retry_after;
    due_ = timing_.now() + answer_time;
    if (status == 200) heard();
}

/// Something came: more time for the next.
void Reflector::heard() {
    if (http_status_ == 200) status_.last_heard = std::chrono::system_clock::now();
    if (phase_ == Phase::watch)
        due_ = began_ + watch_time_ + answer_time;
    else
        due_ = timing_.now() + (phase_ == Phase::watch_list ? end_mark_time : answer_time);
}

void Reflector::on_data(std::string_view data) {
    heard();
    if (http_status_ != 200 || phase_ == Phase::list) {
        if (http_status_ == 200 || body_.size() < longest_error) body_ += data;
        return;
    }
    lines_.add(data);
    try {
        while (const auto line = lines_.next()) {
            take_event(reader_.read_event(resource_.kind, *line));
            if (exchange_ == nullptr) return;  // the event ended the watch
        }
    } catch (const BadAnswer& wrong) {
        return broken(std::string("the watch sent ") + wrong.what());
    }
    if (lines_.pending() > longest_line) broken("the watch sent an event of more than 64 MiB");
}

void Reflector::on_end(const std::string& error) {
    exchange_.reset();
    if (!error.empty()) return fail(error);
    if (http_status_ != 200) return refused(reader_.read_status(http_status_, body_));
    if (phase_ == Phase::list) return finish_chunk();
    finish_stream();
}

void Reflector::finish_chunk() {
    ListChunk chunk;
    try {
        chunk = reader_.read_list(resource_.kind, body_);
    } catch (const BadAnswer& wrong) {
        return fail(std::string("the list is ") + wrong.what());
    }
    body_.clear();
    for (const ReadItem& item : chunk.items) {
        seen_.insert(item.key);
        take_item(item);
    }
    continuation_ = chunk.continuation;
    if (continuation_.empty()) finish_list(chunk.version);
    begin();
}

/// Now, and only now, it is known what is gone.
void Reflector::finish_list(const std::string& version) {
    for (auto one = held_.begin(); one != held_.end();) {
        const auto next = std::next(one);
        if (!seen_.contains(one->first)) {
            if (!one->second.gone) --status_.objects;
            sink_.erase(one->first);
            object_errors_.erase(one->first);
            held_.erase(one);
        }
        one = next;
    }
    seen_.clear();
    // Events are small: what a big list needed is given back.
    body_.shrink_to_fit();
    reader_.shrink();
    version_ = known_version_ = version;
    chunks_ = true;
    synced_ = true;
}

void Reflector::finish_stream() {
    if (lines_.pending() != 0) return broken("the watch broke off in the middle of an event");
    if (phase_ == Phase::watch_list) {
        watch_list_ = false;
        return fail("the watch ended before the initial state was complete");
    }
    if (timing_.now() < began_ + healthy_after) return fail("the watch ended at once");
    well();
    begin();
}

void Reflector::take_event(const WatchEvent& event) {
    if (event.type == WatchEvent::Type::error) return take_error(event.status);
    ++status_.events;
    broken_ = 0;
    if (event.type == WatchEvent::Type::put) {
        if (phase_ == Phase::watch_list) seen_.insert(event.item.key);
        if (!is_late(event.item)) take_item(event.item);
    }
    if (event.type == WatchEvent::Type::erase) {
        seen_.erase(event.item.key);
        if (!is_late(event.item)) erase(event.item.key, event.item.version);
    }
    if (event.initial_events_end && phase_ == Phase::watch_list) {
        finish_list(event.item.version);
        phase_ = Phase::watch;
        heard();
    }
    if (phase_ == Phase::watch && !event.item.version.empty() && !is_older(event.item.version, version_))
        version_ = event.item.version;
}

void Reflector::take_error(const ApiStatus& status) {
    exchange_.reset();
    if (status.code == 410) return expired(status.message);
    fail("the watch ended with an error: " + status.message);
    // Whatever it is about, the version may be part of it.
    if (status.code != 429 && status.code < 500) version_.clear();
}

/// A duplicate, or an event that others of the same object have overtaken. A list is never late: after a restore from a
/// backup its versions may well be smaller.
bool Reflector::is_late(const ReadItem& item) const {
    if (phase_ != Phase::watch) return false;
    const auto held = held_.find(item.key);
    return held == held_.end() ? is_older(item.version, known_version_) : is_older(item.version, held->second.version);
}

void Reflector::take_item(const ReadItem& item) {
    const auto [held, is_new] = held_.try_emplace(item.key);
    if (is_new || held->second.gone) ++status_.objects;
    held->second = {item.version, false};
    if (!item.error.empty()) {
        std::string& known = object_errors_[item.key];
        if (known != item.error) spdlog::warn("{}: {}; its last good state stays in force", owner_, item.error);
        known = item.error;
        return;
    }
    object_errors_.erase(item.key);
    if (item.object)
        sink_.put(*item.object);
    else
        sink_.erase(item.key);
}

void Reflector::erase(const ObjectKey& key, const std::string& version) {
    const auto [held, is_new] = held_.try_emplace(key);
    if (!is_new && !held->second.gone) --status_.objects;
    held->second = {version, true};
    object_errors_.erase(key);
    sink_.erase(key);
}

void Reflector::refused(const ApiStatus& status) {
    const std::string answer = std::to_string(http_status_) + " (" + status.message + ")";
    if (!resource_.required && (http_status_ == 403 || http_status_ == 404)) synced_ = true;
    switch (http_status_) {
        case 400:
        case 422:
            if (phase_ != Phase::watch_list) {
                version_.clear();  // it may be that which is wrong: another server's
                return fail("the server answers " + answer);
            }
            watch_list_ = false;
            return relist();
        case 401:
            transport_.refused();
            return fail("the server does not accept the credentials, " + answer + ": renew the token or certificate");
        case 403:
            return fail("may not " + std::string(verb()) + " " + resource_.title() + ", " + answer + ": " +
                        resource_.rule());
        case 404:
            return fail("the server answers " + answer + (resource_.missing.empty() ? "" : ": " + resource_.missing));
        case 410:
            return expired(status.message);
        default:
            return fail("the server answers " + answer, retry_after_);
    }
}

/// The version or the continuation is too old for the server. A list that cannot be finished in chunks in time is asked
/// for in one piece.
void Reflector::expired(const std::string& message) {
    ++status_.expirations;
    spdlog::info("{}: {}: {}: listing again", owner_, resource_.title(), message);
    const bool in_vain = timing_.now() < last_list_ + answer_time && (phase_ != Phase::list || !chunks_);
    if (phase_ == Phase::list) chunks_ = false;
    relist();
    if (in_vain) fail("the server no longer knows what it has just sent: " + message);
}

/// The stream is given up and goes on from the last good event; the list is read again when that does not help.
void Reflector::broken(const std::string& what) {
    if (++broken_ >= most_broken) {
        version_.clear();
        broken_ = 0;
    }
    fail(what);
}

/// What is held stays; the next try follows after a while.
void Reflector::fail(const std::string& what, milliseconds at_least) {
    const TimePoint now = timing_.now();
    exchange_.reset();
    if (phase_ == Phase::watch && http_status_ == 200 && now >= began_ + healthy_after) backoff_.reset();
    // The pieces of a list belong together: it is begun anew.
    if (phase_ == Phase::list || phase_ == Phase::watch_list) continuation_.clear();
    phase_ = Phase::wait;
    ++status_.failures;
    due_ = now + std::max(backoff_.next(timing_.random()), at_least);
    if (status_.error != what)
        spdlog::warn("{}: {}: {}; trying again, what is known stays in force", owner_, resource_.title(), what);
    status_.error = what;
    failing_ = true;
}

void Reflector::timed_out() {
    if (phase_ == Phase::watch_list && http_status_ == 200) {
        // Servers that do not know watch-lists take it for an ordinary watch, and never mark the end.
        watch_list_ = false;
        spdlog::info("{}: {}: the server sends no end of the initial state: listing instead", owner_,
                     resource_.title());
        return relist();
    }
    fresh_ = true;
    fail(http_status_ == 0 ? "the server does not answer" : "the server fell silent");
}

void Reflector::well() {
    if (std::exchange(failing_, false)) spdlog::info("{}: {}: all is well again", owner_, resource_.title());
    status_.error.clear();
    backoff_.reset();
}

}  // namespace viaduct
