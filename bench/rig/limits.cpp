// The report's word on what its figures depend on.
#include <cmath>
#include <cstdio>

#include "bench/rig/results.h"

namespace viaduct::rig {
namespace {

std::string percent(double share) {
    char text[16];
    std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
    return text;
}

void say_who_was_full(const Case& one, std::vector<std::string>& said) {
    const Overload& over = one.overload;
    const auto refused = over.drops.find("transmit_refused");
    if (refused != over.drops.end())
        said.push_back("Under overload the gateway could not hand " + std::to_string(refused->second) +
                       " frames to the rig: the generator takes frames too slowly, and the gateway could do more.");
    if (over.received > 0.97 * over.offered)
        said.push_back("The generator is the limit: the gateway forwarded all that it was offered, and could do more.");
    else
        said.push_back("The gateway is the limit: it was offered " + percent(over.offered / over.received - 1) +
                       " more than it forwarded; " + percent(over.gateway_busy) +
                       " of its workers' turns found frames, and its stages took " + percent(over.pipeline_share) +
                       " of their time. The rest is the ports' drivers and copies.");
    const Throughput* pdr = one.find("PDR");
    if (pdr == nullptr || !pdr->lower) return;
    said.push_back("At the PDR the generator was idle for " + percent(one.idle_at_pdr) + " of its time" +
                   (one.idle_at_pdr < 0.05 ? ": it is close to its own limit." : "."));
}

void say_what_disturbed(const Results& results, const Case& one, std::vector<std::string>& said) {
    const Throughput *ndr = one.find("NDR"), *pdr = one.find("PDR");
    if (ndr != nullptr && pdr != nullptr && pdr->lower && (!ndr->lower || *ndr->lower < 0.9 * *pdr->lower))
        said.push_back(
            "NDR lies far below PDR: single frames were lost at loads that the gateway carries, when it or the "
            "generator was held up. On a shared or virtual machine that is noise, and the PDR the better figure.");
    for (const Throughput& found : one.throughputs)
        if (!found.complete) said.push_back("The search for the " + found.goal + " did not come to an end.");
    if (results.steal > 0.001) said.push_back("A hypervisor took " + percent(results.steal) + " of the CPUs' time.");
    if (results.preemptions > 0)
        said.push_back("The generator was preempted " + std::to_string(results.preemptions) +
                       " times in the whole run.");
    if (results.shares_control_cpu)
        said.push_back("The generator shares its CPU with the gateway's control thread and the machine's other work.");
}

void say_what_ports_cost(const Results& results, std::vector<std::string>& said) {
    if (results.ports == "memif")
        said.push_back(
            "Ports are memif: each frame is copied twice on its way in and out, and comes out of the cache that both "
            "cores share, as after a NIC's direct access. There is no line rate.");
    if (results.ports == "veth")
        said.push_back(
            "Ports are AF_XDP on veth: system calls and the kernel's copies dominate. No measure of the gateway.");
}

}  // namespace

std::vector<std::string> limits_of(const Results& results, const Case& one) {
    std::vector<std::string> said;
    if (results.quick) said.emplace_back("--quick: these figures mean nothing.");
    if (one.overload.received > 0) say_who_was_full(one, said);
    say_what_disturbed(results, one, said);
    say_what_ports_cost(results, said);
    return said;
}

}  // namespace viaduct::rig
