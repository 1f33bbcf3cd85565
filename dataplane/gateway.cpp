// Puts the data plane together.
#include "dataplane/gateway.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>

#include "dataplane/connection_rows.h"
#include "dataplane/explain.h"
#include "dataplane/interface.h"

namespace viaduct {
namespace {

constexpr unsigned handover_ring_size = 2048;

EalOptions eal_options(const GatewayOptions& options) {
    EalOptions eal{.hugepages = options.hugepages, .memory_mib = options.memory_mib};
    for (const PortOptions& port : options.ports)
        if (const Device device = parse_device(port.device); device.is_pci())
            eal.pci_devices.push_back(device.arguments.empty() ? device.name : device.name + "," + device.arguments);
    eal.control_cpu = options.placement.control.front();
    run_on(options.placement.control);  // EAL's threads stay with their creator's CPUs
    return eal;
}

}  // namespace

PoolNeeds pool_needs(const GatewayOptions& options) {
    PoolNeeds needs{.workers = static_cast<unsigned>(options.placement.workers.size()), .queues = 0};
    needs.taps = static_cast<unsigned>(options.host_taps.size());
    for (const PortOptions& port : options.ports) {
        needs.queues += port.queues;
        needs.taps += twin_interface(port) ? 1 : 0;
        needs.mtu = std::max<unsigned>(needs.mtu, port.mtu);
        if (const Device device = parse_device(port.device); device.is_af_xdp())
            needs.mtu = std::max<unsigned>(needs.mtu, interface_facts(device.interface).mtu);
    }
    return needs;
}

Gateway::Gateway(const GatewayOptions& options)
    : options_(options),
      eal_(eal_options(options)),
      pool_(make_packet_pool(pool_needs(options))),
      published_(grace_),
      counters_(options.placement.workers.size()),
      neighbour_requests_(options.placement.workers.size()),
      slots_(static_cast<unsigned>(options.placement.workers.size())) {
    open_ports();
    make_workers();
    for (Worker& worker : workers_) worker.start();
}

Gateway::~Gateway() {
    for (Worker& worker : workers_) worker.stop();
}

PortId Gateway::open(const PortOptions& options) {
    if (ports_.size() == max_ports) throw std::runtime_error("more than " + std::to_string(max_ports) + " ports");
    ports_.emplace_back(options, worker_count(), pool_.get());
    const PortFacts facts = ports_.back().port.facts();
    spdlog::debug("port {}: {} by {}, {} receive queues, MTU {}", facts.name, facts.device, facts.driver,
                  facts.rx_queues, facts.mtu);
    return static_cast<PortId>(ports_.size() - 1);
}

void Gateway::open_ports() {
    unsigned taps = 0;
    for (const PortOptions& port : options_.ports) open(port);
    std::uint16_t mtu = 0;
    for (const OpenPort& open : ports_) mtu = std::max(mtu, open.port.facts().mtu);
    for (const HostTapOptions& tap : options_.host_taps) {
        open(host_tap_options(tap, mtu, taps++));
        disable_neighbour_resolution(tap.interface);
    }
    for (std::size_t i = 0; i < options_.ports.size(); ++i) {
        const auto interface = twin_interface(options_.ports[i]);
        if (!interface) continue;
        const PortId twin = open(twin_options(ports_[i].port.facts(), *interface, taps++));
        ports_[i].kernel = twin;
        ports_[static_cast<std::size_t>(twin)].partner = static_cast<PortId>(i);
    }
}

/// Receive queues go round the workers; a queue's transmit half belongs to the same worker where it has one.
std::vector<std::vector<ReceiveQueue>> Gateway::share_receive_queues() {
    std::vector<std::vector<ReceiveQueue>> shares(worker_count());
    std::size_t next = 0;
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        OpenPort& open = ports_[i];
        const std::size_t first = next;
        for (const DeviceQueue queue : open.port.receive_queues())
            shares[next++ % worker_count()].push_back({queue, static_cast<PortId>(i), open.partner});
        const std::vector<DeviceQueue> transmit = open.port.transmit_queues();
        std::vector<WorkerId> owners;
        for (std::size_t queue = 0; queue < transmit.size(); ++queue)
            owners.push_back(static_cast<WorkerId>((first + queue) % worker_count()));
        open.transmit = std::make_unique<TransmitQueues>(transmit, owners, worker_count(), std::to_string(i));
    }
    return shares;
}

Surroundings Gateway::surroundings_of(WorkerId worker) {
    Surroundings around;
    around.self = worker;
    around.slots = &slots_;
    around.counters = &counters_[worker];
    around.pool = pool_.get();
    around.neighbour_requests = &neighbour_requests_[worker];
    for (std::size_t i = 0; i < ports_.size(); ++i) around.transmit[i] = ports_[i].transmit->of(worker);
    for (std::size_t i = 0; i < handover_.size(); ++i) around.workers[i] = handover_[i].get();
    return around;
}

void Gateway::make_workers() {
    const auto shares = share_receive_queues();
    const std::uint64_t start = rte_get_tsc_cycles();
    if (worker_count() > 1)
        for (unsigned i = 0; i < worker_count(); ++i)
            handover_.push_back(make_packet_ring("handover-" + std::to_string(i), handover_ring_size));
    for (unsigned i = 0; i < worker_count(); ++i) {
        const auto id = static_cast<WorkerId>(i);
        WorkerSetup setup{.cpu = options_.placement.workers[i], .receive = shares[i], .idle = options_.idle};
        setup.clock_start = start;
        if (!handover_.empty()) setup.handed_over = handover_[i].get();
        for (OpenPort& open : ports_) std::ranges::copy(open.transmit->drained_by(id), std::back_inserter(setup.drain));
        workers_.emplace_back(std::move(setup), surroundings_of(id), options_.sizes, options_.timeouts, published_,
                              grace_);
    }
}

std::vector<PortFacts> Gateway::ports() const {
    std::vector<PortFacts> all;
    for (const OpenPort& open : ports_) all.push_back(open.port.facts());
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        if (ports_[i].kernel == PortId::none) continue;
        const PortFacts& twin = all[static_cast<std::size_t>(ports_[i].kernel)];
        all[i].kernel_port = ports_[i].kernel;
        all[i].interface_index = twin.interface_index;
        all[i].interface_name = twin.interface_name;
    }
    return all;
}

std::vector<WorkerFacts> Gateway::workers() const {
    std::vector<WorkerFacts> all;
    for (std::size_t i = 0; i < worker_count(); ++i)
        all.push_back({static_cast<WorkerId>(i), options_.placement.workers[i], &counters_[i],
                       options_.sizes.connections_v4, options_.sizes.connections_v6});
    return all;
}

std::vector<std::pair<PortId, IpAddress>> Gateway::take_neighbour_requests() {
    std::vector<std::pair<PortId, IpAddress>> taken;
    NeighbourRequest request;
    for (NeighbourRequests& requests : neighbour_requests_)
        while (requests.pop(request)) taken.emplace_back(request.port, request.address);
    std::ranges::sort(taken);
    taken.erase(std::unique(taken.begin(), taken.end()), taken.end());
    return taken;
}

void Gateway::steer(const Snapshot& next) {
    if (std::ranges::none_of(ports_, [](OpenPort& open) { return open.port.steering() != nullptr; })) return;
    SteeringInput input = steering_input(next);
    if (steered_ == input) return;
    const SteeringEntries entries = steering_entries(next);
    for (OpenPort& open : ports_)
        if (Steering* steering = open.port.steering()) steering->update(entries);
    steered_ = std::move(input);
}

std::vector<ConnectionRow> Gateway::connections(std::size_t limit) {
    const std::lock_guard lock(asking_);
    std::vector<ConnectionRow> rows;
    for (std::size_t i = 0; i < workers_.size(); ++i)
        collect_connections(workers_[i], static_cast<WorkerId>(i), options_.timeouts, limit, rows);
    return rows;
}

Explanation Gateway::explain(const Question& question, const Snapshot& snapshot) {
    return viaduct::explain(question, snapshot, pool_.get());
}

}  // namespace viaduct
