// Packets that wait for their next hop's MAC address: few, bounded, and none of them lost without being counted.
#pragma once

#include <cstddef>
#include <vector>

#include "dataplane/burst.h"
#include "dataplane/surroundings.h"
#include "tables/snapshot.h"

namespace viaduct {

class WaitingPackets {
public:
    static constexpr Seconds patience = 3;

    explicit WaitingPackets(std::size_t capacity) : packets_(capacity) {}

    /// Keeps the packet (verdict held) until `address` is known on `port`; asks the control thread for it.
    /// When there is no room the packet is dropped.
    void hold(Burst& burst, Packet& packet, PortId port, IpAddress address, const Surroundings& around,
              Seconds clock) noexcept;
    /// Fills `ready` with packets that can go on at stage route, and `hopeless` with those that waited in vain.
    void release(const Snapshot& now, Seconds clock, Burst& ready, Burst& hopeless) noexcept;
    /// Received packets that wait; the gateway's own do not count.
    [[nodiscard]] std::size_t held() const noexcept { return held_; }

private:
    struct Waiting {
        rte_mbuf* mbuf;
        Seconds deadline;
        PortId port;
        IpAddress address;
    };
    void let_go(rte_mbuf* mbuf, Burst& out) noexcept;

    std::vector<Waiting> packets_;  // allocated once; the first count_ are in use
    std::size_t count_ = 0;
    std::size_t held_ = 0;
    std::uint64_t version_ = 0;  // of the snapshot last looked at
    Seconds looked_ = 0;
};

}  // namespace viaduct
