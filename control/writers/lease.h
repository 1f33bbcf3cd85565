// Who of several gateways writes: leader election on a Lease object of coordination.k8s.io/v1.
//
// Theory of operation. A holder renews the Lease; the others look at it and take it when it has not changed for as long
// as its holder promised. Only the time of one's own clock since a change was seen counts, so clocks may differ. Every
// write names the resourceVersion that was read: of two who take the Lease at once, the server refuses one. A leader
// that cannot renew stops leading before anybody else may begin.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "control/sources/kubernetes/transport.h"
#include "control/status.h"
#include "control/writers/api_writer.h"

namespace viaduct {

/// Control thread only.
class LeaderLease {
public:
    static constexpr std::chrono::seconds duration{15};        // that others wait
    static constexpr std::chrono::seconds renew_deadline{10};  // after the last renewal: no longer the leader
    static constexpr std::chrono::seconds retry{2};

    struct Name {
        std::string name_space, name, holder;
    };
    LeaderLease(ApiWriter& api, Timing timing, Name name);

    [[nodiscard]] bool leads() const;
    /// Renews, looks or takes, when it is time.
    void run();
    [[nodiscard]] TimePoint due() const;
    /// Lets the next one lead at once; `idle` when the server knows.
    void release();
    [[nodiscard]] bool idle() const;
    /// Who leads, as far as this gateway has seen; "": nobody.
    [[nodiscard]] std::string holder() const;
    /// Why the server lets this gateway neither lead nor see who does.
    [[nodiscard]] std::optional<Finding> problem() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

/// "2026-01-02T03:04:05.678901Z", a MicroTime of Kubernetes.
[[nodiscard]] std::string micro_time(std::chrono::system_clock::time_point when);

}  // namespace viaduct
