// What the control thread reports about itself: its sources, what it found wrong, what it published.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "control/histogram.h"

namespace viaduct {

/// `error`: something configured does not work. `warning`: it works, but probably not as meant. `note`: worth knowing.
enum class Severity : std::uint8_t { note, warning, error };

/// Something an operator must know, in one sentence each: what, and what to do about it.
struct Finding {
    Severity severity = Severity::warning;
    std::string subject;  // "Node node2", "Service shop/web", "network demo"
    std::string text;     // "its pod subnet 10.244.1.0/24 overlaps node1's; node1 keeps the route"
    std::string remedy;   // "give node2 another spec.podCIDR"
    bool operator==(const Finding&) const = default;
};

/// One collection of a source that follows an API server.
struct ResourceStatus {
    std::string name;                                    // "endpointslices"
    bool synced = false;                                 // listed completely at least once
    std::size_t objects = 0;                             // that it holds
    std::size_t malformed = 0;                           // of these: their last good selves stay in force
    std::string version;                                 // resourceVersion from which a watch goes on; empty: none
    std::chrono::system_clock::time_point last_heard{};  // of a list, an event or a bookmark; epoch: never
    std::uint64_t lists = 0, watches = 0;                // begun since start
    std::uint64_t events = 0, expirations = 0;           // received; 410s that made it list again
    std::uint64_t failures = 0;                          // of requests and streams
    std::string error{};                                 // what keeps it from going on; empty: nothing
};

/// A source as `show sources` prints it.
struct SourceStatus {
    std::string name;
    std::string type;                                     // "directory"
    std::string network;                                  // whose objects it carries
    std::string location;                                 // a path
    bool synced = false;                                  // it has been read completely at least once
    std::map<std::string, std::size_t> objects;           // by kind: {"Node", 3}, …
    std::vector<std::string> errors;                      // "cluster.d/web.yaml:12: …", what is broken now
    std::chrono::system_clock::time_point last_change{};  // of its objects; epoch: never
    std::vector<ResourceStatus> resources{};              // of an API server
    std::string writer{};  // which of several gateways writes to that; "": none, or it is not known
    bool writes = false;   // this one does
};

/// How much is forwarded to how many.
struct StateSize {
    std::size_t services = 0, backends = 0, peers = 0, routes = 0;
};

/// A copy of the control thread's state of affairs.
struct ControlStatus {
    std::vector<SourceStatus> sources;
    std::vector<Finding> findings;
    std::uint64_t version = 0;                                 // of the newest published snapshot; 0: none yet
    std::uint64_t publications = 0;                            // since start
    std::size_t waiting_to_be_freed = 0;                       // old snapshots that a worker may still see
    std::chrono::system_clock::time_point last_publication{};  // epoch: never
    std::chrono::microseconds last_build{};                    // desired state and snapshot together
    std::chrono::system_clock::time_point last_queued{};       // a change, to be published; epoch: never
    Histogram builds;                                          // of all publications
    Histogram programming;                                     // from an endpoint's change to its publication
    StateSize size;                                            // of the newest published snapshot
    std::uint64_t tables_built = 0;                            // Maglev tables, since start
    /// Every source has been read and its state published.
    [[nodiscard]] bool ready() const {
        if (version == 0) return false;
        for (const SourceStatus& source : sources)
            if (!source.synced) return false;
        return true;
    }
};

}  // namespace viaduct
