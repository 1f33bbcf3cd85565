// A worker's pipeline: the stages, in order, and the state that only this worker touches.
#pragma once

#include <cstddef>

#include "dataplane/stage_timer.h"
#include "dataplane/stages.h"

namespace viaduct {

/// How much memory a worker's pipeline takes: all of it at construction.
struct PipelineSizes {
    std::size_t connections_v4 = 262'144;
    std::size_t connections_v6 = 65'536;
    std::size_t affinities = 65'536;
    std::size_t fragmented_datagrams = 1'024;
    std::size_t waiting_packets = 512;
};

class Pipeline {
public:
    Pipeline(const Surroundings& surroundings, const PipelineSizes& sizes, const Timeouts& timeouts);

    /// Takes a burst just received (mbufs, count and `ingress` are set) to its end: afterwards no packet of
    /// it is in the caller's hands. `clock` is this worker's coarse time.
    void run(Burst& burst, const Snapshot& now, Seconds clock) noexcept;
    /// The same for packets that another worker has parsed: mbufs and count are set, the rest is carried.
    void resume(Burst& burst, const Snapshot& now, Seconds clock) noexcept;
    /// Between bursts: expires connections, lets go of packets that waited. Bounded work.
    void tidy(const Snapshot& now, Seconds clock) noexcept;

    /// For explain. A pipeline that is observed is not timed.
    void observe(StageObserver* observer) noexcept { observer_ = observer; }
    [[nodiscard]] Connections& connections() noexcept { return connections_; }

private:
    void process(Burst& burst, const Snapshot& now, Seconds clock) noexcept;
    void send(Burst& burst, const Snapshot& now, Seconds clock) noexcept;
    void send_originated(const Snapshot& now, Seconds clock) noexcept;
    void begin(const Burst& burst) noexcept {
        looking_on_ = observer_ == nullptr && timer_.begins(burst) ? &timer_ : observer_;
    }
    void seen(Stage stage, const Burst& burst) noexcept {
        if (looking_on_ != nullptr) looking_on_->after(stage, burst);
    }

    Surroundings around_;
    Connections connections_;
    AffinityTable affinities_;
    FragmentTable fragments_;
    WaitingPackets waiting_;
    Originated originated_;
    Burst ready_, hopeless_;  // tidy's
    StageTimer timer_;
    StageObserver* observer_ = nullptr;
    StageObserver* looking_on_ = nullptr;  // during a burst: the observer, the timer, or for most bursts nobody
};

}  // namespace viaduct
