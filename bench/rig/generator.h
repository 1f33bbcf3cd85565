// The generator: sends and receives in one thread, which polls without a pause on a core of its own.
//
// Theory of operation. Every turn sends what is due of each lane, at most a burst, then takes what has arrived, judges
// it and lets it go. A full ring loses the frame, as a NIC's would. After the last frame it waits until all are back or
// none has come for a while. Received buffers come from another pool than sent ones, whose bytes behind the headers
// stay zero.
#pragma once

#include <rte_mempool.h>

#include <array>
#include <functional>
#include <memory>

#include "bench/rig/frame_sizes.h"
#include "bench/rig/trial.h"

namespace viaduct::rig {

/// Packet buffers, all of them zero.
class Pool {
public:
    Pool(const char* name, unsigned buffers);
    [[nodiscard]] rte_mempool* get() const noexcept { return pool_.get(); }

private:
    struct Free {
        void operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }
    };
    std::unique_ptr<rte_mempool, Free> pool_;
};

/// Ethdev numbers of the rig's two ports.
using Ports = std::array<std::uint16_t, 2>;  // by Side

template <Address A>
class Generator {
public:
    Generator(const Site& site, const Ports& ports, const Pool& send);

    struct Traffic {
        std::vector<Lane<A>*> lanes;
        const FrameSizes* sizes = nullptr;
        const std::vector<std::uint32_t>* order = nullptr;  // of the flows that are active
        std::uint32_t active = 0;                           // that many of a lane's flows at a time
        unsigned check_sums_of = 64;                        // one frame in so many
    };
    /// The lanes are new ones.
    void restart() noexcept { window_ = 0; }
    [[nodiscard]] Trial run(const Traffic& traffic, const Load& load);

private:
    struct Sending;
    void send(Sending& lane, const Traffic& traffic, unsigned count, Trial& trial);
    unsigned receive(Side side, const Traffic& traffic, Trial& trial);
    void renew(const Traffic& traffic, unsigned count, Trial& trial);
    void drain(const Traffic& traffic, double patience, Trial& trial);
    [[nodiscard]] std::uint64_t nanoseconds(std::uint64_t cycles) const noexcept {
        return static_cast<std::uint64_t>(static_cast<double>(cycles) * ns_per_cycle_);
    }

    [[nodiscard]] std::uint64_t cycles(double seconds) const noexcept {
        return static_cast<std::uint64_t>(seconds * static_cast<double>(hz_));
    }
    [[nodiscard]] double seconds(std::uint64_t cycles) const noexcept {
        return static_cast<double>(cycles) / static_cast<double>(hz_);
    }

    const Site& site_;
    Ports ports_;
    const Pool& send_;
    double ns_per_cycle_;
    std::uint64_t hz_;
    std::uint16_t number_ = 0;  // of the trial
    std::uint64_t looked_at_ = 0;
    std::uint32_t window_ = 0;  // the first of the flows that send
};

extern template class Generator<Ipv4>;
extern template class Generator<Ipv6>;

}  // namespace viaduct::rig
