// Source ports for translated connections, and which worker owns which: the port space cut into fixed slots.
//
// Theory of operation. The ports 1024–65535 are 63 slots of 1024. A slot belongs to one worker, so a reply's
// destination port names its owner, whatever the number of workers is. A candidate port is computed from the flow's
// hash alone: a gateway that has lost its connections translates a flow as before, while its slot's ports are free.
// A candidate is taken when no connection has that reply key yet: uniqueness is per (address, port, backend).
#pragma once

#include <array>
#include <cstdint>

#include "encap/net_types.h"

namespace viaduct {

/// A data-path thread, 0 … max_workers − 1.
using WorkerId = std::uint8_t;
inline constexpr std::size_t max_workers = 32;

inline constexpr unsigned port_slots = 63;
inline constexpr unsigned ports_per_slot = 1024;

/// The slot that a port of ≥ 1024 lies in; ports below are in nobody's slot and count as slot 0.
[[nodiscard]] constexpr unsigned slot_of_port(Be16 port) noexcept {
    return port.value() < ports_per_slot ? 0U : port.value() / ports_per_slot - 1U;
}
/// The slot of a flow that no SNAT port names yet. `symmetric_hash` is the same for both directions.
[[nodiscard]] constexpr unsigned slot_of_hash(std::uint32_t symmetric_hash) noexcept {
    return static_cast<unsigned>((std::uint64_t{symmetric_hash} * port_slots) >> 32U);
}
/// The `attempt`-th candidate port of a flow in this slot. Attempts 0 … ports_per_slot − 1 visit every port once.
[[nodiscard]] constexpr Be16 snat_port(unsigned slot, std::uint32_t flow_hash, unsigned attempt) noexcept {
    return Be16(static_cast<std::uint16_t>((slot + 1U) * ports_per_slot + (flow_hash + attempt) % ports_per_slot));
}

namespace detail {

struct Halves {  // of an IPv6 address, in host order
    std::uint64_t high, low;
};
[[nodiscard]] constexpr Halves halves(const Ipv6& address) noexcept {
    const auto raw = address.raw();
    return {BigEndian<std::uint64_t>::from_raw(raw[0]).value(), BigEndian<std::uint64_t>::from_raw(raw[1]).value()};
}
/// Whether `address` is one of the `count` addresses from `first` on.
[[nodiscard]] constexpr bool within(const Ipv6& first, std::uint32_t count, const Ipv6& address) noexcept {
    const Halves from = halves(first), to = halves(address);
    const std::uint64_t borrow = to.low < from.low ? 1 : 0;
    return to.high - from.high - borrow == 0 && to.low - from.low < count;
}
[[nodiscard]] constexpr bool within(Ipv4 first, std::uint32_t count, Ipv4 address) noexcept {
    return address.host() - first.host() < count;
}

}  // namespace detail

/// Consecutive addresses that connections are translated to. `count` 0: SNAT is not possible in this family.
template <Address A>
struct SnatPool {
    A first{};
    std::uint32_t count = 0;  // at most 65,536

    /// A client keeps its address: what its servers see does not change between its connections.
    [[nodiscard]] A choose(std::uint32_t client_hash) const noexcept;
    [[nodiscard]] bool contains(const A& address) const noexcept { return detail::within(first, count, address); }
};

/// Which worker owns each slot.
class SlotMap {
public:
    /// All slots spread evenly over `workers` (1 … max_workers).
    explicit SlotMap(unsigned workers);
    [[nodiscard]] WorkerId owner(unsigned slot) const noexcept { return owner_[slot]; }
    /// A slot of this worker, chosen by hash: for flows that stay where they were received.
    [[nodiscard]] unsigned own_slot(WorkerId worker, std::uint32_t hash) const noexcept;
    [[nodiscard]] unsigned workers() const noexcept { return workers_; }

private:
    std::array<WorkerId, port_slots> owner_{};
    unsigned workers_;
};

}  // namespace viaduct
