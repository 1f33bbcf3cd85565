// Publication under threads, with a grace period of the readers' epochs: nothing is freed under a reader's eyes.
#include "tables/published.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace viaduct {
namespace {

/// Every reader repeats the epoch that it saw last; a period is over when all have repeated it.
class Epochs : public GracePeriod {
public:
    explicit Epochs(std::size_t readers) : readers_(readers) {}
    std::uint64_t start() override { return epoch_.fetch_add(1, std::memory_order_acq_rel) + 1; }
    bool elapsed(std::uint64_t token) override {
        for (std::size_t i = 0; i < readers_; ++i)
            if (seen_[i].load(std::memory_order_acquire) < token) return false;
        return true;
    }
    void quiescent(std::size_t reader) {
        seen_[reader].store(epoch_.load(std::memory_order_acquire), std::memory_order_release);
    }

private:
    static constexpr std::size_t max_readers = 8;
    std::size_t readers_;
    std::atomic<std::uint64_t> epoch_{0};
    std::array<std::atomic<std::uint64_t>, max_readers> seen_{};
};

/// A snapshot whose parts all say its version; a reader of freed or half-made memory would notice.
std::shared_ptr<const Snapshot> numbered(std::uint32_t version) {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->version = version;
    snapshot->services_version = version;
    NextHop hop;
    hop.address = Ipv4::from_host(version);
    snapshot->next_hops = std::vector(16, hop);
    return snapshot;
}
bool consistent(const Snapshot& snapshot) {
    for (const NextHop& hop : snapshot.next_hops)
        if (hop.address.v4().host() != snapshot.version) return false;
    return snapshot.services_version == snapshot.version;
}

TEST(PublishedTest, StartsWithAnEmptySnapshot) {
    Epochs epochs(0);
    const Published published(epochs);
    EXPECT_EQ(published.read().version, 0U);
    EXPECT_EQ(published.current().get(), &published.read());
}

TEST(PublishedTest, AnOldSnapshotWaitsForEveryReader) {
    Epochs epochs(2);
    Published published(epochs);
    published.publish(numbered(1));
    const std::weak_ptr<const Snapshot> first = published.current();
    epochs.quiescent(0);
    epochs.quiescent(1);
    EXPECT_EQ(published.reclaim(), 0U);

    published.publish(numbered(2));
    EXPECT_EQ(published.read().version, 2U);
    EXPECT_EQ(published.reclaim(), 1U);
    epochs.quiescent(0);
    EXPECT_EQ(published.reclaim(), 1U);
    EXPECT_FALSE(first.expired()) << "reader 1 may still look at it";
    epochs.quiescent(1);
    EXPECT_EQ(published.reclaim(), 0U);
    EXPECT_TRUE(first.expired());
}

TEST(PublishedTest, APeriodFreesEverythingBeforeIt) {
    Epochs epochs(1);
    Published published(epochs);
    for (std::uint32_t i = 1; i <= 5; ++i) published.publish(numbered(i));
    EXPECT_EQ(published.reclaim(), 5U);
    epochs.quiescent(0);
    published.publish(numbered(6));
    EXPECT_EQ(published.reclaim(), 1U) << "the last one's period has only begun";
}

TEST(PublishedTest, WhoeverHoldsASnapshotKeepsIt) {
    Epochs epochs(0);
    Published published(epochs);
    published.publish(numbered(1));
    const std::shared_ptr<const Snapshot> held = published.current();
    published.publish(numbered(2));
    EXPECT_EQ(published.reclaim(), 0U);
    EXPECT_TRUE(consistent(*held));
    EXPECT_EQ(held->version, 1U);
}

TEST(PublishedTest, TheEndFreesEverything) {
    std::weak_ptr<const Snapshot> waiting, last;
    Epochs epochs(1);
    {
        Published published(epochs);
        published.publish(numbered(1));
        waiting = published.current();
        published.publish(numbered(2));
        last = published.current();
    }
    EXPECT_TRUE(waiting.expired());
    EXPECT_TRUE(last.expired());
}

TEST(PublishedTest, ReadersNeverSeeAFreedSnapshot) {
    constexpr std::size_t readers = 3;
    constexpr std::uint32_t publications = 3000;
    Epochs epochs(readers);
    Published published(epochs);
    std::atomic<bool> good{true};
    const auto read = [&](std::size_t self) {
        for (std::uint64_t seen = 0; seen < publications; epochs.quiescent(self)) {
            const Snapshot& now = published.read();
            if (now.version < seen || (now.version > 0 && !consistent(now))) good = false;
            seen = now.version;
        }
    };
    const auto hold = [&] {
        for (std::uint64_t seen = 0; seen < publications;) {
            const std::shared_ptr<const Snapshot> now = published.current();
            if (now->version > 0 && !consistent(*now)) good = false;
            seen = now->version;
        }
    };
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < readers; ++i) threads.emplace_back(read, i);
    threads.emplace_back(hold);
    for (std::uint32_t i = 1; i <= publications; ++i) {
        published.publish(numbered(i));
        published.reclaim();
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(good);
    // A reader may have met the last snapshot, and left, just before that one's period began.
    for (std::size_t i = 0; i < readers; ++i) epochs.quiescent(i);
    EXPECT_EQ(published.reclaim(), 0U);
}

}  // namespace
}  // namespace viaduct
