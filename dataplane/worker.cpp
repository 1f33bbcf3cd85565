// A worker's turn, and the thread that repeats it.
#include "dataplane/worker.h"

#include <pthread.h>
#include <rte_ethdev.h>
#include <sys/prctl.h>

#include <future>
#include <stdexcept>
#include <string>

#include "dataplane/eal.h"

namespace viaduct {
namespace {

void pin_to(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0)
        throw std::runtime_error("a worker cannot run on CPU " + std::to_string(cpu));
}

void sleep_for(std::chrono::microseconds time) noexcept {
    const timespec duration{0, static_cast<long>(std::chrono::nanoseconds(time).count())};
    nanosleep(&duration, nullptr);  // a signal may wake it early, which does no harm
}

}  // namespace

void fetch_handed_over(rte_ring& ring, Burst& burst) noexcept {
    auto** packets = reinterpret_cast<void**>(burst.mbufs.data());
    burst.count = rte_ring_sc_dequeue_burst(&ring, packets, Burst::capacity, nullptr);
    for (rte_mbuf* mbuf : burst.received()) prefetch_handed_over(mbuf);
}

Worker::Worker(WorkerSetup setup, const Surroundings& around, const PipelineSizes& sizes, const Timeouts& timeouts,
               const Published& published, QsbrGrace& grace)
    : setup_(std::move(setup)),
      around_(around),
      pipeline_(around, sizes, timeouts),
      published_(published),
      grace_(grace),
      clock_(setup_.clock_start) {}

Worker::~Worker() { stop(); }

bool Worker::turn() noexcept {
    const Snapshot& now = published_.read();  // one for the whole turn
    const Seconds clock = clock_.now();
    if (setup_.handed_over != nullptr) fetch_handed_over(*setup_.handed_over, handed_over_);
    unsigned packets = handed_over_.count;
    for (const ReceiveQueue& queue : setup_.receive) packets += receive(queue, now, clock);
    if (handed_over_.count != 0) pipeline_.resume(handed_over_, now, clock);
    for (TransmitQueueOwner* queue : setup_.drain) packets += queue->drain();
    pipeline_.tidy(now, clock);
    mailbox_.serve(pipeline_.connections(), clock);
    around_.counters->turns.add(1);
    if (packets != 0) around_.counters->busy_turns.add(1);
    return packets != 0;
}

unsigned Worker::receive(const ReceiveQueue& queue, const Snapshot& now, Seconds clock) noexcept {
    const unsigned count = rte_eth_rx_burst(queue.from.device, queue.from.queue, burst_.mbufs.data(), Burst::capacity);
    if (count == 0) return 0;
    burst_.count = count;
    around_.counters->rx.add(count);
    PortCounters& counters = around_.counters->ports[static_cast<std::size_t>(queue.port)];
    counters.rx_packets.add(count);
    if (queue.partner != PortId::none) {
        pass_on(queue);
    } else {
        burst_.ingress = queue.port;
        pipeline_.run(burst_, now, clock);
    }
    counters.rx_bytes.add(burst_.received_bytes);
    return count;
}

/// From the kernel's side of a port to the wire: transmit alone.
void Worker::pass_on(const ReceiveQueue& queue) noexcept {
    burst_.start();
    burst_.received_bytes = 0;
    for (unsigned i = 0; i < burst_.count; ++i) {
        Packet& packet = burst_.packets[i];
        packet.begin(burst_.mbufs[i], NetworkId::none);
        packet.meta.originated = false;
        packet.egress = queue.partner;
        burst_.received_bytes += packet.mbuf->pkt_len;
    }
    transmit(burst_, around_);
}

void Worker::start() {
    std::promise<void> polling;
    std::future<void> result = polling.get_future();
    thread_ = std::jthread([this, polling = std::move(polling)](const std::stop_token& stop) mutable {
        try {
            pin_to(setup_.cpu);
            prctl(PR_SET_TIMERSLACK, 1UL);  // ns: a sleep of a microsecond must not become fifty
            pthread_setname_np(pthread_self(), ("worker-" + std::to_string(around_.self)).c_str());
            const RegisteredThread registered;
            QsbrGrace::Reader reader(grace_, around_.self);
            polling.set_value();
            run(stop, reader);
        } catch (...) {
            polling.set_exception(std::current_exception());
        }
    });
    result.get();
}

void Worker::run(const std::stop_token& stop, QsbrGrace::Reader& reader) noexcept {
    IdleBackoff idle(setup_.idle);
    while (!stop.stop_requested()) {
        const bool busy = turn();
        reader.quiescent();
        const auto sleep = idle.after(busy);
        if (sleep.count() == 0) continue;
        reader.offline();
        sleep_for(sleep);
        reader.online();
        around_.counters->sleeps.add(1);
    }
}

void Worker::stop() noexcept {
    thread_ = std::jthread();  // asks it to stop and joins it
    mailbox_.withdraw();
}

}  // namespace viaduct
