// Keeps all keys of etcd below a prefix mirrored: read them, watch from there, read again after everything that may go
// wrong.
//
// Theory of operation. A mirror is always in one phase: it waits until a time, or has exactly one request under way.
//
//     wait → range → watch ⇄ wait
//
// A watch that ends goes on from the revision after the last one heard. It is given up, and the keys are read again,
// when etcd has compacted that revision, when it is another cluster's or lies in the future: etcd was restored from a
// backup, and would be silent until it comes. What a range no longer has is erased then, and only then. A range without
// a single key is no news but a mistake: nothing is erased for it.
#pragma once

#include <map>
#include <string>

#include "control/sources/flannel_etcd/etcd_json.h"
#include "control/sources/flannel_etcd/etcd_transport.h"
#include "control/sources/kubernetes/backoff.h"
#include "control/sources/kubernetes/line_splitter.h"
#include "control/status.h"

namespace viaduct {

/// Control thread only. What it is given outlives it.
class EtcdMirror final : private ResponseHandler {
public:
    /// `owner` is for the log: "source etcd".
    EtcdMirror(std::string owner, std::string prefix, EtcdTransport& transport, const Timing& timing);
    EtcdMirror(const EtcdMirror&) = delete;
    EtcdMirror& operator=(const EtcdMirror&) = delete;

    /// Does what is due: the next request, or the end of one that takes too long.
    void tick();
    /// When `tick` has something to do, unless an answer comes first.
    [[nodiscard]] TimePoint due() const { return due_; }
    /// The keys have been read once.
    [[nodiscard]] bool synced() const { return synced_; }
    /// What changes is heard at once.
    [[nodiscard]] bool watching() const { return phase_ == Phase::watch && !failing_ && http_status_ == 200; }
    [[nodiscard]] const std::map<std::string, EtcdKeyValue>& keys() const { return keys_; }
    /// Up to which they have been heard of.
    [[nodiscard]] std::int64_t revision() const { return revision_; }
    /// Grows with every change of the keys.
    [[nodiscard]] std::uint64_t changes() const { return changes_; }
    [[nodiscard]] ResourceStatus status() const;

private:
    enum class Phase : std::uint8_t { wait, range, watch };

    void on_response(int status, std::chrono::seconds retry_after) override;
    void on_data(std::string_view data) override;
    void on_end(const std::string& error) override;

    void begin();
    void heard();
    void take_range();
    void take_message(const EtcdWatchMessage& message);
    void take_event(const EtcdEvent& event);
    void put(const EtcdKeyValue& key);
    void read_again(const std::string& why);
    void refused();
    void fail(const std::string& what);
    void well();

    const std::string owner_, prefix_;
    EtcdTransport& transport_;
    const Timing& timing_;

    Phase phase_ = Phase::wait;
    std::unique_ptr<Exchange> exchange_;
    TimePoint due_{};  // of the next try, or of giving up on this one
    int http_status_ = 0;
    std::string body_;
    LineSplitter lines_;

    std::string cluster_;
    std::int64_t revision_ = 0;  // the last one heard of; 0: read the keys
    bool synced_ = false, failing_ = false, fresh_ = false;
    Backoff backoff_;
    std::map<std::string, EtcdKeyValue> keys_;
    std::uint64_t changes_ = 0;
    ResourceStatus status_;
};

}  // namespace viaduct
