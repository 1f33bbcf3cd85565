// Keeps one collection of the API mirrored: list, watch, and start again after everything that may go wrong.
//
// Theory of operation. A reflector is always in one phase: it waits until a time, or has exactly one request under way.
//
//     wait → watch-list ──────────────────────→ watch ⇄ wait     the server streams the initial state and goes on
//          → list → list (next chunk) … ──────→ watch            where it answers 422, or never marks the end
//
// A watch that ends, normally or not, goes on from the last resourceVersion; only a 410, as a status or as an event, or
// events that stay unreadable make it list again. What a list no longer has is erased when the whole list has been read
// and never before, so nothing that breaks in between costs an object. Waiting times are those of Backoff, or the
// server's Retry-After.
#pragma once

#include <map>
#include <set>
#include <string>

#include "control/sources/kubernetes/backoff.h"
#include "control/sources/kubernetes/json_reader.h"
#include "control/sources/kubernetes/line_splitter.h"
#include "control/sources/kubernetes/resource.h"
#include "control/sources/kubernetes/transport.h"
#include "control/status.h"

namespace viaduct {

/// Takes the objects as they come.
class ObjectSink {
public:
    virtual void put(const Object& object) = 0;
    virtual void erase(const ObjectKey& key) = 0;

protected:
    ~ObjectSink() = default;
};

/// Control thread only. What it is given outlives it.
class Reflector final : private ResponseHandler {
public:
    /// `owner` is for the log: "source cluster".
    Reflector(std::string owner, Resource resource, ApiTransport& transport, ObjectSink& sink, const Timing& timing);
    Reflector(const Reflector&) = delete;
    Reflector& operator=(const Reflector&) = delete;

    /// Does what is due: the next request, or the end of one that takes too long.
    void tick();
    /// When `tick` has something to do, unless an answer comes first.
    [[nodiscard]] TimePoint due() const;
    /// It has been read completely once, or is not required and refused.
    [[nodiscard]] bool synced() const { return synced_; }
    /// It has been read completely once.
    [[nodiscard]] bool was_read() const { return !known_version_.empty(); }
    [[nodiscard]] ObjectKind kind() const { return resource_.kind; }
    [[nodiscard]] ResourceStatus status() const;
    /// Objects that it remembers: those that there are, and some that are gone.
    [[nodiscard]] std::size_t remembered() const { return held_.size(); }
    /// Malformed objects, whose last good selves stay in force.
    [[nodiscard]] const std::map<ObjectKey, std::string>& object_errors() const { return object_errors_; }

private:
    enum class Phase : std::uint8_t { wait, watch_list, list, watch };
    /// What is known of an object: also that it is gone, so that a late event does not bring it back.
    struct Held {
        std::string version;
        bool gone = false;
    };

    void on_response(int status, std::chrono::seconds retry_after) override;
    void on_data(std::string_view data) override;
    void on_end(const std::string& error) override;

    void begin();
    void request(Phase phase, const std::string& parameters);
    void relist();
    void finish_chunk();
    void finish_list(const std::string& version);
    void finish_stream();
    void take_event(const WatchEvent& event);
    void take_error(const ApiStatus& status);
    void take_item(const ReadItem& item);
    void erase(const ObjectKey& key, const std::string& version);
    [[nodiscard]] bool is_late(const ReadItem& item) const;
    void refused(const ApiStatus& status);
    void expired(const std::string& message);
    void broken(const std::string& what);
    void fail(const std::string& what, std::chrono::milliseconds at_least = {});
    void timed_out();
    void heard();
    void well();
    [[nodiscard]] const char* verb() const { return phase_ == Phase::list ? "list" : "watch"; }

    const std::string owner_;
    const Resource resource_;
    ApiTransport& transport_;
    ObjectSink& sink_;
    const Timing& timing_;

    Phase phase_ = Phase::wait;
    std::unique_ptr<Exchange> exchange_;
    TimePoint due_{}, began_{};          // `due_`: of the next try, or of giving up on this one
    std::chrono::seconds watch_time_{};  // that the server was asked to keep the watch
    int http_status_ = 0;                // 0: no answer yet
    std::chrono::seconds retry_after_{};
    std::string body_;  // of a list or an error
    LineSplitter lines_;
    JsonReader reader_;

    std::string version_, continuation_;  // of the next watch; of the next chunk
    std::string known_version_;  // of the last complete list, or of the stream's beginning: what is older is late
    bool watch_list_ = true, chunks_ = true;
    bool fresh_ = false;  // the last answer did not come: distrust open connections
    bool synced_ = false, failing_ = false;
    unsigned broken_ = 0;  // streams in a row that could not be read
    TimePoint last_list_{};
    Backoff backoff_;
    std::map<ObjectKey, Held> held_;
    std::set<ObjectKey> seen_;  // by the list under way
    std::map<ObjectKey, std::string> object_errors_;
    ResourceStatus status_;
};

}  // namespace viaduct
