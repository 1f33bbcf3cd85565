// Services as the data path sees them: frontends that find a service, and a service's set of backends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "encap/net_types.h"
#include "lb/huge_heap.h"
#include "lb/prefetch.h"
#include "lb/shared_text.h"

namespace viaduct {

/// A backend's identity over time. `index` is reused only with another `generation`.
struct BackendId {
    std::uint32_t index = 0xffffffff;
    std::uint32_t generation = 0;
    bool operator==(const BackendId&) const = default;
    [[nodiscard]] bool is_none() const { return index == 0xffffffff; }
};

struct Backend {
    IpAddress address;
    Be16 port;
    std::uint32_t weight = 1;
    BackendId id;
};
static_assert(64 % sizeof(Backend) == 0, "none lies across two cache lines");

/// Maglev slot → position among a set's backends.
using MaglevTable = HugeVector<std::uint16_t>;
using SharedMaglevTable = std::shared_ptr<const MaglevTable>;

/// The table of backends in the order of (address, port), at least one. It depends on addresses and weights alone: the
/// ports of one Service, which lead to the same pods, have equal tables.
[[nodiscard]] SharedMaglevTable make_maglev_table(std::span<const Backend> backends);

/// What a new flow reads of a set of backends: which of them it goes to. As long as the set lives.
class BackendChoice {
public:
    BackendChoice() = default;
    BackendChoice(std::span<const Backend> backends, std::span<const std::uint16_t> table) noexcept
        : backends_(backends.data()), table_(table) {}

    [[nodiscard]] bool empty() const noexcept { return table_.empty(); }
    /// The Maglev slot of a 32-bit hash, by range reduction (no division).
    [[nodiscard]] std::uint32_t slot(std::uint32_t hash) const noexcept {
        return static_cast<std::uint32_t>((std::uint64_t{hash} * table_.size()) >> 32U);
    }
    /// Asks for the memory that `choose` will read for this hash.
    void prefetch(std::uint32_t hash) const noexcept { viaduct::prefetch(table_.data() + slot(hash)); }
    /// The backend that a new flow with this hash goes to. Not for empty sets.
    [[nodiscard]] const Backend& choose(std::uint32_t hash) const noexcept { return backends_[table_[slot(hash)]]; }

private:
    const Backend* backends_ = nullptr;
    std::span<const std::uint16_t> table_;
};

/// The ready backends of one or several services, in the order of their addresses, with their Maglev table.
/// Immutable and shared: services with identical backends, and successive snapshots, point to one set.
class BackendSet {
public:
    using TableOf = std::function<SharedMaglevTable(std::span<const Backend>)>;
    /// `backends` may come in any order and hold duplicates of (address, port). Empty is a valid set: `empty()`.
    /// `table_of` finds or makes what `make_maglev_table` would.
    explicit BackendSet(const std::vector<Backend>& backends, const TableOf& table_of = make_maglev_table);

    [[nodiscard]] bool empty() const noexcept { return backends_.empty(); }
    [[nodiscard]] std::span<const Backend> backends() const noexcept { return backends_; }
    [[nodiscard]] std::span<const std::uint16_t> table() const noexcept { return table_; }
    [[nodiscard]] BackendChoice choice() const noexcept { return {backends_, table_}; }
    /// The backend with this identity, or nullptr when it is gone: for stale UDP flows and for affinity.
    [[nodiscard]] const Backend* find(BackendId id) const noexcept;

private:
    HugeVector<Backend> backends_;  // by (address, port)
    std::span<const std::uint16_t> table_;
    HugeVector<std::uint16_t> by_id_;  // positions in backends_, sorted by (id.index, id.generation)
    SharedMaglevTable shared_table_;   // keeps `table_`; not read with packets
};

using ServiceIndex = std::uint32_t;
inline constexpr ServiceIndex no_service = 0xffffffff;

/// What to do with new flows to a service without backends.
enum class WhenEmpty : std::uint8_t {
    reject,  // TCP RST or ICMP port unreachable: nobody serves it
    drop,    // silence: the traffic policy is Local, and others may serve it
};

/// One frontend group of a Service port: all frontends that share policy and backends. What a first packet reads is in
/// the first cache line.
struct alignas(64) Service {
    std::uint64_t id = 0;                 // stable over snapshots: hash of the name, for connections and affinity
    BackendChoice choice;                 // of `backends`
    std::vector<IpPrefix> source_ranges;  // loadBalancerSourceRanges; empty: everyone
    std::uint32_t affinity_seconds = 0;   // sessionAffinity ClientIP timeout; 0: none
    NetworkId network{};                  // where the backends live
    WhenEmpty when_empty = WhenEmpty::reject;
    std::shared_ptr<const BackendSet> backends;
    SharedText name;  // "namespace/name:port" for people

    void serve_from(std::shared_ptr<const BackendSet> set) {
        choice = set->choice();
        backends = std::move(set);
    }

    [[nodiscard]] bool admits(IpAddress client) const noexcept {
        if (source_ranges.empty()) return true;
        for (const IpPrefix& range : source_ranges)
            if (range.contains(client)) return true;
        return false;
    }
};
static_assert(offsetof(Service, backends) == 64);

}  // namespace viaduct
