// Maglev tables: the paper's example, and the properties that Services rely on.
#include "lb/maglev.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>

namespace viaduct {
namespace {

using Table = std::vector<std::uint16_t>;

std::vector<std::string> random_identities(std::mt19937_64& random, std::size_t count) {
    std::vector<std::string> identities;
    for (std::size_t i = 0; i < count; ++i)
        identities.push_back("10." + std::to_string(random() % 256) + "." + std::to_string(random() % 256) + "." +
                             std::to_string(i % 256) + ":" + std::to_string(1024 + i / 256));
    return identities;
}

std::vector<MaglevPermutation> permutations(const std::vector<std::string>& identities, std::uint32_t size) {
    std::vector<MaglevPermutation> result;
    for (const std::string& identity : identities) result.push_back(maglev_permutation(identity, size));
    return result;
}

std::vector<std::uint32_t> shares(const Table& table, std::size_t backends) {
    std::vector<std::uint32_t> counts(backends);
    for (const std::uint16_t backend : table) ++counts.at(backend);
    return counts;
}

// Eisenbud et al., Table 1: three backends, seven slots; then without B1.
TEST(Maglev, ThePapersExample) {
    const std::vector<MaglevPermutation> all{{3, 4}, {0, 2}, {3, 1}};
    EXPECT_EQ(maglev_table(all, 7), (Table{1, 0, 1, 0, 2, 2, 0}));
    const std::vector<MaglevPermutation> without_b1{{3, 4}, {3, 1}};
    EXPECT_EQ(maglev_table(without_b1, 7), (Table{0, 0, 0, 0, 1, 1, 1}));
}

TEST(Maglev, SharesDifferByOneAtMost) {
    std::mt19937_64 random(1);
    for (const std::size_t n : {1U, 2U, 3U, 10U, 99U, 500U}) {
        const std::uint32_t size = maglev_size(n);
        const auto counts = shares(maglev_table(permutations(random_identities(random, n), size), size), n);
        const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
        EXPECT_LE(*most - *least, 1U) << n;
        EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0U), size);
    }
}

TEST(Maglev, WeightsAreSharesWithinRounding) {
    std::mt19937_64 random(2);
    for (int round = 0; round < 20; ++round) {
        auto backends = permutations(random_identities(random, 20), 65'537);
        double whole = 0;
        for (auto& backend : backends) whole += backend.weight = 1 + static_cast<std::uint32_t>(random() % 100);
        const auto counts = shares(maglev_table(backends, 65'537), backends.size());
        for (std::size_t i = 0; i < backends.size(); ++i)
            EXPECT_NEAR(counts[i], 65'537 * backends[i].weight / whole, 2.0) << backends[i].weight;
    }
}

TEST(Maglev, TheLightestBackendHasASlot) {
    std::vector<MaglevPermutation> backends{{1, 1, 4'000'000'000}, {2, 3, 1}, {3, 5, 1}};
    const auto counts = shares(maglev_table(backends, 1021), 3);
    EXPECT_EQ(counts, (std::vector<std::uint32_t>{1019, 1, 1}));
}

TEST(Maglev, EqualWeightsAreNoWeights) {
    std::mt19937_64 random(3);
    auto backends = permutations(random_identities(random, 10), 1021);
    const Table plain = maglev_table(backends, 1021);
    for (auto& backend : backends) backend.weight = 50;
    EXPECT_EQ(maglev_table(backends, 1021), plain);
}

struct Disruption {
    std::size_t backends;
    std::uint32_t size;
    double mean;  // per cent of the surviving backends' slots that move when one backend goes
    int sets;
};

double moved(const std::vector<std::string>& identities, std::uint32_t size, std::size_t removed) {
    auto survivors = identities;
    survivors.erase(survivors.begin() + static_cast<std::ptrdiff_t>(removed));
    const Table before = maglev_table(permutations(identities, size), size);
    const Table after = maglev_table(permutations(survivors, size), size);
    std::size_t kept = 0, changed = 0;
    for (std::size_t slot = 0; slot < size; ++slot) {
        if (before[slot] == removed) continue;
        ++kept;
        if (identities[before[slot]] != survivors[after[slot]]) ++changed;
    }
    return 100.0 * static_cast<double>(changed) / static_cast<double>(kept);
}

TEST(Maglev, RemovingABackendMovesFewOthers) {
    const std::vector<Disruption> rows{{3, 1021, 0.76, 400},   {10, 1009, 2.96, 300}, {10, 2039, 1.95, 300},
                                       {10, 4093, 1.20, 200},  {10, 16381, 0.59, 80}, {50, 16381, 1.02, 50},
                                       {100, 16381, 1.37, 50}, {100, 65537, 0.56, 50}};
    std::mt19937_64 random(4);
    for (const Disruption& row : rows) {
        double sum = 0;
        for (int set = 0; set < row.sets; ++set)
            sum += moved(random_identities(random, row.backends), row.size, random() % row.backends);
        EXPECT_LE(sum / row.sets, row.mean * 1.1) << row.backends << " backends, " << row.size << " slots";
    }
}

TEST(Maglev, WhatItRefuses) {
    const std::vector<MaglevPermutation> one{{0, 1}};
    EXPECT_THROW((void)maglev_table(one, 1024), std::invalid_argument);
    EXPECT_THROW((void)maglev_table({}, 1021), std::invalid_argument);
    EXPECT_THROW((void)maglev_table(std::vector(8, MaglevPermutation{}), 7), std::invalid_argument);
    EXPECT_THROW((void)maglev_table(std::vector<MaglevPermutation>{{7, 1}}, 7), std::invalid_argument);
    EXPECT_THROW((void)maglev_table(std::vector<MaglevPermutation>{{0, 7}}, 7), std::invalid_argument);
    EXPECT_THROW((void)maglev_table(std::vector<MaglevPermutation>{{0, 0}}, 7), std::invalid_argument);
    EXPECT_THROW((void)maglev_table(std::vector<MaglevPermutation>{{0, 1, 0}}, 7), std::invalid_argument);
}

TEST(Maglev, SizesArePrimeAndLargeEnough) {
    for (const std::size_t n : {0U, 1U, 2U, 3U, 6U, 7U, 25U, 100U, 101U, 655U, 656U, 1'310U, 5'000U, 65'535U}) {
        const std::uint32_t size = maglev_size(n);
        EXPECT_TRUE(is_prime(size)) << n;
        EXPECT_GE(size, 1021U);
        EXPECT_GT(size, 100 * n);
        EXPECT_GE(size, 150 * std::min<std::size_t>(n, 436));
    }
    EXPECT_EQ(maglev_size(1), 1021U);
    EXPECT_EQ(maglev_size(6), 1021U);
    EXPECT_EQ(maglev_size(7), 2039U);
    EXPECT_EQ(maglev_size(436), 65'537U);
    EXPECT_EQ(maglev_size(655), 65'537U);
    EXPECT_EQ(maglev_size(656), 131'071U);
}

TEST(Maglev, Primes) {
    for (const std::uint32_t n : {2U, 3U, 7U, 251U, 65'537U, 655'373U, 4'294'967'291U}) EXPECT_TRUE(is_prime(n)) << n;
    for (const std::uint32_t n : {0U, 1U, 4U, 9U, 1024U, 65'536U, 4'294'967'295U}) EXPECT_FALSE(is_prime(n)) << n;
}

// Gateways of different versions and machines must agree; these values are the contract.
TEST(Maglev, PermutationsNeverChange) {
    const auto v4 = maglev_permutation("10.244.1.2:8080", 65'537);
    const auto v6 = maglev_permutation("[fd00:244:1::2]:8080", 65'537);
    EXPECT_EQ((std::array{v4.offset, v4.skip, v4.weight}), (std::array{18'610U, 6'394U, 1U}));
    EXPECT_EQ((std::array{v6.offset, v6.skip, v6.weight}), (std::array{13'782U, 32'764U, 1U}));
}

}  // namespace
}  // namespace viaduct
