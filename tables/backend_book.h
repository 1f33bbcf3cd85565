// Who is who among backends: stable identities, and one BackendSet for all services with the same list.
//
// Theory of operation. An identity belongs to a (network, address, port), not to a service: so services with identical
// lists can share a set, and a pod behind two services is one backend. Sets count the services that use them,
// identities count the sets. What nobody uses any more is forgotten; its index is handed out again with the next
// generation. Control thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "lb/service.h"
#include "tables/desired.h"
#include "tables/table_book.h"

namespace viaduct {

/// A service's backends in canonical form: of its family, sorted, each (address, port) once, with its lowest weight.
struct BackendList {
    NetworkId network{};
    std::vector<DesiredBackend> backends;
    explicit BackendList(const DesiredService& service);
    bool operator==(const BackendList&) const = default;
};

class BackendBook {
public:
    /// The set for this list, used once more. What `release` is yet to let go of keeps its identity: acquire the new
    /// before releasing the old.
    [[nodiscard]] std::shared_ptr<const BackendSet> acquire(const BackendList& list);
    /// Undoes one `acquire` of an equal list.
    void release(const BackendList& list);
    /// Maglev tables made so far.
    [[nodiscard]] std::uint64_t tables_built() const noexcept { return tables_.built(); }

private:
    struct BackendKey {
        NetworkId network{};
        std::uint16_t port = 0;
        IpAddress address;
        bool operator==(const BackendKey&) const = default;
    };
    struct Hash {
        std::size_t operator()(const BackendKey& key) const noexcept;
        std::size_t operator()(const BackendList& list) const noexcept;
    };
    struct SharedSet {
        std::shared_ptr<const BackendSet> set;
        std::uint32_t users = 0;  // services
    };
    struct Identity {
        BackendId id;
        std::uint32_t users = 0;  // sets
    };
    [[nodiscard]] std::shared_ptr<const BackendSet> make_set(const BackendList& list);
    [[nodiscard]] BackendId enter(const BackendKey& key);
    void leave(const BackendKey& key);

    std::unordered_map<BackendList, SharedSet, Hash> sets_;
    std::unordered_map<BackendKey, Identity, Hash> identities_;
    TableBook tables_;
    std::vector<BackendId> free_;  // with the generation to hand out next
    std::uint32_t indexes_ = 0;    // handed out so far
};

}  // namespace viaduct
