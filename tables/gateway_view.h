// What control may know of and ask from the data plane, without including it: main.cpp brings the two together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "encap/packet.h"
#include "tables/counters.h"
#include "tables/snapshot.h"

namespace viaduct {

/// A port as it was opened. The index in `GatewayView::ports()` is its PortId.
struct PortFacts {
    std::string name;    // as configured: "outside"
    std::string device;  // DPDK devargs or "af_xdp:eth0"
    std::string driver;  // "net_af_xdp"
    unsigned interface_index =
        0;  // the kernel interface that shares its identity (the netdev, or the TAP twin); 0: none
    std::string interface_name;
    Mac mac;
    std::uint16_t mtu = 1500;
    unsigned rx_queues = 1;
    bool link_up = true;
    std::string network;  // whose pods plain packets may address; "": the first network
    bool host = false;    // see DesiredPort
    bool flow_stable = false;
    bool offers_outer_checksum = false;  // the device knows outer UDP checksums
    PortId kernel_port = PortId::none;
    bool operator==(const PortFacts&) const = default;
};

struct WorkerFacts {
    WorkerId id = 0;
    unsigned cpu = 0;
    const WorkerCounters* counters = nullptr;  // lives as long as the view
    std::size_t connection_capacity_v4 = 0, connection_capacity_v6 = 0;
};

/// A connection as people see it.
struct ConnectionRow {
    WorkerId worker = 0;
    Protocol protocol{};
    NetworkId network{};
    IpAddress client, frontend, backend, snat;
    std::uint16_t client_port = 0, frontend_port = 0, backend_port = 0, snat_port = 0;
    std::uint64_t service = 0;  // Service::id, 0: none
    const char* state = "";     // static text
    std::uint32_t idle_seconds = 0, expires_seconds = 0;
    bool translated = false;
};

/// A packet that explain sends through the pipeline in thought.
struct Question {
    std::string port;  // ingress port's name; "": the first that is no host port
    std::string peer;  // or: arrives in the tunnel from this peer
    IpAddress source, destination;
    std::uint16_t source_port = 40'000, destination_port = 0;
    Protocol protocol = Protocol::tcp;
    std::uint16_t length = 0;  // of the IP packet; 0: the smallest
    std::uint8_t ttl = 64;
};
struct Explanation {
    struct Step {
        std::string stage;  // "parse", "decapsulate", …
        std::string text;   // what it found and decided
    };
    std::vector<Step> steps;
    std::string verdict;                       // "forward", "kernel", "drop"
    std::string drop;                          // the counter's name, when dropped
    std::string service, backend, peer, port;  // "" where there is none
    unsigned mtu = 0;                          // of the egress, for inner packets; 0: not forwarded
};

class GatewayView {
public:
    virtual ~GatewayView() = default;
    /// Fixed after start, but for `link_up`. Any thread.
    [[nodiscard]] virtual std::vector<PortFacts> ports() const = 0;
    [[nodiscard]] virtual std::vector<WorkerFacts> workers() const = 0;
    /// Next hops whose MAC address workers miss: taken once. Control thread.
    virtual std::vector<std::pair<PortId, IpAddress>> take_neighbour_requests() = 0;
    /// Brings steering (XDP maps) in line with a snapshot about to be published. Throws std::runtime_error. Control
    /// thread.
    virtual void steer(const Snapshot& next) = 0;
    /// Up to `limit` connections, asked from the workers, which answer between bursts. Any thread but a worker; blocks
    /// for a short while.
    [[nodiscard]] virtual std::vector<ConnectionRow> connections(std::size_t limit) = 0;
    /// Any thread. std::invalid_argument when the question names an unknown port or peer.
    [[nodiscard]] virtual Explanation explain(const Question& question, const Snapshot& snapshot) = 0;
};

}  // namespace viaduct
