// The gateway's data plane as a whole: owns EAL, ports and workers, and answers control's questions about them.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "dataplane/eal.h"
#include "dataplane/kernel_twin.h"
#include "dataplane/packet_pool.h"
#include "dataplane/placement.h"
#include "dataplane/port.h"
#include "dataplane/steering.h"
#include "dataplane/transmit_queues.h"
#include "dataplane/worker.h"
#include "tables/gateway_view.h"
#include "tables/published.h"

namespace viaduct {

struct GatewayOptions {
    std::vector<PortOptions> ports{};
    std::vector<HostTapOptions> host_taps{};
    Placement placement{};
    bool hugepages = false;
    unsigned memory_mib = 256;  // without hugepages
    PipelineSizes sizes{};
    Timeouts timeouts{};
    IdleOptions idle{};
};
[[nodiscard]] PoolNeeds pool_needs(const GatewayOptions& options);

/// Members are in the order in which they must come into being, and go in the opposite one: workers stop before ports
/// close, and EAL ends last.
class Gateway final : public GatewayView {
public:
    /// Opens everything and starts the workers, on an empty snapshot. Throws std::runtime_error. Control thread.
    explicit Gateway(const GatewayOptions& options);
    ~Gateway() override;

    [[nodiscard]] Published& published() noexcept { return published_; }

    [[nodiscard]] std::vector<PortFacts> ports() const override;
    [[nodiscard]] std::vector<WorkerFacts> workers() const override;
    std::vector<std::pair<PortId, IpAddress>> take_neighbour_requests() override;
    void steer(const Snapshot& next) override;
    [[nodiscard]] std::vector<ConnectionRow> connections(std::size_t limit) override;
    [[nodiscard]] Explanation explain(const Question& question, const Snapshot& snapshot) override;

private:
    struct OpenPort {
        OpenPort(const PortOptions& options, unsigned workers, rte_mempool* pool) : port(options, workers, pool) {}
        Port port;
        PortId kernel = PortId::none;   // its twin
        PortId partner = PortId::none;  // a twin's port
        std::unique_ptr<TransmitQueues> transmit{};
    };
    PortId open(const PortOptions& options);
    void open_ports();
    void make_workers();
    [[nodiscard]] std::vector<std::vector<ReceiveQueue>> share_receive_queues();
    [[nodiscard]] Surroundings surroundings_of(WorkerId worker);
    [[nodiscard]] unsigned worker_count() const { return static_cast<unsigned>(options_.placement.workers.size()); }

    const GatewayOptions options_;
    Eal eal_;
    PacketPool pool_;
    QsbrGrace grace_;
    Published published_;
    std::deque<OpenPort> ports_;            // by PortId
    std::optional<SteeringInput> steered_;  // what all of them steer by
    std::vector<WorkerCounters> counters_;
    std::vector<NeighbourRequests> neighbour_requests_;
    SlotMap slots_;
    std::vector<Ring> handover_;  // by owner
    std::deque<Worker> workers_;
    std::mutex asking_;  // one asker of connections at a time
};

}  // namespace viaduct
