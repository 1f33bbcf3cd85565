// Ports for packets that carry none: a later fragment belongs to the connection of its datagram's first fragment.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "dataplane/burst.h"

namespace viaduct {

/// Datagrams in flight in pieces, in a set-associative table of fixed size. Later fragments that overtake the first one
/// wait for it, a few per datagram and for a short while (RFC 791 gives no order; RFC 5722 bounds the trust).
class FragmentTable {
public:
    static constexpr Seconds lifetime = 5;
    enum class Outcome : std::uint8_t { ports_known, waits, full };

    /// Room for about `datagrams` (rounded up to a power of two, at least one set).
    explicit FragmentTable(std::size_t datagrams);

    /// A first fragment teaches its ports; a later one learns them (into `meta`'s key), or waits in here.
    template <Address A>
    [[nodiscard]] Outcome settle(rte_mbuf& mbuf, const std::uint8_t* frame, PacketMeta& meta, Seconds clock) noexcept;

    /// Fills `ready` with fragments whose first one has come, `hopeless` with those that waited in vain. Bounded work.
    void release(Seconds clock, Burst& ready, Burst& hopeless) noexcept;
    [[nodiscard]] std::size_t held() const noexcept { return held_; }

private:
    static constexpr unsigned ways = 4, most_waiting = 8;
    struct Datagram {
        Ipv6 source, destination;  // IPv4 in the first four bytes
        std::uint32_t id = 0;
        NetworkId network{};
        Family family{};
        bool known = false;  // the first fragment has been seen
        Protocol protocol{};
        Be16 source_port, destination_port;
        Seconds deadline = 0;  // 0: free
        unsigned waiting = 0;
        std::array<rte_mbuf*, most_waiting> mbufs{};
    };
    [[nodiscard]] Datagram* find_or_take(const Datagram& wanted, Seconds clock) noexcept;
    void let_go(Datagram& datagram, Burst& out) noexcept;

    std::vector<Datagram> datagrams_;
    std::size_t sets_mask_;
    std::size_t cursor_ = 0;  // of release's sweep
    std::size_t held_ = 0;
};

}  // namespace viaduct
