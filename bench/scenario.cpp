// Preparing, examining and timing one workload.
#include "bench/scenario.h"

#include <algorithm>
#include <utility>

namespace viaduct {
namespace {

constexpr unsigned untimed_burst = 64;

bool to_services(Workload workload) { return workload != Workload::encap && workload != Workload::decap; }

bool tunnelled(Workload workload) {
    return workload == Workload::decap || workload == Workload::reply || workload == Workload::handover;
}

DeviceUnderTest::Workers workers_for(Workload workload) {
    return workload == Workload::handover ? DeviceUnderTest::Workers::receiver_and_owner
                                          : DeviceUnderTest::Workers::one;
}

std::size_t connections_for(const Task& task) {
    return to_services(task.workload) ? std::max<std::size_t>(task.flows, 64) : 64;
}

/// A packet of a connection's life: from which end, and with which flags.
struct Step {
    bool tunnelled;
    std::uint8_t flags;
};
constexpr std::array<Step, 7> life{{{false, TcpHeader::syn},
                                    {true, TcpHeader::syn | TcpHeader::ack},
                                    {false, TcpHeader::ack},
                                    {false, TcpHeader::psh | TcpHeader::ack},
                                    {true, TcpHeader::fin | TcpHeader::ack},
                                    {false, TcpHeader::fin | TcpHeader::ack},
                                    {true, TcpHeader::ack}}};

std::size_t packets_in(const Task& task, std::uint32_t shortest_lap) {
    if (task.workload == Workload::lifecycle) return life.size() * task.flows;
    return std::size_t{task.flows} * ((shortest_lap + task.flows - 1) / task.flows);
}

/// Tells also when packets come out in another order.
std::uint64_t digest_at(std::size_t number, const rte_mbuf& mbuf) noexcept { return digest(mbuf) * (2 * number + 1); }

}  // namespace

template <Address A>
std::size_t Scenario<A>::memory(std::uint32_t flows) noexcept {
    // Two flows, a record, its place in the free list, and two index entries: a line holds ten at 60 %.
    return flows * (2 * sizeof(Flow<A>) + sizeof(Connection<A>) + sizeof(std::uint32_t) + 2 * 64 / 6);
}

template <Address A>
Scenario<A>::Scenario(const World& world, Harness& harness, const Task& task)
    : world_(world),
      harness_(harness),
      task_(task),
      expected_(make_flows<A>(world, to_services(task.workload) ? Destination::services : Destination::pods, task.flows,
                              task.seed)),
      device_(world, harness, workers_for(task.workload), connections_for(task)),
      packets_(packets_in(task, shortest_lap)),
      stream_(stream(tunnelled(task.workload) ? Kind::tunnelled : Kind::plain,
                     task.workload == Workload::first_packet ? TcpHeader::syn : TcpHeader::ack)) {
    received_ = expected_;
    for (Flow<A>& flow : received_) flow.peer = no_peer;
    stream_.flows = received_;
    harness.buffers().clear();
    if (to_services(task.workload)) open();
    if (tunnelled(task.workload)) turn_round();
    begin_lap();
    digest_ = task.workload == Workload::lifecycle ? examine_life() : examine_expected(stream_, packets_);
}

template <Address A>
Stream<A> Scenario<A>::stream(Kind kind, std::uint8_t tcp_flags) const {
    return {FrameWriter<A>(world_, kind, tcp_flags, task_.frame_length), received_};
}

/// SYN, SYN+ACK, ACK for every flow. Learns what the SYNs became: all later packets must become the same.
template <Address A>
void Scenario<A>::open() {
    examine(stream(Kind::plain, TcpHeader::syn), received_.size(), [&](std::size_t flow, const Flow<A>& emitted) {
        check_choice(world_, received_[flow], emitted);
        expected_[flow] = emitted;
    });
    turn_round();
    examine_expected(stream(Kind::tunnelled, TcpHeader::syn | TcpHeader::ack), received_.size());
    turn_round();
    examine_expected(stream(Kind::plain, TcpHeader::ack), received_.size());
}

/// From one direction of all flows to the other.
template <Address A>
void Scenario<A>::turn_round() {
    for (std::size_t i = 0; i < received_.size(); ++i) {
        const Flow<A> answer = expected_[i].mirrored();
        expected_[i] = received_[i].mirrored();
        received_[i] = answer;
    }
}

/// Every connection takes each step before any takes the next: calls `pass(stream)` for each, and ends where it began.
template <Address A>
template <class Pass>
void Scenario<A>::live(const Pass& pass) {
    bool tunnelled = false;
    const auto face = [&](bool wanted) {
        if (std::exchange(tunnelled, wanted) != wanted) turn_round();
    };
    for (const Step step : life) {
        face(step.tunnelled);
        pass(stream(step.tunnelled ? Kind::tunnelled : Kind::plain, step.flags));
    }
    face(false);
}

/// A lap that is looked at packet by packet; returns its digest.
template <Address A>
std::uint64_t Scenario<A>::examine(const Stream<A>& stream, std::size_t packets, const Look& look) {
    std::uint64_t sum = 0;
    const auto check = [&](std::size_t first, unsigned sent, std::span<rte_mbuf* const> emitted) {
        check_count(sent, emitted.size());
        for (std::size_t i = 0; i < emitted.size(); ++i) {
            look((first + i) % received_.size(), dissect<A>(world_, *emitted[i]));
            sum += digest_at(first + i, *emitted[i]);
        }
    };
    pass(stream, packets, untimed_burst, check);
    return sum;
}

template <Address A>
std::uint64_t Scenario<A>::examine_expected(const Stream<A>& stream, std::size_t packets) {
    return examine(stream, packets,
                   [&](std::size_t flow, const Flow<A>& emitted) { check_flow(expected_[flow], emitted); });
}

/// A lap of lives that is looked at packet by packet; returns its digest.
template <Address A>
std::uint64_t Scenario<A>::examine_life() {
    std::uint64_t sum = 0;
    live([&](const Stream<A>& step) { sum += examine_expected(step, received_.size()); });
    return sum;
}

/// Through the pipelines. What is handed over comes from the tunnel: its connections were opened at their owner.
template <Address A>
template <class Check>
std::uint64_t Scenario<A>::pass(const Stream<A>& stream, std::size_t packets, unsigned burst, const Check& check) {
    if (task_.workload == Workload::handover && stream.writer.ingress() == World::underlay)
        return harness_.lap(
            stream, packets, burst, [&](Burst& sent) { device_.run_and_hand_over(sent); }, check);
    return harness_.lap(
        stream, packets, burst, [&](Burst& sent) { device_.run(sent); }, check);
}

template <Address A>
void Scenario<A>::begin_lap() noexcept {
    if (opens(task_.workload)) device_.forget<A>();
}

template <Address A>
std::uint64_t Scenario<A>::lap(unsigned burst) {
    begin_lap();
    std::uint64_t sum = 0;
    const std::uint64_t cycles =
        task_.workload == Workload::lifecycle ? timed_life(burst, sum) : timed(stream_, packets_, burst, sum);
    if (sum != digest_) throw WrongOutput("a timed lap emitted other bytes than the examined one");
    return cycles;
}

/// Returns cycles, and adds the digest to `sum`.
template <Address A>
std::uint64_t Scenario<A>::timed(const Stream<A>& stream, std::size_t packets, unsigned burst, std::uint64_t& sum) {
    std::size_t count = 0;
    const auto check = [&](std::size_t, unsigned, std::span<rte_mbuf* const> emitted) {
        for (const rte_mbuf* mbuf : emitted) sum += digest_at(count++, *mbuf);
    };
    const std::uint64_t cycles = pass(stream, packets, burst, check);
    check_count(packets, count);
    return cycles;
}

/// All of the lives, and that they expire then, which counts as well.
template <Address A>
std::uint64_t Scenario<A>::timed_life(unsigned burst, std::uint64_t& sum) {
    std::uint64_t cycles = 0;
    live([&](const Stream<A>& step) { cycles += timed(step, received_.size(), burst, sum); });
    const std::uint64_t begin = rte_rdtsc_precise();
    const std::size_t expired = device_.forget<A>();
    cycles += rte_rdtsc_precise() - begin;
    if (expired != received_.size()) throw WrongOutput(std::to_string(expired) + " connections expired, not all");
    return cycles;
}

template <Address A>
std::uint64_t Scenario<A>::null_lap(unsigned burst) {
    return harness_.lap(
        stream_, packets_, burst,
        [&](Burst& sent) {
            harness_.sink().put(sent.mbufs.data(), sent.count);
            sent.count = 0;
        },
        [](std::size_t, unsigned, std::span<rte_mbuf* const>) {});
}

template <Address A>
void Scenario<A>::check_count(std::size_t sent, std::size_t emitted) const {
    if (emitted == sent) return;
    throw WrongOutput(std::to_string(emitted) + " of " + std::to_string(sent) +
                      " packets came out:" + device_.losses());
}

template class Scenario<Ipv4>;
template class Scenario<Ipv6>;

}  // namespace viaduct
