// The connections of one worker: a fixed-size hash table that finds a flow by either direction's key.
//
// Theory of operation. Records lie in one array; a free list hands them out. An index of 64-byte buckets finds them:
// a bucket holds ten (16-bit tag, record index + direction) entries and probes into the next bucket when it is full.
// A record is entered twice, under `original` and under `reply`. A hit is always confirmed by comparing the whole
// key. All memory is taken at construction; nothing allocates afterwards. One thread owns a table; nothing is locked.
// Expiry is a sweep of a few records per turn, and an expired record found by a lookup counts as absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lb/connection.h"
#include "lb/huge_array.h"

namespace viaduct {

/// Idle limits in seconds (RFC 4787 REQ-5, RFC 5382 REQ-5, RFC 5508 REQ-2, RFC 7857 §2).
struct Timeouts {
    Seconds tcp_established = 7440;  // ≥ 2 h 4 min
    Seconds tcp_transitory = 240;
    Seconds udp = 300;
    Seconds icmp = 60;
    Seconds other = 600;
};

/// A found connection and the direction of the key that found it. 0 is "not found".
template <Address A>
struct Hit {
    Connection<A>* connection = nullptr;
    Direction direction{};
    explicit operator bool() const { return connection != nullptr; }
};

/// One lookup of a bulk: the key and its hash go in, `hit` comes out.
template <Address A>
struct Lookup {
    const FlowKey<A>* key;
    std::uint32_t hash;
    Hit<A> hit;
};

template <Address A>
class ConnectionTable {
public:
    /// Room for `capacity` connections; throws std::bad_alloc when the memory is not to be had.
    ConnectionTable(std::size_t capacity, const Timeouts& timeouts);

    /// Finds all, staged with prefetches; the lookups may be any number up to 64. Expired connections are not found.
    void find(std::span<Lookup<A>> lookups, Seconds now) noexcept;
    [[nodiscard]] Hit<A> find(const FlowKey<A>& key, std::uint32_t hash, Seconds now) noexcept;

    /// A new connection under both keys (equal-hash keys are fine), its other fields zero and `last_seen` = now.
    /// nullptr when the table is full. The caller has made sure that neither key is present.
    [[nodiscard]] Connection<A>* insert(const FlowKey<A>& original, const FlowKey<A>& reply, Seconds now) noexcept;
    void erase(Connection<A>& connection) noexcept;

    /// Looks at up to `records` records and erases those that have expired. Returns how many it erased.
    std::size_t sweep(std::size_t records, Seconds now) noexcept;
    [[nodiscard]] bool expired(const Connection<A>& connection, Seconds now) const noexcept;

    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] std::size_t capacity() const noexcept;
    /// Bytes in use for records, index and free list together.
    [[nodiscard]] std::size_t memory() const noexcept;

    /// Copies up to `out.size()` live connections from record `cursor` on; returns the next cursor, 0 at the end.
    [[nodiscard]] std::size_t copy(std::size_t cursor, std::span<Connection<A>> out,
                                   std::size_t& copied) const noexcept;
};

}  // namespace viaduct
