// The rig's command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/rig/frame_sizes.h"
#include "bench/world.h"

namespace viaduct::rig {

enum class Workload : std::uint8_t { encap, decap, service, reply, exchange };
struct WorkloadText {
    Workload workload;
    const char *name, *direction;
};
inline constexpr std::array<WorkloadText, 5> workload_texts{{
    {Workload::encap, "encap", "outside to underlay: client to pod, plain in, VXLAN out"},
    {Workload::decap, "decap", "underlay to outside: pod to client, VXLAN in, plain out"},
    {Workload::service, "service", "outside to underlay: client to Service, NAT, VXLAN out"},
    {Workload::reply, "reply", "underlay to outside: backend to client, VXLAN in, NAT, plain out"},
    {Workload::exchange, "exchange", "both ways at once, half of the frames each: service and reply"},
}};
[[nodiscard]] constexpr const WorkloadText& text_of(Workload workload) {
    return workload_texts[static_cast<std::size_t>(workload)];
}

/// What is measured besides the throughput.
struct Tests {
    bool search = false, latency = false, loss = false, burst = false, reconfigure = false, soak = false, flows = false;
};

struct RigOptions {
    bool help = false, quick = false;
    std::vector<Workload> workloads;
    std::vector<FrameSizes> sizes;
    std::vector<std::uint32_t> flows;
    std::vector<std::uint32_t> sweep;  // numbers of flows whose cost is compared
    double skew = 0, new_flows = 0;
    Family inner{}, outer{};
    WorldSize world{};
    Tests tests{};
    double trial = 0, sum = 0, width = 0, pdr = 0;  // seconds, seconds, ratios
    double soak = 0, change_rate = 0;               // seconds, per second
    unsigned check_sums_of = 0;
    unsigned repeats = 4;                          // of a spoiled trial, at most
    std::string ports;                             // "memif", "vhost" or "veth"
    std::string outside, underlay;                 // the rig's own devices; then the gateway runs elsewhere
    std::string gateway, attach;                   // its program, or its socket
    std::optional<Mac> outside_mac, underlay_mac;  // the gateway's, if it cannot be asked
    std::string objects;                           // the directory that a gateway elsewhere follows
    std::string prepare;                           // write a gateway's configuration there, and no more
    std::string gateway_devices[2];                // for prepare
    std::string gateway_cpus;                      // "": the last CPU
    int cpu = -1;                                  // the generator's; -1: the first one
    std::string json, csv, html;
    std::uint64_t seed = 1;
    std::string command;  // as it was given
};

/// Throws std::invalid_argument with a text that names the option and what it may be.
[[nodiscard]] RigOptions parse_rig_options(int argc, const char* const* argv);
[[nodiscard]] std::string rig_help();

}  // namespace viaduct::rig
