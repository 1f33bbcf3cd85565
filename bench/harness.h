// The stopwatch: frames are written, the pipeline alone is timed, and what it emitted is looked at before the buffers
// go back.
//
// Theory of operation. A lap passes a list of flows once, burst by burst, in its order. Everything but the pipeline
// happens outside the timed region: taking buffers, writing frames, checking, freeing. The pipeline transmits into a
// sink that only remembers the packets. Hot buffers are the ones freed last (a LIFO), so frames and mbufs are still in
// the first-level cache; cold ones come round in a FIFO of 16,383 and their frames are written thousands of packets
// ahead, so they come from further away, as after a NIC's DMA.
#pragma once

#include <rte_cycles.h>
#include <rte_mempool.h>

#include <memory>
#include <span>

#include "bench/traffic.h"
#include "dataplane/burst.h"
#include "dataplane/surroundings.h"

namespace viaduct {

enum class Cache : std::uint8_t { hot, cold };

/// The packet buffers.
class Buffers {
public:
    static constexpr unsigned count = 16'383;
    explicit Buffers(Cache cache);
    /// Fills all of them with zeros.
    void clear() noexcept;
    /// Throws when there are not so many: the pipeline has kept some.
    void take(std::span<rte_mbuf*> out);
    [[nodiscard]] rte_mempool* pool() const noexcept { return pool_.get(); }
    /// How many packets are written before the first of them is timed, for this size of burst.
    [[nodiscard]] unsigned ahead(unsigned burst) const noexcept {
        return cache_ == Cache::hot ? burst : count / 2 / burst * burst;
    }

private:
    struct Free {
        void operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }
    };
    Cache cache_;
    std::unique_ptr<rte_mempool, Free> pool_;
};

/// Where the pipeline's packets end: every port's transmit queue.
class Sink {
public:
    [[nodiscard]] TransmitQueue queue() noexcept { return {&Sink::send, this}; }
    void put(rte_mbuf** packets, unsigned count) noexcept;
    [[nodiscard]] std::span<rte_mbuf* const> packets() const noexcept { return std::span(packets_).first(count_); }
    /// Gives the packets back to their pool.
    void release() noexcept;

private:
    static std::uint16_t send(void* self, rte_mbuf** packets, std::uint16_t count) noexcept;
    std::array<rte_mbuf*, 2 * Burst::capacity> packets_;
    unsigned count_ = 0;
};

/// One direction's traffic: packet i is of flow i modulo their number.
template <Address A>
struct Stream {
    FrameWriter<A> writer;
    std::span<const Flow<A>> flows;
};

class Harness {
public:
    /// `receive_flags` are what the NIC that frames seem to come from says of each (RTE_MBUF_F_RX_…).
    explicit Harness(Cache cache, std::uint64_t receive_flags = 0)
        : Harness(std::make_shared<Buffers>(cache), receive_flags) {}
    /// With buffers that another one uses too.
    explicit Harness(std::shared_ptr<Buffers> buffers, std::uint64_t receive_flags = 0)
        : receive_flags_(receive_flags), buffers_(std::move(buffers)), ahead_(Buffers::count) {}
    [[nodiscard]] Buffers& buffers() noexcept { return *buffers_; }
    [[nodiscard]] Sink& sink() noexcept { return sink_; }

    /// Sends `packets` packets of the stream in bursts through `process(Burst&)` and has `check(first, sent, emitted)`
    /// look at what came of each burst, `first` being the number of its first packet. Returns the cycles of `process`.
    template <Address A, class Process, class Check>
    std::uint64_t lap(const Stream<A>& stream, std::size_t packets, unsigned burst, Process&& process, Check&& check) {
        std::uint64_t cycles = 0;
        for (std::size_t first = 0; first < packets; first += ahead_count_) {
            write_ahead(stream, first, std::min<std::size_t>(buffers_->ahead(burst), packets - first));
            for (unsigned at = 0; at < ahead_count_; at += burst) {
                const unsigned sent = std::min(burst, ahead_count_ - at);
                load(at, sent, stream.writer.ingress());
                const std::uint64_t begin = rte_rdtsc_precise();
                process(burst_);
                cycles += rte_rdtsc_precise() - begin;
                check(first + at, sent, sink_.packets());
                sink_.release();
            }
        }
        return cycles;
    }

private:
    template <Address A>
    void write_ahead(const Stream<A>& stream, std::size_t first, std::size_t count) {
        ahead_count_ = static_cast<unsigned>(count);
        buffers_->take(std::span(ahead_).first(count));
        std::size_t flow = first % stream.flows.size();
        for (std::size_t i = 0; i < count; ++i) {
            stream.writer.write(*ahead_[i], stream.flows[flow]);
            if (++flow == stream.flows.size()) flow = 0;
        }
    }
    void load(unsigned at, unsigned count, PortId ingress) noexcept;

    const std::uint64_t receive_flags_;
    std::shared_ptr<Buffers> buffers_;
    Sink sink_;
    Burst burst_;
    std::vector<rte_mbuf*> ahead_;
    unsigned ahead_count_ = 0;
};

}  // namespace viaduct
