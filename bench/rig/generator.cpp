// The loop.
#include "bench/rig/generator.h"

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <stdexcept>

#include "bench/rig/pacer.h"
#include "dataplane/burst.h"

namespace viaduct::rig {
namespace {

constexpr unsigned burst = 32;
constexpr double first_frame = 2;      // seconds that the first frame may take
constexpr unsigned most_polls = 8;     // of a port in a turn, so that sending does not fall behind
constexpr double standstill = 250e-6;  // seconds: a full turn takes less than half of it

/// In the window that it was sent in, which is one of the last.
void note_return(std::vector<WindowCount>& windows, std::uint64_t sent) {
    for (auto window = windows.rbegin(); window != windows.rend(); ++window)
        if (window->begin <= sent) {
            ++window->back;
            return;
        }
}

void clear_buffer(rte_mempool*, void*, void* object, unsigned) {
    auto& mbuf = *static_cast<rte_mbuf*>(object);
    std::memset(mbuf.buf_addr, 0, mbuf.buf_len);
}

}  // namespace

Pool::Pool(const char* name, unsigned buffers)
    : pool_(rte_pktmbuf_pool_create(name, buffers, 256, mbuf_private_size, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY)) {
    if (!pool_) throw std::runtime_error(std::string("no memory for packet buffers: ") + rte_strerror(rte_errno));
    rte_mempool_obj_iter(pool_.get(), clear_buffer, nullptr);
}

template <Address A>
struct Generator<A>::Sending {
    Lane<A>* lane;
    Pacer pacer;
    std::uint64_t most;      // frames
    std::uint32_t next = 1;  // frame's number
    std::size_t order = 0, size = 0;
};

template <Address A>
Generator<A>::Generator(const Site& site, const Ports& ports, const Pool& send)
    : site_(site), ports_(ports), send_(send), hz_(rte_get_tsc_hz()) {
    ns_per_cycle_ = 1e9 / static_cast<double>(hz_);
}

template <Address A>
void Generator<A>::send(Sending& to, const Traffic& traffic, unsigned count, Trial& trial) {
    std::array<rte_mbuf*, burst> frames;
    trial.offered += count;
    if (!trial.windows.empty()) trial.windows.back().offered += count;
    if (rte_pktmbuf_alloc_bulk(send_.get(), frames.data(), count) != 0) {  // all of them wait in the ring
        trial.refused += count;
        to.next += count;
        return;
    }
    const std::vector<unsigned>& sizes = traffic.sizes->cycle();
    for (unsigned i = 0; i < count; ++i) {
        const std::uint32_t flow = ((*traffic.order)[to.order] + window_) % to.lane->flows();
        to.lane->write(*frames[i], flow, sizes[to.size], {number_, flow, to.next++, rte_rdtsc()});
        if (++to.order == traffic.order->size()) to.order = 0;
        if (++to.size == sizes.size()) to.size = 0;
    }
    const std::uint16_t port = ports_[static_cast<std::size_t>(to.lane->from())];
    const unsigned sent = rte_eth_tx_burst(port, 0, frames.data(), static_cast<std::uint16_t>(count));
    trial.refused += count - sent;
    if (sent < count) rte_pktmbuf_free_bulk(frames.data() + sent, count - sent);
}

template <Address A>
unsigned Generator<A>::receive(Side side, const Traffic& traffic, Trial& trial) {
    std::array<rte_mbuf*, 2 * burst> frames;
    const unsigned count =
        rte_eth_rx_burst(ports_[static_cast<std::size_t>(side)], 0, frames.data(), std::uint16_t{2 * burst});
    if (count == 0) return 0;
    const std::uint64_t now = rte_rdtsc();
    for (unsigned i = 0; i < count; ++i) {
        const bool sums = ++looked_at_ % traffic.check_sums_of == 0;
        const Seen<A> seen = inspect<A>(site_, *frames[i], side == Side::underlay, sums);
        const std::uint64_t sent = seen.stamp.tsc;  // the stamp is packed: nothing may refer into it
        for (Lane<A>* lane : traffic.lanes)
            if (lane->from() != side && lane->judge(seen, number_, trial.verdicts)) {
                trial.latency.add(nanoseconds(now - std::min(now, sent)));
                note_return(trial.windows, sent);
            }
    }
    rte_pktmbuf_free_bulk(frames.data(), count);
    return count;
}

/// The oldest flows end, and others take their places.
template <Address A>
void Generator<A>::renew(const Traffic& traffic, unsigned count, Trial& trial) {
    Lane<A>& lane = *traffic.lanes.front();
    for (unsigned i = 0; i < count; ++i) {
        lane.forget(static_cast<std::uint32_t>((std::uint64_t{window_} + traffic.active) % lane.flows()));
        window_ = (window_ + 1) % lane.flows();
    }
    trial.new_flows += count;
}

template <Address A>
Trial Generator<A>::run(const Traffic& traffic, const Load& load) {
    Trial trial;
    trial.load = load.rate;
    ++number_;
    const std::uint64_t start = rte_rdtsc(), end = start + cycles(load.seconds), too_long = cycles(standstill);
    std::vector<Sending> sending;
    for (Lane<A>* lane : traffic.lanes) {
        lane->begin_trial();
        sending.push_back({lane, Pacer(load.rate / static_cast<double>(traffic.lanes.size()), hz_, start),
                           load.frames == 0 ? UINT64_MAX : load.frames});
    }
    Pacer renewal(load.new_flows, hz_, start);
    std::uint64_t now = start, idle = 0, stood_still = 0, next_window = load.window > 0 ? start : UINT64_MAX;
    for (bool all_sent = false; now < end && !all_sent;) {
        unsigned work = 0;
        all_sent = true;
        if (load.new_flows > 0) renew(traffic, renewal.due(now, burst), trial);
        if (now >= next_window) {
            load.begin_window();
            trial.windows.push_back({.begin = now});
            next_window += cycles(load.window);
            now = rte_rdtsc();
        }
        for (Sending& one : sending) {
            const auto left = static_cast<unsigned>(std::min<std::uint64_t>(burst, one.most - (one.next - 1)));
            const unsigned count = one.pacer.due(now, left);
            if (count != 0) send(one, traffic, count, trial);
            work += count;
            all_sent = all_sent && one.next > one.most;
        }
        for (const Side side : {Side::outside, Side::underlay})
            for (unsigned polls = 0, got = 2 * burst; polls < most_polls && got == 2 * burst; ++polls)
                work += got = receive(side, traffic, trial);
        const std::uint64_t later = rte_rdtsc();
        if (work == 0) idle += later - now;
        if (later - now > too_long) stood_still += later - now;
        now = later;
    }
    trial.seconds = seconds(now - start);
    trial.stood_still = seconds(stood_still);
    trial.idle = now == start ? 0 : static_cast<double>(idle) / static_cast<double>(now - start);
    drain(traffic, load.patience, trial);
    trial.lasted = seconds(rte_rdtsc() - start);
    return trial;
}

template <Address A>
void Generator<A>::drain(const Traffic& traffic, double patience, Trial& trial) {
    const std::uint64_t wait = cycles(patience), first = rte_rdtsc() + cycles(first_frame);
    std::uint64_t last = rte_rdtsc();
    const auto deadline = [&] { return trial.verdicts.right == 0 ? first : last + wait; };  // late ones of before apart
    while (rte_rdtsc() < deadline() && trial.verdicts.right + trial.verdicts.wrong + trial.refused < trial.offered)
        if (receive(Side::outside, traffic, trial) + receive(Side::underlay, traffic, trial) != 0) last = rte_rdtsc();
}

template class Generator<Ipv4>;
template class Generator<Ipv6>;

}  // namespace viaduct::rig
