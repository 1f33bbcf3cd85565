// SNAT ports name their owner, candidates never repeat, and slots and addresses are spread evenly.
#include "lb/snat.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <stdexcept>

namespace viaduct {
namespace {

TEST(Snat, EveryCandidatePortIsInItsSlotAndVisitedOnce) {
    for (unsigned slot = 0; slot < port_slots; ++slot) {
        std::set<std::uint16_t> ports;
        for (unsigned attempt = 0; attempt < ports_per_slot; ++attempt) {
            const Be16 port = snat_port(slot, 0xdeadbeef * (slot + 1), attempt);
            ASSERT_EQ(slot_of_port(port), slot);
            ports.insert(port.value());
        }
        ASSERT_EQ(ports.size(), ports_per_slot) << slot;
    }
}

TEST(Snat, TheReplysPortNamesTheOwner) {
    for (unsigned workers = 1; workers <= max_workers; ++workers) {
        const SlotMap slots(workers);
        for (unsigned worker = 0; worker < workers; ++worker)
            for (const std::uint32_t hash : {0U, 1U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
                const unsigned slot = slots.own_slot(static_cast<WorkerId>(worker), hash);
                ASSERT_LT(slot, port_slots);
                EXPECT_EQ(slots.owner(slot_of_port(snat_port(slot, hash, 5))), worker);
            }
    }
}

TEST(Snat, SlotsAreSpreadEvenly) {
    for (unsigned workers = 1; workers <= max_workers; ++workers) {
        const SlotMap slots(workers);
        std::map<WorkerId, unsigned> owned;
        for (unsigned slot = 0; slot < port_slots; ++slot) ++owned[slots.owner(slot)];
        ASSERT_EQ(owned.size(), workers);
        for (const auto& [worker, count] : owned) EXPECT_NEAR(count, port_slots / workers, 1);
    }
}

TEST(Snat, EverySlotOfAWorkerIsUsed) {
    const SlotMap slots(4);
    std::set<unsigned> used;
    for (std::uint32_t i = 0; i < 1'000; ++i) used.insert(slots.own_slot(1, i * 4'294'967U));
    EXPECT_EQ(used.size(), 16U);
}

TEST(Snat, PortsBelowTheSlotsCountAsSlotZero) {
    EXPECT_EQ(slot_of_port(Be16(0)), 0U);
    EXPECT_EQ(slot_of_port(Be16(1023)), 0U);
    EXPECT_EQ(slot_of_port(Be16(1024)), 0U);
    EXPECT_EQ(slot_of_port(Be16(65535)), 62U);
    EXPECT_EQ(slot_of_hash(0), 0U);
    EXPECT_EQ(slot_of_hash(0xffffffff), 62U);
}

TEST(Snat, SlotMapRefusesNoWorkers) {
    EXPECT_THROW(SlotMap(0), std::invalid_argument);
    EXPECT_THROW(SlotMap(max_workers + 1), std::invalid_argument);
}

TEST(SnatPool, ChoosesEveryAddressAndNoOther) {
    const SnatPool<Ipv4> pool{Ipv4(10, 244, 0, 2), 253};
    std::set<std::uint32_t> chosen;
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        const Ipv4 address = pool.choose(i * 429'496U);
        ASSERT_TRUE(pool.contains(address));
        chosen.insert(address.host());
    }
    EXPECT_EQ(chosen.size(), 253U);
    EXPECT_EQ(pool.choose(0), Ipv4(10, 244, 0, 2));
    EXPECT_EQ(pool.choose(0xffffffff), Ipv4(10, 244, 0, 254));
    EXPECT_FALSE(pool.contains(Ipv4(10, 244, 0, 1)));
    EXPECT_FALSE(pool.contains(Ipv4(10, 244, 0, 255)));
}

TEST(SnatPool, CarriesAcrossTheHalvesOfAnIpv6Address) {
    SnatPool<Ipv6> pool{};
    pool.first.bytes = {0xfd, 0, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255};
    pool.count = 2;
    Ipv6 second;
    second.bytes = {0xfd, 0, 0, 0, 0, 0, 0, 2};
    EXPECT_EQ(pool.choose(0), pool.first);
    EXPECT_EQ(pool.choose(0xffffffff), second);
    EXPECT_TRUE(pool.contains(pool.first));
    EXPECT_TRUE(pool.contains(second));
    second.bytes[15] = 1;
    EXPECT_FALSE(pool.contains(second));
    EXPECT_FALSE(pool.contains(Ipv6{}));
}

TEST(SnatPool, AnEmptyPoolContainsNothing) {
    EXPECT_FALSE(SnatPool<Ipv4>{}.contains(Ipv4{}));
    EXPECT_FALSE(SnatPool<Ipv6>{}.contains(Ipv6{}));
}

}  // namespace
}  // namespace viaduct
