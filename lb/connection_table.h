// The connections of one worker: a fixed-size hash table that finds a flow by either direction's key.
//
// Theory of operation. Records lie in one array; a free list hands them out. An index (flow_index.h) finds them: a
// record is entered twice, under `original` and under `reply`, and a hit is always confirmed by comparing the whole
// key. All memory is taken at construction; nothing allocates afterwards. One thread owns a table; nothing is locked.
// Expiry is a sweep of a few records per turn; an expired record that a lookup comes across is erased and not found.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "encap/flow_hash.h"
#include "lb/connection.h"
#include "lb/flow_index.h"
#include "lb/huge_array.h"
#include "lb/prefetch.h"

namespace viaduct {

/// Idle limits in seconds (RFC 4787 REQ-5, RFC 5382 REQ-5, RFC 5508 REQ-2, RFC 7857 §2).
struct Timeouts {
    Seconds tcp_established = 7440;  // ≥ 2 h 4 min
    Seconds tcp_transitory = 240;
    Seconds udp = 300;
    Seconds icmp = 60;
    Seconds other = 600;
};

/// How long a connection of this protocol, in this state, may be idle.
[[nodiscard]] Seconds idle_limit(const Timeouts& timeouts, Protocol protocol, TcpState tcp) noexcept;

/// A found connection and the direction of the key that found it. 0 is "not found".
template <Address A>
struct Hit {
    Connection<A>* connection = nullptr;
    Direction direction{};
    explicit operator bool() const { return connection != nullptr; }
};

/// One lookup of a bulk: the key and its hash (encap/flow_hash.h) go in, `hit` comes out.
template <Address A>
struct Lookup {
    const FlowKey<A>* key;
    std::uint32_t hash;
    Hit<A> hit;
};

template <Address A>
class ConnectionTable {
public:
    static constexpr std::size_t max_bulk = 64;

    /// Room for `capacity` connections; throws std::bad_alloc when the memory is not to be had.
    ConnectionTable(std::size_t capacity, const Timeouts& timeouts);

    /// Finds all, staged with prefetches; up to `max_bulk` lookups. Expired connections are not found.
    void find(std::span<Lookup<A>> lookups, Seconds now) noexcept;
    [[nodiscard]] Hit<A> find(const FlowKey<A>& key, std::uint32_t hash, Seconds now) noexcept;

    /// Asks for the memory that looking for a key with this hash will read.
    void prefetch(std::uint32_t hash) const noexcept { index_.prefetch(hash); }
    /// Asks for the memory that the `ahead`-th `insert` from now on (0: the next) will write.
    void prefetch_free(std::size_t ahead) const noexcept {
        if (ahead < free_count_) prefetch_record(record(free_[free_count_ - 1 - ahead] << 1U));
    }

    /// A new connection under both keys (equal-hash keys are fine), its other fields zero and `last_seen` = now.
    /// nullptr when the table is full. The caller has made sure that neither key is present.
    [[nodiscard]] Connection<A>* insert(const FlowKey<A>& original, const FlowKey<A>& reply, Seconds now) noexcept {
        return insert({&original, flow_hash(original)}, {&reply, flow_hash(reply)}, now);
    }
    /// A key with its hash, for who knows that already.
    struct Hashed {
        const FlowKey<A>* key;
        std::uint32_t hash;
    };
    [[nodiscard]] Connection<A>* insert(const Hashed& original, const Hashed& reply, Seconds now) noexcept;
    void erase(Connection<A>& connection) noexcept;

    /// Looks at up to `records` records and erases those that have expired. Returns how many it erased. Records that
    /// have never been used need no look: the fewer connections there were at once, the sooner it comes round.
    std::size_t sweep(std::size_t records, Seconds now) noexcept;
    [[nodiscard]] bool expired(const Connection<A>& connection, Seconds now) const noexcept {
        // Signed: a connection that came from a worker whose clock is ahead is not old.
        const auto idle = static_cast<std::int32_t>(now - connection.last_seen);
        return idle > shortest_ &&
               static_cast<Seconds>(idle) > idle_limit(timeouts_, connection.original.protocol, connection.tcp);
    }

    [[nodiscard]] std::size_t size() const noexcept { return records_.size() - free_count_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return records_.size(); }
    /// Bytes in use for records, index and free list together.
    [[nodiscard]] std::size_t memory() const noexcept { return records_.memory() + index_.memory() + free_.memory(); }

    /// Copies up to `out.size()` live connections from record `cursor` on; returns the next cursor, 0 at the end. Looks
    /// at a bounded number of records, so it may copy none and still have further to go.
    [[nodiscard]] std::size_t copy(std::size_t cursor, std::span<Connection<A>> out,
                                   std::size_t& copied) const noexcept;

private:
    [[nodiscard]] static bool same(const FlowKey<A>& a, const FlowKey<A>& b) noexcept {
        using Words = std::array<std::uint64_t, sizeof(FlowKey<A>) / 8>;
        const auto x = std::bit_cast<Words>(a);
        const auto y = std::bit_cast<Words>(b);
        std::uint64_t different = 0;
        for (std::size_t i = 0; i < x.size(); ++i) different |= x[i] ^ y[i];
        return different == 0;
    }
    [[nodiscard]] Connection<A>& record(std::uint32_t entry) const noexcept { return records_[entry >> 1U]; }
    static void prefetch_record(const Connection<A>& connection) noexcept {
        const auto* line = reinterpret_cast<const std::uint8_t*>(&connection);
        for (std::size_t at = 0; at < sizeof connection; at += 64) viaduct::prefetch(line + at);
    }
    [[nodiscard]] static Direction direction(std::uint32_t entry) noexcept {
        return static_cast<Direction>(entry & 1U);
    }
    [[nodiscard]] bool is(std::uint32_t entry, const FlowKey<A>& key) const noexcept {
        const Connection<A>& candidate = record(entry);
        return same((entry & 1U) == 0 ? candidate.original : candidate.reply, key) && candidate.live;
    }
    /// nullptr when it has expired; then it is erased.
    [[nodiscard]] Connection<A>* alive(Connection<A>& connection, Seconds now) noexcept {
        if (!expired(connection, now)) return &connection;
        erase(connection);
        return nullptr;
    }

    HugeArray<Connection<A>> records_;
    FlowIndex index_;
    HugeArray<std::uint32_t> free_;  // a stack of record numbers
    std::size_t free_count_;
    std::size_t used_ = 0;   // no record from here on has ever been
    std::size_t swept_ = 0;  // where the sweep goes on
    Timeouts timeouts_;
    std::int32_t shortest_;  // of the timeouts: nothing idle for less has expired
};

template <Address A>
inline Hit<A> ConnectionTable<A>::find(const FlowKey<A>& key, std::uint32_t hash, Seconds now) noexcept {
    const std::uint32_t entry = index_.find(hash, [&](std::uint32_t candidate) { return is(candidate, key); });
    if (entry == FlowIndex::absent) return {};
    return {alive(record(entry), now), direction(entry)};
}

template <Address A>
inline void ConnectionTable<A>::find(std::span<Lookup<A>> lookups, Seconds now) noexcept {
    std::array<std::uint32_t, max_bulk> entries;
    for (const Lookup<A>& lookup : lookups) index_.prefetch(lookup.hash);
    std::uint32_t* likely = entries.data();
    for (const Lookup<A>& lookup : lookups) {
        const std::uint32_t entry = *likely++ = index_.first(lookup.hash);
        if (entry < FlowIndex::elsewhere) prefetch_record(record(entry));
    }
    likely = entries.data();
    for (Lookup<A>& lookup : lookups) {
        const std::uint32_t entry = *likely++;
        if (entry < FlowIndex::elsewhere && is(entry, *lookup.key)) [[likely]] {
            lookup.hit.direction = direction(entry);
            lookup.hit.connection = alive(record(entry), now);
        } else {
            lookup.hit = entry == FlowIndex::absent ? Hit<A>{} : find(*lookup.key, lookup.hash, now);
        }
    }
}

extern template class ConnectionTable<Ipv4>;
extern template class ConnectionTable<Ipv6>;

}  // namespace viaduct
