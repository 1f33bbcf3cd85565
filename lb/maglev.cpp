// Building Maglev tables: permutations, the population loop, and how large a table is.
#include "lb/maglev.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace viaduct {
namespace {

constexpr bool prime(std::uint32_t n) {
    if (n < 4) return n > 1;
    if (n % 2 == 0) return false;
    for (std::uint32_t d = 3; std::uint64_t{d} * d <= n; d += 2)
        if (n % d == 0) return false;
    return true;
}

// FNV-1a over the bytes, then the finalizer of MurmurHash3: short, the same on every machine, and so part of the
// contract between gateways that serve the same address.
constexpr std::uint64_t hash(std::string_view identity, std::uint64_t seed) {
    std::uint64_t h = seed;
    for (const char c : identity) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
    h = (h ^ (h >> 33U)) * 0xff51afd7ed558ccdU;
    h = (h ^ (h >> 33U)) * 0xc4ceb9fe1a85ec53U;
    return h ^ (h >> 33U);
}
constexpr std::uint64_t offset_seed = 0xcbf29ce484222325U;
constexpr std::uint64_t skip_seed = 0x9e3779b97f4a7c15U;

// Which slots are still empty: a bit each, so that the search stays in the first-level cache.
class Slots {
public:
    explicit Slots(std::uint32_t size) : taken_((size + 63) / 64) {}
    bool taken(std::uint32_t slot) const { return (taken_[slot / 64] >> (slot % 64) & 1U) != 0; }
    void take(std::uint32_t slot) { taken_[slot / 64] |= std::uint64_t{1} << (slot % 64); }

private:
    std::vector<std::uint64_t> taken_;
};

// One backend during population: where its preference list goes on, and how much of a turn it has saved up.
struct Turn {
    std::uint32_t next;
    std::uint64_t credit;
};

void check(std::span<const MaglevPermutation> backends, std::uint32_t size) {
    if (!prime(size)) throw std::invalid_argument("a Maglev table's size must be prime");
    if (backends.empty() || backends.size() > 65'535 || backends.size() > size)
        throw std::invalid_argument("a Maglev table holds 1 to 65,535 backends, and no more than slots");
    for (const MaglevPermutation& p : backends)
        if (p.offset >= size || p.skip == 0 || p.skip >= size || p.weight == 0)
            throw std::invalid_argument("a Maglev permutation must stay inside its table");
}

// Three figures decide. Balance: shares differ by at most N/M, so M > 100·N keeps them within 1 % (§3.4 of the paper).
// Disruption: when a backend goes, some slots of the others move too, on average 3 % at M = 100·N, 2 % at 200·N, 1 % at
// 500·N; and when M changes with N, nearly all of them do. That only matters to flows whose connection was lost as
// well, so the third may win, memory and the time to fill it: ten thousand Services of ten backends take 41 MB here.
// Hence 150·N up to 65,537 slots (436 backends), then that size as long as it gives 100·N, and then the next that does.
// The steps, at 7, 14, 28, 55, 110 and 219 backends, lie beyond round numbers and the quarter more of a rolling update.
constexpr std::array<std::uint32_t, 7> calm_sizes{1021, 2039, 4093, 8191, 16381, 32749, 65537};
constexpr std::array<std::uint32_t, 7> large_sizes{131071, 262139, 524287, 1048573, 2097143, 4194301, 8388593};
static_assert(std::all_of(calm_sizes.begin(), calm_sizes.end(), prime));
static_assert(std::all_of(large_sizes.begin(), large_sizes.end(), prime));

}  // namespace

bool is_prime(std::uint32_t n) { return prime(n); }

MaglevPermutation maglev_permutation(std::string_view identity, std::uint32_t size, std::uint32_t weight) {
    return {.offset = static_cast<std::uint32_t>(hash(identity, offset_seed) % size),
            .skip = static_cast<std::uint32_t>(hash(identity, skip_seed) % (size - 1) + 1),
            .weight = weight};
}

std::vector<std::uint16_t> maglev_table(std::span<const MaglevPermutation> backends, std::uint32_t size) {
    check(backends, size);
    const auto heavier = [](const auto& a, const auto& b) { return a.weight < b.weight; };
    const std::uint64_t whole_turn = std::max_element(backends.begin(), backends.end(), heavier)->weight;
    std::vector<Turn> turns;
    turns.reserve(backends.size());
    for (const MaglevPermutation& p : backends) turns.push_back({p.offset, whole_turn - p.weight});

    std::vector<std::uint16_t> table(size);
    Slots slots(size);
    // The heaviest take a slot in every round, the others in proportion, and everybody in the first.
    for (std::uint32_t filled = 0; filled < size;) {
        for (std::size_t i = 0; i < backends.size() && filled < size; ++i) {
            Turn& turn = turns[i];
            turn.credit += backends[i].weight;
            if (turn.credit < whole_turn) continue;
            turn.credit -= whole_turn;
            std::uint32_t slot = turn.next;
            const std::uint32_t skip = backends[i].skip;
            const auto after = [&](std::uint32_t s) { return s >= size - skip ? s - (size - skip) : s + skip; };
            while (slots.taken(slot)) slot = after(slot);
            slots.take(slot);
            table[slot] = static_cast<std::uint16_t>(i);
            turn.next = after(slot);
            ++filled;
        }
    }
    return table;
}

std::uint32_t maglev_size(std::size_t backends) {
    for (const std::uint32_t size : calm_sizes)
        if (size >= 150 * backends) return size;
    if (100 * backends < calm_sizes.back()) return calm_sizes.back();
    for (const std::uint32_t size : large_sizes)
        if (size > 100 * backends) return size;
    return large_sizes.back();
}

}  // namespace viaduct
