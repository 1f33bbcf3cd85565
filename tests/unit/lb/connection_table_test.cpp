// The connection table against a map, when full, with colliding hashes, and as connections age.
#include "lb/connection_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "encap/flow_hash.h"
#include "packets.h"

namespace viaduct::test {
namespace {

template <Address A>
struct KeyHash {
    std::size_t operator()(const FlowKey<A>& key) const { return symmetric_hash(key); }
};

// Client n of a service, and the same flow as the backend answers it.
template <Address A>
FlowKey<A> client_key(std::uint32_t n, Protocol protocol = Protocol::udp) {
    FlowKey<A> key{};
    key.source.bytes = {10, static_cast<std::uint8_t>(n >> 16U), static_cast<std::uint8_t>(n >> 8U),
                        static_cast<std::uint8_t>(n)};
    key.destination.bytes = {192, 0, 2, 1};
    key.source_port = Be16(static_cast<std::uint16_t>(n * 7));
    key.destination_port = Be16(80);
    key.protocol = protocol;
    return key;
}
template <Address A>
FlowKey<A> reply_key(std::uint32_t n, Protocol protocol = Protocol::udp) {
    FlowKey<A> key = client_key<A>(n, protocol).mirrored();
    key.source.bytes[3] = 99;
    key.source_port = Be16(8080);
    return key;
}

template <class A>
class Connections : public ::testing::Test {
protected:
    static Hit<A> find(ConnectionTable<A>& table, const FlowKey<A>& key, Seconds now) {
        return table.find(key, flow_hash(key), now);
    }
    // The same through the bulk interface, all keys at once.
    static std::vector<Hit<A>> find_all(ConnectionTable<A>& table, const std::vector<FlowKey<A>>& keys, Seconds now) {
        std::vector<Lookup<A>> lookups;
        for (const FlowKey<A>& key : keys) lookups.push_back({&key, flow_hash(key), {}});
        table.find(lookups, now);
        std::vector<Hit<A>> hits;
        for (const Lookup<A>& lookup : lookups) hits.push_back(lookup.hit);
        return hits;
    }
};
using Families = ::testing::Types<Ipv4, Ipv6>;
TYPED_TEST_SUITE(Connections, Families);

TYPED_TEST(Connections, FoundFromBothEndsAndGoneAfterErase) {
    ConnectionTable<TypeParam> table(100, {});
    const auto original = client_key<TypeParam>(1), reply = reply_key<TypeParam>(1);
    Connection<TypeParam>* made = table.insert(original, reply, 50);
    ASSERT_NE(made, nullptr);
    EXPECT_EQ(made->last_seen, 50U);
    EXPECT_TRUE(made->backend.is_none());
    EXPECT_EQ(this->find(table, original, 50).connection, made);
    EXPECT_EQ(this->find(table, original, 50).direction, Direction::original);
    EXPECT_EQ(this->find(table, reply, 50).connection, made);
    EXPECT_EQ(this->find(table, reply, 50).direction, Direction::reply);
    EXPECT_FALSE(this->find(table, original.mirrored(), 50));
    table.erase(*made);
    EXPECT_FALSE(this->find(table, original, 50));
    EXPECT_FALSE(this->find(table, reply, 50));
    EXPECT_EQ(table.size(), 0U);
}

// The model: what the table should hold, kept in a map. `service` numbers the connections.
template <Address A>
struct Model {
    struct Entry {
        std::uint32_t client;
        Seconds last_seen;
        std::uint64_t service;
    };
    ConnectionTable<A> table{1'000, {.udp = 20}};
    std::unordered_map<FlowKey<A>, Entry, KeyHash<A>> expected;  // by original
    Seconds now = 100;
    std::uint64_t made = 0;

    bool expire(const FlowKey<A>& original) {
        const auto at = expected.find(original);
        if (at == expected.end() || now - at->second.last_seen <= 20) return false;
        expected.erase(at);
        return true;
    }
    void insert(std::uint32_t client) {
        const auto original = client_key<A>(client);
        const bool present = static_cast<bool>(table.find(original, flow_hash(original), now));
        expire(original);
        ASSERT_EQ(present, expected.contains(original));
        if (present) return;
        Connection<A>* c = table.insert(original, reply_key<A>(client), now);
        ASSERT_EQ(c != nullptr, expected.size() < table.capacity());
        if (c == nullptr) return;
        c->service = ++made;
        expected[original] = {client, now, made};
    }
    void check(const Hit<A>& hit, std::uint32_t client, Direction direction, bool touch) {
        const auto original = client_key<A>(client);
        expire(original);
        const auto at = expected.find(original);
        ASSERT_EQ(static_cast<bool>(hit), at != expected.end());
        if (!hit) return;
        ASSERT_EQ(hit.direction, direction);
        ASSERT_EQ(hit.connection->service, at->second.service);
        ASSERT_EQ(hit.connection->original, original);
        if (touch) hit.connection->last_seen = at->second.last_seen = now;
    }
    void erase(std::uint32_t client) {
        const auto reply = reply_key<A>(client);
        const Hit<A> hit = table.find(reply, flow_hash(reply), now);
        check(hit, client, Direction::reply, false);
        if (!hit) return;
        table.erase(*hit.connection);
        expected.erase(client_key<A>(client));
    }
    void sweep() {
        const std::size_t before = expected.size();
        std::erase_if(expected, [&](const auto& entry) { return now - entry.second.last_seen > 20; });
        ASSERT_EQ(table.sweep(table.capacity(), now), before - expected.size());
    }
};

TYPED_TEST(Connections, BehavesAsAMapOverAMillionRandomOperations) {
    Model<TypeParam> model;
    Random random(1);
    for (int i = 0; i < 1'000'000 && !this->HasFatalFailure(); ++i) {
        const auto client = static_cast<std::uint32_t>(random() % 1'500);
        const std::uint64_t what = random() % 1'000;
        if (what < 400) {
            model.insert(client);
        } else if (what < 500) {
            model.erase(client);
        } else if (what < 998) {
            const Direction end = what % 2 == 0 ? Direction::original : Direction::reply;
            const auto key = end == Direction::original ? client_key<TypeParam>(client) : reply_key<TypeParam>(client);
            const auto hits = what % 3 == 0 ? this->find_all(model.table, {key}, model.now)
                                            : std::vector{this->find(model.table, key, model.now)};
            model.check(hits[0], client, end, what % 5 == 0);
        } else if (what == 998) {
            model.now += static_cast<Seconds>(random() % 8);
        } else {
            model.sweep();
        }
        ASSERT_EQ(model.table.size(), model.expected.size());
    }
    EXPECT_GT(model.made, 50'000U);
}

TYPED_TEST(Connections, AFullTableKeepsWorking) {
    constexpr std::uint32_t capacity = 20'000;
    ConnectionTable<TypeParam> table(capacity, {});
    for (std::uint32_t n = 0; n < capacity; ++n)
        ASSERT_NE(table.insert(client_key<TypeParam>(n), reply_key<TypeParam>(n), 1), nullptr) << n;
    EXPECT_EQ(table.insert(client_key<TypeParam>(capacity), reply_key<TypeParam>(capacity), 1), nullptr);
    EXPECT_EQ(table.size(), capacity);
    for (std::uint32_t n = 0; n < capacity; n += 32) {
        std::vector<FlowKey<TypeParam>> keys;
        for (std::uint32_t i = n; i < std::min(n + 32, capacity); ++i) {
            keys.push_back(client_key<TypeParam>(i));
            keys.push_back(reply_key<TypeParam>(i));
        }
        for (const auto& hit : this->find_all(table, keys, 1)) ASSERT_TRUE(hit);
    }
    table.erase(*this->find(table, client_key<TypeParam>(7), 1).connection);
    EXPECT_NE(table.insert(client_key<TypeParam>(capacity), reply_key<TypeParam>(capacity), 1), nullptr);
}

TYPED_TEST(Connections, BulkLookupsMixHitsMissesAndBothDirections) {
    ConnectionTable<TypeParam> table(100, {});
    for (std::uint32_t n = 0; n < 50; ++n)
        ASSERT_NE(table.insert(client_key<TypeParam>(n), reply_key<TypeParam>(n), 1), nullptr);
    std::vector<FlowKey<TypeParam>> keys;
    for (std::uint32_t n = 0; n < 64; ++n)
        keys.push_back(n % 2 == 0 ? client_key<TypeParam>(n) : reply_key<TypeParam>(n));
    const auto hits = this->find_all(table, keys, 1);
    for (std::uint32_t n = 0; n < 64; ++n) {
        ASSERT_EQ(static_cast<bool>(hits[n]), n < 50) << n;
        if (n >= 50) continue;
        EXPECT_EQ(hits[n].direction, static_cast<Direction>(n % 2));
        EXPECT_EQ(hits[n].connection->original, client_key<TypeParam>(n));
    }
}

TYPED_TEST(Connections, KeysWithEqualHashesAreKeptApart) {
    std::unordered_map<std::uint32_t, FlowKey<TypeParam>> seen;
    Random random(3);
    FlowKey<TypeParam> one, other;
    do {
        other = random_key<TypeParam>(random, Protocol::tcp);
        one = seen.try_emplace(flow_hash(other), other).first->second;
    } while (one == other);
    ASSERT_EQ(flow_hash(one), flow_hash(other));

    ConnectionTable<TypeParam> table(100, {});
    auto* first = table.insert(one, reply_key<TypeParam>(1), 1);
    EXPECT_FALSE(this->find(table, other, 1));
    auto* second = table.insert(other, reply_key<TypeParam>(2), 1);
    const auto hits = this->find_all(table, {one, other}, 1);
    EXPECT_EQ(hits[0].connection, first);
    EXPECT_EQ(hits[1].connection, second);
    table.erase(*first);
    EXPECT_FALSE(this->find(table, one, 1));
    EXPECT_EQ(this->find(table, other, 1).connection, second);
}

// A packet from an address and port to itself: both keys are one.
TYPED_TEST(Connections, AFlowThatIsItsOwnMirror) {
    ConnectionTable<TypeParam> table(10, {});
    auto key = client_key<TypeParam>(1);
    key.destination = key.source;
    key.destination_port = key.source_port;
    auto* made = table.insert(key, key.mirrored(), 1);
    EXPECT_EQ(this->find(table, key, 1).connection, made);
    table.erase(*made);
    EXPECT_FALSE(this->find(table, key, 1));
}

struct Age {
    Protocol protocol;
    TcpState state;
    Seconds limit;
};
const std::vector<Age> ages{
    {Protocol::tcp, TcpState::established, 7440}, {Protocol::tcp, TcpState::none, 240},
    {Protocol::tcp, TcpState::syn_sent, 240},     {Protocol::tcp, TcpState::syn_received, 240},
    {Protocol::tcp, TcpState::fin_original, 240}, {Protocol::tcp, TcpState::fin_reply, 240},
    {Protocol::tcp, TcpState::closing, 240},      {Protocol::tcp, TcpState::reset, 240},
    {Protocol::udp, TcpState::none, 300},         {Protocol::icmp, TcpState::none, 60},
    {Protocol::icmpv6, TcpState::none, 60},       {Protocol::sctp, TcpState::none, 600},
    {Protocol{47}, TcpState::none, 600},
};

TYPED_TEST(Connections, ExpireByProtocolAndState) {
    for (const Age& age : ages) {
        ConnectionTable<TypeParam> table(10, {});
        const auto key = client_key<TypeParam>(1, age.protocol);
        table.insert(key, reply_key<TypeParam>(1, age.protocol), 1'000)->tcp = age.state;
        ASSERT_TRUE(this->find(table, key, 1'000 + age.limit)) << static_cast<int>(age.protocol);
        EXPECT_EQ(table.sweep(10, 1'000 + age.limit), 0U);
        EXPECT_FALSE(this->find(table, key, 1'001 + age.limit)) << static_cast<int>(age.protocol);
        EXPECT_EQ(table.size(), 0U) << "a lookup that comes across it erases it";
    }
}

TYPED_TEST(Connections, AClockThatIsBehindExpiresNothing) {
    ConnectionTable<TypeParam> table(10, {});
    const auto key = client_key<TypeParam>(1);
    ASSERT_NE(table.insert(key, reply_key<TypeParam>(1), 1'000), nullptr);
    EXPECT_TRUE(this->find(table, key, 998));
}

// One burst may hold several packets of a connection that has just expired.
TYPED_TEST(Connections, AnExpiredConnectionTwiceInOneBulk) {
    ConnectionTable<TypeParam> table(10, {});
    const auto key = client_key<TypeParam>(1);
    ASSERT_NE(table.insert(key, reply_key<TypeParam>(1), 0), nullptr);
    for (const auto& hit : this->find_all(table, {key, reply_key<TypeParam>(1), key}, 10'000)) EXPECT_FALSE(hit);
    EXPECT_EQ(table.size(), 0U);
    EXPECT_NE(table.insert(key, reply_key<TypeParam>(1), 10'000), nullptr);
}

TYPED_TEST(Connections, SweepLooksAtAFewRecordsAtATimeAndComesRound) {
    ConnectionTable<TypeParam> table(100, {});
    for (std::uint32_t n = 0; n < 100; ++n)
        ASSERT_NE(table.insert(client_key<TypeParam>(n), reply_key<TypeParam>(n), n < 90 ? 0 : 400), nullptr);
    std::size_t erased = 0;
    for (int turn = 0; turn < 10; ++turn) {
        const std::size_t now = table.sweep(10, 500);
        EXPECT_LE(now, 10U);
        erased += now;
    }
    EXPECT_EQ(erased, 90U);
    EXPECT_EQ(table.sweep(1'000'000, 1'000), 10U);
}

TYPED_TEST(Connections, SweepPassesOverRecordsThatHaveNeverBeenUsed) {
    ConnectionTable<TypeParam> table(1'000, {});
    EXPECT_EQ(table.sweep(10, 10'000), 0U);
    for (int round = 0; round < 3; ++round) {
        for (std::uint32_t n = 0; n < 4; ++n)
            ASSERT_NE(table.insert(client_key<TypeParam>(n), reply_key<TypeParam>(n), 0), nullptr);
        EXPECT_EQ(table.sweep(1, 10'000), 1U);
        EXPECT_EQ(table.sweep(3, 10'000), 3U);
        EXPECT_EQ(table.size(), 0U);
    }
}

TYPED_TEST(Connections, CopyShowsEveryLiveConnectionOnce) {
    ConnectionTable<TypeParam> table(1'000, {});
    for (std::uint32_t n = 0; n < 300; ++n)
        ASSERT_NE(table.insert(client_key<TypeParam>(n), reply_key<TypeParam>(n), 1), nullptr);
    for (std::uint32_t n = 0; n < 300; n += 3) table.erase(*this->find(table, client_key<TypeParam>(n), 1).connection);
    std::array<Connection<TypeParam>, 16> out;
    std::set<std::uint16_t> ports;
    std::size_t cursor = 0, total = 0;
    do {
        std::size_t copied = 0;
        cursor = table.copy(cursor, out, copied);
        for (std::size_t i = 0; i < copied; ++i) ports.insert(out[i].original.source_port.value());
        total += copied;
    } while (cursor != 0);
    EXPECT_EQ(total, 200U);
    EXPECT_EQ(ports.size(), 200U);
}

TYPED_TEST(Connections, MemoryPerConnectionIsBounded) {
    constexpr std::size_t capacity = 1U << 18U;
    const ConnectionTable<TypeParam> table(capacity, {});
    const double bytes = static_cast<double>(table.memory()) / capacity;
    EXPECT_LE(bytes, (std::same_as<TypeParam, Ipv4> ? 110.0 : 160.0));
}

TYPED_TEST(Connections, MemoryThatIsNotToBeHad) {
    EXPECT_THROW(ConnectionTable<TypeParam>(0, {}), std::bad_alloc);
    EXPECT_THROW(ConnectionTable<TypeParam>(std::size_t{1} << 40U, {}), std::bad_alloc);
}

}  // namespace
}  // namespace viaduct::test
