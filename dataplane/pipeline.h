// A worker's pipeline: the stages, in order, and the state that only this worker touches.
#pragma once

#include <cstddef>

#include "dataplane/burst.h"
#include "dataplane/fragments.h"
#include "dataplane/icmp_sender.h"
#include "dataplane/surroundings.h"
#include "dataplane/waiting.h"
#include "lb/affinity.h"
#include "lb/connection_table.h"
#include "tables/snapshot.h"

namespace viaduct {

/// How much memory a worker's pipeline takes: all of it at construction.
struct PipelineSizes {
    std::size_t connections_v4 = 262'144;
    std::size_t connections_v6 = 65'536;
    std::size_t affinities = 65'536;
    std::size_t fragmented_datagrams = 1'024;
    std::size_t waiting_packets = 512;
};

/// The connections of both families.
struct Connections {
    ConnectionTable<Ipv4> v4;
    ConnectionTable<Ipv6> v6;
    template <Address A>
    [[nodiscard]] ConnectionTable<A>& family() noexcept {
        if constexpr (std::same_as<A, Ipv4>) return v4;
        else return v6;
    }
};

class Pipeline {
public:
    Pipeline(const Surroundings& surroundings, const PipelineSizes& sizes, const Timeouts& timeouts);

    /// Takes a burst just received from a port (mbufs, count and each meta's `ingress` are set) to its end: afterwards no packet of it
    /// is in the caller's hands. `clock` is this worker's coarse time.
    void run(Burst& burst, const Snapshot& now, Seconds clock) noexcept;
    /// The same for packets that another worker parsed and handed over.
    void resume(Burst& burst, const Snapshot& now, Seconds clock) noexcept;
    /// Between bursts: expires connections, lets go of packets that waited. Bounded work.
    void tidy(const Snapshot& now, Seconds clock) noexcept;

    [[nodiscard]] Connections& connections() noexcept { return connections_; }

private:
    Surroundings surroundings_;
    Connections connections_;
    AffinityTable affinities_;
    FragmentTable fragments_;
    WaitingPackets waiting_;
    IcmpSender icmp_;
};

}  // namespace viaduct
