// A data plane of one port that does nothing, for tests of the control thread as a whole.
#pragma once

#include <atomic>
#include <stdexcept>

#include "tables/gateway_view.h"
#include "tables/published.h"

namespace viaduct {

class NoGrace : public GracePeriod {
public:
    std::uint64_t start() override { return 0; }
    bool elapsed(std::uint64_t) override { return true; }
};

class OnePort : public GatewayView {
public:
    [[nodiscard]] std::vector<PortFacts> ports() const override {
        PortFacts port;
        port.name = "outside";
        return {port};
    }
    [[nodiscard]] std::vector<WorkerFacts> workers() const override { return {}; }
    std::vector<std::pair<PortId, IpAddress>> take_neighbour_requests() override { return {}; }
    void steer(const Snapshot&) override {
        ++steered;
        if (refuse) throw std::runtime_error("no room in the map");
    }
    std::vector<ConnectionRow> connections(std::size_t) override { return {}; }
    Explanation explain(const Question&, const Snapshot&) override { return {}; }

    std::atomic<bool> refuse = false;
    std::atomic<int> steered = 0;
};

}  // namespace viaduct
