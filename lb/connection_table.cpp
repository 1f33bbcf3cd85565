// The less travelled half of a connection table: making, ageing and listing connections.
#include "lb/connection_table.h"

#include <algorithm>
#include <new>

#include "encap/flow_hash.h"

namespace viaduct {
namespace {

// An index entry is a record number and one bit, and two values are taken (FlowIndex::absent, elsewhere).
std::size_t checked_capacity(std::size_t capacity) {
    if (capacity == 0 || capacity >= FlowIndex::elsewhere / 2) throw std::bad_alloc();
    return capacity;
}

Seconds shortest_of(const Timeouts& t) {
    const Seconds shortest = std::min({t.tcp_established, t.tcp_transitory, t.udp, t.icmp, t.other});
    return std::min<Seconds>(shortest, INT32_MAX);
}

}  // namespace

Seconds idle_limit(const Timeouts& timeouts, Protocol protocol, TcpState tcp) noexcept {
    switch (protocol) {
        case Protocol::tcp:
            return tcp == TcpState::established ? timeouts.tcp_established : timeouts.tcp_transitory;
        case Protocol::udp:
            return timeouts.udp;
        case Protocol::icmp:
        case Protocol::icmpv6:
            return timeouts.icmp;
        default:
            return timeouts.other;
    }
}

template <Address A>
ConnectionTable<A>::ConnectionTable(std::size_t capacity, const Timeouts& timeouts)
    : records_(checked_capacity(capacity)),
      index_(2 * capacity),
      free_(capacity),
      free_count_(capacity),
      timeouts_(timeouts),
      shortest_(static_cast<std::int32_t>(shortest_of(timeouts))) {
    // The lowest number on top: a table that is never full touches the first records only.
    for (std::size_t i = 0; i < capacity; ++i) free_[i] = static_cast<std::uint32_t>(capacity - 1 - i);
}

template <Address A>
Connection<A>* ConnectionTable<A>::insert(const Hashed& original, const Hashed& reply, Seconds now) noexcept {
    if (free_count_ == 0) return nullptr;
    const std::uint32_t number = free_[free_count_ - 1];
    const std::uint32_t entry = number << 1U;
    if (!index_.add(original.hash, entry)) return nullptr;
    if (!index_.add(reply.hash, entry | 1U)) {
        index_.remove(original.hash, entry);
        return nullptr;
    }
    --free_count_;
    used_ = std::max<std::size_t>(used_, number + 1);
    Connection<A>& connection = records_[number];
    connection = {};
    connection.original = *original.key;
    connection.reply = *reply.key;
    connection.last_seen = now;
    connection.live = true;
    return &connection;
}

template <Address A>
void ConnectionTable<A>::erase(Connection<A>& connection) noexcept {
    const auto number = static_cast<std::uint32_t>(&connection - records_.begin());
    index_.remove(flow_hash(connection.original), number << 1U);
    index_.remove(flow_hash(connection.reply), number << 1U | 1U);
    connection.live = false;
    free_[free_count_++] = number;
}

template <Address A>
std::size_t ConnectionTable<A>::sweep(std::size_t records, Seconds now) noexcept {
    std::size_t erased = 0;
    for (std::size_t i = std::min(records, used_); i > 0; --i) {
        Connection<A>& connection = records_[swept_];
        swept_ = swept_ + 1 >= used_ ? 0 : swept_ + 1;
        if (!connection.live || !expired(connection, now)) continue;
        erase(connection);
        ++erased;
    }
    return erased;
}

template <Address A>
std::size_t ConnectionTable<A>::copy(std::size_t cursor, std::span<Connection<A>> out,
                                     std::size_t& copied) const noexcept {
    constexpr std::size_t records_per_row = 8;
    const std::size_t end = std::min(capacity(), cursor + records_per_row * out.size());
    copied = 0;
    for (; cursor < end && copied < out.size(); ++cursor)
        if (records_[cursor].live) out[copied++] = records_[cursor];
    return cursor < capacity() ? cursor : 0;
}

template class ConnectionTable<Ipv4>;
template class ConnectionTable<Ipv6>;

}  // namespace viaduct
