// A small gateway for tests: a snapshot of two nodes and a few Services, and a pipeline whose ports are vectors.
#pragma once

#include <rte_mbuf.h>

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "dataplane/pipeline.h"
#include "tables/builder.h"
#include "tests/support/packet_builder.h"

namespace viaduct::test {

inline constexpr PortId outside{0}, underlay{1}, host{2};
inline constexpr NetworkId default_network{0}, tenant_network{1};

/// The addresses of the world, by family.
template <Address A>
struct Place;
template <>
struct Place<Ipv4> {
    static constexpr Ipv4 client{198, 51, 100, 10}, stranger{8, 8, 8, 8}, gateway_outside{198, 51, 100, 1};
    static constexpr Ipv4 vip{203, 0, 113, 10}, empty_vip{203, 0, 113, 11}, udp_vip{203, 0, 113, 12},
        guarded_vip{203, 0, 113, 13}, sticky_vip{203, 0, 113, 14}, tenant_vip{203, 0, 113, 20};
    static constexpr Ipv4 pod1{10, 244, 1, 5}, pod2{10, 244, 2, 5}, unreachable_pod{10, 244, 3, 5};
    static constexpr Ipv4 node1{192, 0, 2, 11}, node2{192, 0, 2, 12}, vtep{192, 0, 2, 1}, overlay{10, 244, 9, 0};
};
/// fd00:net:0:subnet::last
constexpr Ipv6 v6_at(std::uint16_t net, std::uint16_t subnet, std::uint8_t last) {
    Ipv6 a;
    a.bytes = {0xfd, 0, static_cast<std::uint8_t>(net >> 8),    static_cast<std::uint8_t>(net),
               0,    0, static_cast<std::uint8_t>(subnet >> 8), static_cast<std::uint8_t>(subnet)};
    a.bytes[15] = last;
    return a;
}

template <>
struct Place<Ipv6> {
    static constexpr Ipv6 client = v6_at(0x100, 0, 10), stranger = v6_at(0x999, 0, 8),
                          gateway_outside = v6_at(0x100, 0, 1);
    static constexpr Ipv6 vip = v6_at(0x203, 0, 10), empty_vip = v6_at(0x203, 0, 11), udp_vip = v6_at(0x203, 0, 12),
                          guarded_vip = v6_at(0x203, 0, 13), sticky_vip = v6_at(0x203, 0, 14),
                          tenant_vip = v6_at(0x203, 0, 20);
    static constexpr Ipv6 pod1 = v6_at(0x244, 1, 5), pod2 = v6_at(0x244, 2, 5), unreachable_pod = v6_at(0x244, 3, 5);
    static constexpr Ipv6 node1 = v6_at(0x77, 0, 11), node2 = v6_at(0x77, 0, 12), vtep = v6_at(0x77, 0, 1),
                          overlay = v6_at(0x244, 9, 0);
};

inline constexpr Mac outside_mac{{2, 0, 0, 0, 0, 1}}, underlay_mac{{2, 0, 0, 0, 0, 2}}, vtep_mac{{2, 0, 0, 0, 0, 3}};
inline constexpr Mac outside_client_mac{{2, 0, 0, 0, 1, 1}}, node1_mac{{2, 0, 0, 0, 2, 1}},
    node2_mac{{2, 0, 0, 0, 2, 2}};
inline constexpr Mac node1_vtep{{2, 0, 0, 0, 3, 1}}, node2_vtep{{2, 0, 0, 0, 3, 2}};

/// What the tests' gateway should forward; a test may change it before building a world of it.
[[nodiscard]] DesiredState desired_world();

/// One or several workers' pipelines over one snapshot, in one thread.
class World {
public:
    explicit World(unsigned workers = 1, const DesiredState& desired = desired_world(),
                   PipelineSizes sizes = {64, 64, 64, 64, 8});
    ~World();

    struct Sent {
        PortId port;
        Bytes frame;
    };
    /// Receives these frames as one burst on a worker, lets handed-over packets run, and returns all that was sent.
    std::vector<Sent> receive(PortId port, const std::vector<Bytes>& frames, WorkerId worker = 0);
    std::vector<Sent> receive(PortId port, const Bytes& frame, WorkerId worker = 0) {
        return receive(port, std::vector<Bytes>{frame}, worker);
    }
    /// Time passes, and the pipelines tidy up.
    std::vector<Sent> tidy();
    void rebuild(const DesiredState& desired);

    /// How often a reason was counted, over all workers.
    [[nodiscard]] std::uint64_t drops(Drop why) const;
    [[nodiscard]] CounterTotals totals() const;
    [[nodiscard]] const WorkerCounters& counters(WorkerId worker = 0) const { return *counters_[worker]; }
    [[nodiscard]] const Snapshot& snapshot() const { return *snapshot_; }
    [[nodiscard]] Connections& connections(WorkerId worker = 0) { return pipelines_[worker]->connections(); }
    [[nodiscard]] rte_ring* ring_of(WorkerId worker) { return rings_[worker]; }

    Seconds clock = 100;
    std::function<void(rte_mbuf*)> shape = [](rte_mbuf*) {};  // changes an mbuf before it is received
    bool refuse_all = false;                                  // the transmit queues are full
    bool pause_handed_over = false;                           // the workers are busy elsewhere
    NeighbourRequests requests;

private:
    struct Queue {
        World* world;
        PortId port;
    };
    static std::uint16_t take(void* context, rte_mbuf** packets, std::uint16_t count) noexcept;
    void run_handed_over();

    SnapshotBuilder builder_;
    std::shared_ptr<const Snapshot> snapshot_;
    SlotMap slots_;
    std::array<Queue, max_ports> queues_;
    std::vector<std::unique_ptr<WorkerCounters>> counters_;
    std::vector<rte_ring*> rings_;
    std::vector<std::unique_ptr<Pipeline>> pipelines_;
    std::vector<Sent> sent_;
};

}  // namespace viaduct::test
