// A packet's way through the gateway, from receive queue to transmit queue. Begin reading here.
#include "dataplane/pipeline.h"

namespace viaduct {

void Pipeline::run(Burst& burst, const Snapshot& now, Seconds clock) noexcept {
    burst.start();
    begin(burst);
    parse(burst, now);  // the headers, checked; what is not for forwarding goes to the kernel
    seen(Stage::parse, burst);
    decapsulate(burst, now);  // a tunnel packet for us: the inner packet takes its place
    seen(Stage::decapsulate, burst);
    process(burst, now, clock);
}

void Pipeline::process(Burst& burst, const Snapshot& now, Seconds clock) noexcept {
    track(burst, now, connections_, fragments_, around_, clock);  // a known flow? whose?
    seen(Stage::track, burst);
    balance(burst, now, connections_, affinities_, originated_, around_, clock);  // a new one: choose, remember
    seen(Stage::balance, burst);
    translate(burst);  // NAT, RFC 1624
    seen(Stage::translate, burst);
    send(burst, now, clock);
    send_originated(now, clock);
}

void Pipeline::send(Burst& burst, const Snapshot& now, Seconds clock) noexcept {
    route(burst, now, waiting_, originated_, around_, clock);  // peer | neighbour | kernel; TTL, MTU
    seen(Stage::route, burst);
    encapsulate(burst, now);  // RFC 7348, or plain Ethernet
    seen(Stage::encapsulate, burst);
    transmit(burst, around_);  // in exactly one counter
    seen(Stage::transmit, burst);
}

/// What the gateway has to say itself takes the same last stages.
void Pipeline::send_originated(const Snapshot& now, Seconds clock) noexcept {
    Burst& own = originated_.burst();
    if (own.count == 0) return;
    originated_.close(true);
    own.start_carried();
    route(own, now, waiting_, originated_, around_, clock);
    encapsulate(own, now);
    transmit(own, around_);
    originated_.close(false);
}

void Pipeline::resume(Burst& burst, const Snapshot& now, Seconds clock) noexcept {
    burst.start_carried();
    begin(burst);
    process(burst, now, clock);
}

}  // namespace viaduct
