// What can be timed.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace viaduct {

enum class Workload : std::uint8_t { encap, decap, service, reply, first_packet, handover, lifecycle };

struct WorkloadText {
    Workload workload;
    std::string_view name;
    std::string_view meaning;
};

inline constexpr std::array<WorkloadText, 7> workload_texts{{
    {Workload::encap, "encap", "client to pod, routed: plain in, VXLAN out"},
    {Workload::decap, "decap", "pod to client, routed: VXLAN in, plain out"},
    {Workload::service, "service", "client to Service, established: connection, NAT, VXLAN out"},
    {Workload::reply, "reply", "backend to client, established: VXLAN in, connection, NAT, plain out"},
    {Workload::first_packet, "first-packet", "client to Service, SYNs: Maglev, source port, new connection, VXLAN out"},
    {Workload::handover, "handover", "reply on the wrong worker: handed over by a ring to the connection's owner"},
    {Workload::lifecycle, "lifecycle",
     "a TCP connection's whole life: 7 packets both ways from SYN to last ACK, and expiry"},
}};

/// Whether each lap opens connections anew, which those of the lap before must have made room for.
[[nodiscard]] constexpr bool opens(Workload workload) {
    return workload == Workload::first_packet || workload == Workload::lifecycle;
}

[[nodiscard]] constexpr std::string_view name(Workload workload) {
    return workload_texts[static_cast<std::size_t>(workload)].name;
}

}  // namespace viaduct
