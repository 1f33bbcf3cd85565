// Range and watch, by etcd's rules for clients (etcd.io, "API reference": watch streams, compaction).
#include "control/sources/flannel_etcd/etcd_mirror.h"

#include <spdlog/spdlog.h>

#include <set>

namespace viaduct {

namespace {

using std::chrono::seconds;

constexpr seconds etcd_answer_time{30};
constexpr seconds silence_time{900};  // etcd tells its progress every ten minutes

}  // namespace

EtcdMirror::EtcdMirror(std::string owner, std::string prefix, EtcdTransport& transport, const Timing& timing)
    : owner_(std::move(owner)), prefix_(std::move(prefix)), transport_(transport), timing_(timing) {
    status_.name = prefix_;
}

void EtcdMirror::tick() {
    if (timing_.now() < due_) return;
    if (phase_ == Phase::wait) return begin();
    fresh_ = true;
    fail(http_status_ == 0 ? "etcd does not answer" : "etcd fell silent");
}

ResourceStatus EtcdMirror::status() const {
    ResourceStatus status = status_;
    status.synced = synced_;
    status.objects = keys_.size();
    status.version = revision_ == 0 ? "" : std::to_string(revision_);
    return status;
}

void EtcdMirror::begin() {
    if (!transport_.ready()) {
        due_ = timing_.now() + credentials_time;
        return;
    }
    phase_ = revision_ == 0 ? Phase::range : Phase::watch;
    ++(phase_ == Phase::range ? status_.lists : status_.watches);
    http_status_ = 0;
    body_.clear();
    lines_.clear();
    due_ = timing_.now() + etcd_answer_time;
    const bool fresh = std::exchange(fresh_, false);
    exchange_ = phase_ == Phase::range
                    ? transport_.post("/v3/kv/range", range_request(prefix_), *this, fresh)
                    : transport_.post("/v3/watch", watch_request(prefix_, revision_ + 1), *this, fresh);
}

void EtcdMirror::on_response(int status, seconds) {
    http_status_ = status;
    heard();
}

void EtcdMirror::heard() {
    if (http_status_ == 200) status_.last_heard = std::chrono::system_clock::now();
    due_ = timing_.now() + (phase_ == Phase::watch && http_status_ == 200 ? silence_time : etcd_answer_time);
}

void EtcdMirror::on_data(std::string_view data) {
    heard();
    if (phase_ == Phase::range || http_status_ != 200) {
        body_ += data;
        return;
    }
    lines_.add(data);
    try {
        while (const auto line = lines_.next()) {
            take_message(read_watch_message(*line));
            if (exchange_ == nullptr) return;  // the message ended the watch
        }
    } catch (const BadEtcdAnswer& wrong) {
        fail(std::string("the watch sent an error: ") + wrong.what());
    }
}

void EtcdMirror::on_end(const std::string& error) {
    exchange_.reset();
    if (!error.empty()) {
        fresh_ = true;
        return fail(error);
    }
    if (http_status_ != 200) return refused();
    if (phase_ == Phase::range) return take_range();
    fail("the watch ended");
}

void EtcdMirror::take_range() {
    try {
        const EtcdRange range = read_range(body_);
        if (range.keys.empty())
            return fail("there is no key below " + prefix_ +
                        ": write flannel's configuration there, or set etcd-prefix");
        std::set<std::string> seen;
        for (const EtcdKeyValue& key : range.keys) seen.insert(key.key), put(key);
        changes_ += std::erase_if(keys_, [&](const auto& one) { return !seen.contains(one.first); });
        cluster_ = range.header.cluster;
        revision_ = range.header.revision;
    } catch (const BadEtcdAnswer& wrong) {
        return fail(std::string("the keys are unreadable: ") + wrong.what());
    }
    body_ = {};
    synced_ = true;
    begin();
}

void EtcdMirror::put(const EtcdKeyValue& key) {
    EtcdKeyValue& held = keys_[key.key];
    if (held.changed == key.changed && held.value == key.value) return;
    held = key;
    ++changes_;
}

void EtcdMirror::take_message(const EtcdWatchMessage& message) {
    if (message.canceled) {
        if (message.compacted != 0) return read_again("etcd has compacted what came since");
        return fail("etcd ended the watch: " + message.cancel_reason);
    }
    if (message.created && message.header.cluster != cluster_) return read_again("it is another cluster");
    if (message.created && message.header.revision < revision_) return read_again("etcd has gone back in time");
    well();
    for (const EtcdEvent& event : message.events) take_event(event);
    // A new watch tells the present revision, and what happened up to it comes only then.
    if (!message.created) revision_ = std::max(revision_, message.header.revision);
}

void EtcdMirror::take_event(const EtcdEvent& event) {
    ++status_.events;
    if (!event.erased) return put(event.key);
    changes_ += keys_.erase(event.key.key);
}

void EtcdMirror::read_again(const std::string& why) {
    spdlog::info("{}: {}: {}: reading again", owner_, prefix_, why);
    ++status_.expirations;
    exchange_.reset();
    revision_ = 0;
    phase_ = Phase::wait;
    due_ = timing_.now();
}

void EtcdMirror::refused() {
    const std::string why = read_refusal(body_);
    if (http_status_ == 401) transport_.refused();
    if (http_status_ == 403)
        return fail(why + ": etcdctl role grant-permission ROLE --prefix=true readwrite " + prefix_);
    fail("etcd answers " + std::to_string(http_status_) + " (" + why + ")");
}

/// What is held stays; the next try follows after a while.
void EtcdMirror::fail(const std::string& what) {
    exchange_.reset();
    phase_ = Phase::wait;
    ++status_.failures;
    due_ = timing_.now() + backoff_.next(timing_.random());
    if (status_.error != what)
        spdlog::warn("{}: {}: {}; trying again, what is known stays in force", owner_, prefix_, what);
    status_.error = what;
    failing_ = true;
}

void EtcdMirror::well() {
    if (std::exchange(failing_, false)) spdlog::info("{}: {}: all is well again", owner_, prefix_);
    status_.error.clear();
    backoff_.reset();
}

}  // namespace viaduct
