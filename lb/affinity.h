// Session affinity "ClientIP": which backend of a service a client was last sent to.
//
// Theory of operation. A set-associative cache: a hash names a bucket of eight entries, and an entry lives until its
// time is over. An expired entry is a free entry, so nothing is ever swept. When all eight are alive the one that
// expires first gives way: its client is then placed by Maglev again. One thread owns a table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lb/connection.h"
#include "lb/huge_array.h"

namespace viaduct {

class AffinityTable {
public:
    /// Room for about `capacity` clients; throws std::bad_alloc when the memory is not to be had.
    explicit AffinityTable(std::size_t capacity);

    /// The backend that this client was sent to, or none.
    [[nodiscard]] BackendId find(std::uint64_t service, const IpAddress& client, Seconds now) const noexcept;
    /// Called for every new connection: sets the backend and starts the `timeout` seconds anew.
    void remember(std::uint64_t service, const IpAddress& client, BackendId backend, Seconds timeout,
                  Seconds now) noexcept;

private:
    struct Entry {
        std::uint64_t service;
        IpAddress client;
        BackendId backend;
        Seconds expires;
        bool used;

        [[nodiscard]] bool alive(Seconds now) const noexcept {
            return used && static_cast<std::int32_t>(expires - now) > 0;
        }
    };
    static constexpr unsigned ways = 8;
    struct alignas(64) Bucket {
        Entry entries[ways];
    };

    [[nodiscard]] Bucket& bucket_of(std::uint64_t service, const IpAddress& client) const noexcept;
    HugeArray<Bucket> buckets_;
};

}  // namespace viaduct
