// A workload made ready: its flows, the connections that it needs, and what must come out.
#pragma once

#include <functional>

#include "bench/device_under_test.h"
#include "bench/verify.h"
#include "bench/workload.h"

namespace viaduct {

struct Task {
    Workload workload{};
    std::uint32_t flows = 0;
    unsigned frame_length = 0;  // of the plain frame, without FCS
    std::uint64_t seed = 0;
};

/// The same packets again and again.
class Laps {
public:
    virtual ~Laps() = default;
    /// Of a lap.
    [[nodiscard]] virtual std::size_t packets() const noexcept = 0;
    /// A lap in bursts of this size; returns its cycles. Throws WrongOutput.
    virtual std::uint64_t lap(unsigned burst) = 0;
    /// The same traffic through no pipeline at all: what the stopwatch itself costs.
    virtual std::uint64_t null_lap(unsigned burst) = 0;
    /// A second passes.
    virtual void tick() noexcept = 0;
};

/// Connections are opened through the pipeline itself, by a handshake for each flow. Then one lap is looked at packet
/// by packet; every further lap must emit the same bytes, which a digest tells.
template <Address A>
class Scenario : public Laps {
public:
    static constexpr std::uint32_t shortest_lap = 4096;  // packets

    /// How many flows there will be when `flows` are asked for: a lap of first packets needs as many as packets.
    [[nodiscard]] static std::uint32_t flows_for(Workload workload, std::uint32_t flows) noexcept {
        return opens(workload) ? std::max(flows, shortest_lap) : flows;
    }
    /// Bytes of memory that so many flows take.
    [[nodiscard]] static std::size_t memory(std::uint32_t flows) noexcept;

    /// Throws WrongOutput.
    Scenario(const World& world, Harness& harness, const Task& task);

    [[nodiscard]] std::size_t packets() const noexcept override { return packets_; }
    std::uint64_t lap(unsigned burst) override;
    std::uint64_t null_lap(unsigned burst) override;
    void tick() noexcept override { device_.tick(); }

private:
    using Kind = typename FrameWriter<A>::Kind;
    using Look = std::function<void(std::size_t flow, const Flow<A>& emitted)>;

    [[nodiscard]] Stream<A> stream(Kind kind, std::uint8_t tcp_flags) const;
    void open();
    void turn_round();
    template <class Pass>
    void live(const Pass& pass);
    std::uint64_t examine(const Stream<A>& stream, std::size_t packets, const Look& look);
    template <class Check>
    std::uint64_t pass(const Stream<A>& stream, std::size_t packets, unsigned burst, const Check& check);
    std::uint64_t examine_expected(const Stream<A>& stream, std::size_t packets);
    std::uint64_t examine_life();
    std::uint64_t timed(const Stream<A>& stream, std::size_t packets, unsigned burst, std::uint64_t& sum);
    std::uint64_t timed_life(unsigned burst, std::uint64_t& sum);
    void begin_lap() noexcept;
    void check_count(std::size_t sent, std::size_t emitted) const;

    const World& world_;
    Harness& harness_;
    const Task task_;
    std::vector<Flow<A>> received_, expected_;  // flow by flow
    DeviceUnderTest device_;
    const std::size_t packets_;
    Stream<A> stream_;
    std::uint64_t digest_ = 0;  // of a lap
};

extern template class Scenario<Ipv4>;
extern template class Scenario<Ipv6>;

}  // namespace viaduct
