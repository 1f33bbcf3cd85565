// Two threads that pass lines to each other, one by one and by the thousand.
#include "bench/line_cost.h"

#include <rte_cycles.h>
#include <rte_pause.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "bench/machine.h"
#include "lb/huge_array.h"
#include "lb/prefetch.h"

namespace viaduct {
namespace {

struct alignas(64) Line {
    std::array<std::uint64_t, 8> words;
};

/// The two take turns: `mine` is 0 or 1.
class Turns {
public:
    template <class Work>
    void play(unsigned mine, unsigned rounds, Work&& work) {
        for (unsigned turn = mine; turn < 2 * rounds; turn += 2) {
            while (turn_.load(std::memory_order_acquire) != turn) rte_pause();
            work();
            turn_.store(turn + 1, std::memory_order_release);
        }
    }

private:
    alignas(64) std::atomic<unsigned> turn_{0};
};

template <class First, class Second>
void together(std::array<unsigned, 2> cpus, unsigned rounds, First&& first, Second&& second) {
    Turns turns;
    const auto run = [&](unsigned mine, auto& work) {
        stay_on(cpus[mine]);
        turns.play(mine, rounds, work);
    };
    const std::jthread other([&] { run(1, second); });
    const std::jthread one([&] { run(0, first); });
}

double alone(std::array<unsigned, 2> cpus) {
    constexpr unsigned rounds = 10'000;
    std::uint64_t begin = 0, end = 0;
    const auto look = [&] {
        end = rte_rdtsc();
        if (begin == 0) begin = end;
    };
    together(cpus, rounds, look, [] {});
    return static_cast<double>(end - begin) / (2 * (rounds - 1));
}

double streamed(std::array<unsigned, 2> cpus) {
    constexpr unsigned rounds = 50, lines = 1024, ahead = 64;
    const HugeArray<Line> memory(lines);
    std::vector<unsigned> order(lines);
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::shuffle(order, std::mt19937(1));
    std::vector<double> cycles;
    std::uint64_t sum = 0;
    const auto write = [&] {
        for (const unsigned i : order) memory[i].words.fill(++sum);
    };
    const auto read = [&] {
        const std::uint64_t begin = rte_rdtsc_precise();
        for (unsigned i = 0; i < ahead; ++i) prefetch(&memory[order[i]]);
        for (unsigned i = 0; i < lines; ++i) {
            if (i + ahead < lines) prefetch(&memory[order[i + ahead]]);
            sum += memory[order[i]].words.back();
        }
        cycles.push_back(static_cast<double>(rte_rdtsc_precise() - begin) / lines);
    };
    together(cpus, rounds, write, read);
    std::ranges::nth_element(cycles, cycles.begin() + rounds / 2);
    return cycles[rounds / 2];
}

}  // namespace

LineCost line_cost(std::array<unsigned, 2> cpus) { return {alone(cpus), streamed(cpus)}; }

}  // namespace viaduct
