// Opening connections, and a lap of replies.
#include "bench/paired_worker.h"

#include <chrono>

#include "bench/device_under_test.h"
#include "bench/verify.h"
#include "dataplane/worker.h"

namespace viaduct {
namespace {

constexpr unsigned full_burst = 32;
constexpr unsigned most_waiting = 4096;  // in a ring, before the one who fills it waits: its owner is not running
constexpr Seconds clock = 1;
constexpr std::chrono::seconds patience{60};  // for what the other one still has

}  // namespace

template <Address A>
PairedWorker<A>::PairedWorker(const World& world, const SlotMap& slots, WorkerId self, const Rings& rings,
                              std::shared_ptr<Buffers> buffers, std::vector<Flow<A>> flows)
    : world_(world), inbox_(rings[self]), outbox_(rings[1U - self]), harness_(std::move(buffers)) {
    Surroundings around = surroundings_in(harness_, self, slots, counters_, requests_);
    around.workers[1U - self] = outbox_;
    pipeline_ = std::make_unique<Pipeline>(around, sizes_for(family_of<A>, flows.size()), Timeouts{});
    open(std::move(flows));
}

/// SYN, SYN+ACK, ACK for every flow, each packet taken apart, and then each reply.
template <Address A>
void PairedWorker<A>::open(std::vector<Flow<A>> flows) {
    using Writer = FrameWriter<A>;
    for (Flow<A>& flow : flows) flow.peer = no_peer;
    std::vector<Flow<A>> emitted(flows.size());
    const auto pass = [&](typename Writer::Kind kind, std::uint8_t flags, const std::vector<Flow<A>>& sent,
                          auto&& look) {
        const Stream<A> stream{Writer(world_, kind, flags, Writer::smallest), sent};
        std::size_t count = 0;
        const auto check = [&](std::size_t first, unsigned, std::span<rte_mbuf* const> packets) {
            for (std::size_t i = 0; i < packets.size(); ++i) look(first + i, *packets[i]);
            count += packets.size();
        };
        harness_.lap(
            stream, sent.size(), full_burst, [&](Burst& burst) { pipeline_->run(burst, world_.snapshot(), clock); },
            check);
        if (count != sent.size()) throw WrongOutput("connections were not opened:" + losses_of({&counters_, 1}));
    };
    pass(Writer::Kind::plain, TcpHeader::syn, flows, [&](std::size_t i, const rte_mbuf& mbuf) {
        emitted[i] = dissect<A>(world_, mbuf);
        check_choice(world_, flows[i], emitted[i]);
    });
    for (const Flow<A>& flow : emitted) replies_.push_back(flow.mirrored());
    const auto answered = [&](std::size_t i, const rte_mbuf& mbuf) {
        check_flow(flows[i].mirrored(), dissect<A>(world_, mbuf));
    };
    pass(Writer::Kind::tunnelled, TcpHeader::syn | TcpHeader::ack, replies_, answered);
    pass(Writer::Kind::plain, TcpHeader::ack, flows,
         [&](std::size_t i, const rte_mbuf& mbuf) { check_flow(emitted[i], dissect<A>(world_, mbuf)); });
    pass(Writer::Kind::tunnelled, TcpHeader::ack, replies_, [&](std::size_t i, const rte_mbuf& mbuf) {
        answered(i, mbuf);
        digest_ += digest(mbuf);
    });
}

/// What a worker's turn does: handed over packets are asked for, a burst comes from its port, then they go on.
template <Address A>
void PairedWorker<A>::receive(Burst& burst) {
    while (rte_ring_count(outbox_) > most_waiting) resume(), collect();  // its owner is not running
    const std::uint64_t begin = rte_rdtsc_precise();
    fetch_handed_over(*inbox_, handed_over_);
    pipeline_->run(burst, world_.snapshot(), clock);
    if (handed_over_.count != 0) pipeline_->resume(handed_over_, world_.snapshot(), clock);
    time_.cycles += rte_rdtsc_precise() - begin;
}

/// The same without a burst from its port. Finding nothing takes no time that counts.
template <Address A>
void PairedWorker<A>::resume() {
    const std::uint64_t begin = rte_rdtsc_precise();
    fetch_handed_over(*inbox_, handed_over_);
    if (handed_over_.count == 0) return;
    pipeline_->resume(handed_over_, world_.snapshot(), clock);
    time_.cycles += rte_rdtsc_precise() - begin;
}

template <Address A>
void PairedWorker<A>::collect() noexcept {
    for (const rte_mbuf* mbuf : harness_.sink().packets()) sum_ += digest(*mbuf);
    emitted_ += harness_.sink().packets().size();
    harness_.sink().release();
}

template <Address A>
PairedTime PairedWorker<A>::lap(std::span<const Flow<A>> packets, std::size_t handed_over) {
    time_ = {.cycles = 0, .packets = packets.size()};
    emitted_ = 0;
    sum_ = 0;
    const std::uint64_t before = counters_.handed_over.read();
    const Stream<A> stream{
        FrameWriter<A>(world_, FrameWriter<A>::Kind::tunnelled, TcpHeader::ack, FrameWriter<A>::smallest), packets};
    harness_.lap(
        stream, packets.size(), full_burst, [&](Burst& burst) { receive(burst); },
        [&](std::size_t, unsigned, std::span<rte_mbuf* const>) { collect(); });
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (emitted_ < replies_.size() && std::chrono::steady_clock::now() < deadline) resume(), collect();
    if (emitted_ != replies_.size() || sum_ != digest_)
        throw WrongOutput(
            std::to_string(emitted_) + " of " + std::to_string(replies_.size()) +
            " replies came out, or other bytes than when they were looked at:" + losses_of({&counters_, 1}));
    if (const std::uint64_t passed = counters_.handed_over.read() - before; passed != handed_over)
        throw WrongOutput(std::to_string(passed) + " packets were handed over, not " + std::to_string(handed_over));
    return time_;
}

template class PairedWorker<Ipv4>;
template class PairedWorker<Ipv6>;

}  // namespace viaduct
