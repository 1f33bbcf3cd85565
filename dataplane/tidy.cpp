// What a pipeline does between bursts: connections expire, and packets that waited go on or are given up.
#include "dataplane/pipeline.h"

namespace viaduct {

namespace {

constexpr std::size_t records_per_turn = 8;  // of each family: a table of a million is swept in seconds

void give_up(Burst& burst, Drop why, const Surroundings& around) noexcept {
    burst.start_carried();
    for (Packet& packet : burst.all()) burst.drop(packet, why);
    transmit(burst, around);
}

}  // namespace

Pipeline::Pipeline(const Surroundings& surroundings, const PipelineSizes& sizes, const Timeouts& timeouts)
    : around_(surroundings),
      connections_{{sizes.connections_v4, timeouts}, {sizes.connections_v6, timeouts}},
      affinities_(sizes.affinities),
      fragments_(sizes.fragmented_datagrams),
      waiting_(sizes.waiting_packets),
      originated_(surroundings.pool),
      timer_(*surroundings.counters) {}

void Pipeline::tidy(const Snapshot& now, Seconds clock) noexcept {
    WorkerCounters& counters = *around_.counters;
    counters.connections_expired.add(connections_.v4.sweep(records_per_turn, clock) +
                                     connections_.v6.sweep(records_per_turn, clock));
    counters.connections_v4.set(connections_.v4.size());
    counters.connections_v6.set(connections_.v6.size());

    fragments_.release(clock, ready_, hopeless_);
    give_up(hopeless_, Drop::fragment_unknown, around_);
    if (ready_.count != 0) resume(ready_, now, clock);

    waiting_.release(now, clock, ready_, hopeless_);
    give_up(hopeless_, Drop::neighbour_unresolved, around_);
    if (ready_.count != 0) {
        ready_.start_carried();
        send(ready_, now, clock);
        send_originated(now, clock);
    }
    counters.held.set(waiting_.held() + fragments_.held());
}

}  // namespace viaduct
