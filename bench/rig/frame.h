// The rig's frames: UDP, stamped with flow, number and time, plain or in a peer's tunnel.
#pragma once

#include "bench/rig/site.h"
#include "bench/traffic.h"

namespace viaduct::rig {

/// At the end of the headers of every frame. In the machine's own byte order: who writes it reads it.
struct [[gnu::packed]] Stamp {
    std::uint16_t trial;  // frames of former trials are told apart
    std::uint32_t flow;
    std::uint32_t number;  // counts a lane's frames
    std::uint64_t tsc;     // when it was written
};
static_assert(sizeof(Stamp) == 18, "fits into a 64-byte frame");

/// The smallest plain frame with a stamp, FCS included: 64 for IPv4, 84 for IPv6.
template <Address A>
inline constexpr unsigned smallest_stamped = sizeof(EthernetHeader) + (std::same_as<A, Ipv4> ? 20U : 40U) +
                                             sizeof(UdpHeader) + sizeof(Stamp) + 4U;

template <Address A>
class FrameMaker {
public:
    static constexpr std::size_t written = 160;  // bytes of every buffer; those behind must be zero

    FrameMaker(const Site& site, bool tunnelled);
    /// A plain frame of `size` bytes, FCS included and not written, at least smallest_stamped; then the tunnel around
    /// it.
    void write(rte_mbuf& mbuf, const Flow<A>& flow, unsigned size, const Stamp& stamp) const noexcept;

private:
    template <Address Outer>
    void prepare_outer(const Mac& gateway);
    template <Address Outer>
    void write_outer(std::uint8_t* frame, const Flow<A>& flow, std::size_t length) const noexcept;

    Family outer_;
    bool tunnelled_;
    std::size_t inner_at_ = 0;
    alignas(64) std::array<std::uint8_t, written> template_{};
};

extern template class FrameMaker<Ipv4>;
extern template class FrameMaker<Ipv6>;

}  // namespace viaduct::rig
