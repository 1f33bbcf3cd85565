// What comes in: flows in random order, and their frames.
#pragma once

#include <rte_mbuf.h>

#include <vector>

#include "bench/world.h"
#include "encap/wire.h"

namespace viaduct {

/// A TCP flow in one direction, and the peer in whose tunnel its packets are (no_peer: they are plain).
template <Address A>
struct Flow {
    A source, destination;
    Be16 source_port, destination_port;
    PeerIndex peer = no_peer;
    bool operator==(const Flow&) const = default;
    /// The answers' flow, which comes the way that this one went.
    [[nodiscard]] Flow mirrored() const noexcept { return {destination, source, destination_port, source_port, peer}; }
};

enum class Destination : std::uint8_t { pods, services };
inline constexpr std::uint32_t ports_per_client = 63;  // as in CSIT's tests: 1,024 clients make 64,512 flows
inline constexpr std::uint32_t max_flows = World::max_clients * ports_per_client;

/// `count` different flows of clients, in random order, each to a random destination; towards pods as they are in the
/// tunnel.
template <Address A>
[[nodiscard]] std::vector<Flow<A>> make_flows(const World& world, Destination destination, std::uint32_t count,
                                              std::uint64_t seed);

/// Writes one direction's frames: a template, then addresses, ports and checksums. Only the first `template_length`
/// bytes are ever written, so buffers must be zero behind them.
template <Address A>
class FrameWriter {
public:
    static constexpr std::size_t template_length = 160;
    static constexpr unsigned smallest =
        sizeof(EthernetHeader) + (std::same_as<A, Ipv4> ? sizeof(Ipv4Header) : sizeof(Ipv6Header)) + sizeof(TcpHeader);
    enum class Kind : std::uint8_t { plain, tunnelled };

    /// `length` is the plain frame's, without FCS.
    FrameWriter(const World& world, Kind kind, std::uint8_t tcp_flags, unsigned length);
    void write(rte_mbuf& mbuf, const Flow<A>& flow) const noexcept;
    [[nodiscard]] PortId ingress() const noexcept { return kind_ == Kind::plain ? World::outside : World::underlay; }

private:
    void prepare_inner(std::uint8_t tcp_flags, unsigned ip_length);
    template <Address Outer>
    void prepare_outer();
    template <Address Outer>
    void patch_outer(std::uint8_t* frame, const Flow<A>& flow) const noexcept;

    Family outer_;
    Kind kind_;
    std::uint16_t ip_at_ = 0;  // of the IP packet that the flow is of
    std::uint16_t length_ = 0;
    // sums of what no flow changes
    std::uint64_t ip_sum_ = 0, tcp_sum_ = 0, outer_sum_ = 0;
    alignas(64) std::array<std::uint8_t, template_length> template_{};
};

extern template class FrameWriter<Ipv4>;
extern template class FrameWriter<Ipv6>;

}  // namespace viaduct
