// Packets of the gateway's own making: what it tells senders, and the further fragments of what it had to cut.
#pragma once

#include <rte_mempool.h>

#include "dataplane/burst.h"
#include "encap/icmp.h"
#include "tables/snapshot.h"

namespace viaduct {

/// Collects them until the burst that caused them is done; then they take the pipeline's last stages themselves. When
/// there are too many (RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f)) or no buffer, nobody is told.
class Originated {
public:
    static constexpr unsigned per_second = 5'000;  // answers, per worker

    explicit Originated(rte_mempool* pool) noexcept : pool_(pool) {}

    /// Nobody serves this destination: TCP RST, or ICMP port unreachable in the destination's name.
    void refuse(const Packet& packet, Seconds clock) noexcept;
    /// An ICMP error to the sender of a packet, which must be as the sender sent it.
    void tell(const Packet& packet, const IcmpError& error, const Snapshot& now, Seconds clock) noexcept;
    /// The packet in pieces of at most `mtu` bytes (RFC 791 §3.2): the first takes the packet's place, the others go
    /// with the originated. False, and nothing has changed, when it cannot be cut.
    [[nodiscard]] bool cut(Packet& packet, std::uint16_t mtu) noexcept;

    /// The collected packets, ready for route. The caller empties it by sending it, and closes the collection
    /// meanwhile: what the gateway says itself causes no further answers.
    [[nodiscard]] Burst& burst() noexcept { return burst_; }
    void close(bool closed) noexcept { closed_ = closed; }

private:
    [[nodiscard]] bool may_answer(Seconds clock) noexcept;
    [[nodiscard]] std::uint8_t* begin_answer(const PacketMeta& cause) noexcept;
    void finish_answer(std::size_t length) noexcept;
    template <Address A>
    void write_error(const Packet& packet, const IcmpError& error, const A& source) noexcept;
    void add(rte_mbuf* mbuf, const PacketMeta& meta, NetworkId network) noexcept;

    rte_mempool* pool_;
    Burst burst_;
    rte_mbuf* draft_ = nullptr;
    PacketMeta draft_meta_;
    Seconds second_ = 0;
    unsigned left_ = 0;
    bool closed_ = false;
};

}  // namespace viaduct
