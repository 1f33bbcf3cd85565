// What the workers count: plain words per worker, written by their owner alone, read by anyone.
//
// The law: summed over workers, rx = tx + punt + Σ drops + held, where held are the packets that wait for a neighbour
// or a first fragment. Packets of the gateway's own making (ICMP errors, RSTs, further fragments)
// are in none of these.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "encap/drop.h"
#include "encap/packet.h"
#include "tables/stage.h"

namespace viaduct {

/// A word with one writer. Reads may be a little old, never torn.
class Counter {
public:
    void add(std::uint64_t n) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

struct PortCounters {
    Counter rx_packets, rx_bytes, tx_packets, tx_bytes;
};

/// What a stage took of the bursts that were timed: a sample of all.
struct StageCounters {
    Counter cycles;   // of the TSC
    Counter packets;  // that had not been decided when the stage began
};

struct alignas(64) WorkerCounters {
    Counter rx;               // packets taken from ports
    Counter tx;               // received packets that left by a port, answered echoes included
    Counter punt;             // received packets given to the kernel
    Counter originated;       // packets of our own making that left
    Counter originated_lost;  // … and that did not
    Counter held;             // gauge: packets waiting
    Counter handed_over;      // packets passed to another worker (counted as rx here, as an outcome there)
    Counter encapsulated, decapsulated, translated;
    Counter connections_opened, connections_expired;
    Counter untracked;  // new flows that a full table could not remember and that were forwarded all the same
    Counter connections_v4, connections_v6;  // gauges
    Counter turns, busy_turns, sleeps;       // of the worker's loop
    std::array<Counter, drop_count> drops;
    std::array<PortCounters, max_ports> ports;
    Counter timed_bursts, timed_packets;
    std::array<StageCounters, stage_count> stages;
};

/// A sum over workers, as plain numbers.
struct CounterTotals {
    std::uint64_t rx = 0, tx = 0, punt = 0, originated = 0, held = 0, handed_over = 0;
    std::array<std::uint64_t, drop_count> drops{};
    [[nodiscard]] std::uint64_t dropped() const noexcept {
        std::uint64_t sum = 0;
        for (const std::uint64_t n : drops) sum += n;
        return sum;
    }
    /// True when every received packet is accounted for. Only meaningful while no packet is in a ring or a stage.
    [[nodiscard]] bool conserved() const noexcept { return rx == tx + punt + held + dropped(); }
};

}  // namespace viaduct
