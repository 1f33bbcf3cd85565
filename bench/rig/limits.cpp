// The report's word on what its figures depend on.
#include <algorithm>
#include <cstdio>

#include "bench/rig/results.h"

namespace viaduct::rig {
namespace {

std::string percent(double share) {
    char text[16];
    std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
    return text;
}

std::string mpps(double rate) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f Mpps", rate / 1e6);
    return text;
}

/// Who was busy, by numbers.
std::string occupation(const Overload& over) {
    std::string text = "Under overload " + mpps(over.offered) + " were offered and " + mpps(over.received) +
                       " came back. The generator was busy for " + percent(over.generator_busy) + " of its time";
    if (over.gateway_busy) text += ", the gateway's workers for " + percent(*over.gateway_busy) + " of theirs";
    if (over.pipeline_share > 0) text += " (stages " + percent(over.pipeline_share) + ", the rest drivers and copies)";
    return text + ". " + text_of(over.losses);
}

std::string verdict(const Overload& over) {
    constexpr double full = 0.8, all_through = 0.95;
    if (over.disturbance.spoils()) return "Who is the limit cannot be told: meanwhile " + over.disturbance.text() + ".";
    const auto refused = over.losses.drops.find("transmit_refused");
    const bool rig_was_slow = refused != over.losses.drops.end() && 2 * refused->second > over.losses.lost;
    const bool through = over.received > all_through * over.offered;
    const bool gateway_full = over.gateway_busy ? *over.gateway_busy > full : !through;
    if (rig_was_slow) return "The generator is the limit: it takes frames too slowly, and the gateway could do more.";
    if (through && gateway_full) return "Generator and gateway are both at their limits.";
    if (through) return "The generator is the limit: the gateway forwarded what it was offered, and could do more.";
    if (gateway_full) return "The gateway is the limit.";
    return "Neither is the limit by these numbers: frames were lost while the gateway had time left, so somebody was "
           "held up, or the ports between them are too small.";
}

void say_who_was_full(const Case& one, std::vector<std::string>& said) {
    said.push_back(occupation(one.overload));
    said.push_back(verdict(one.overload));
    const Throughput* pdr = one.find("PDR");
    if (pdr == nullptr || !pdr->lower) return;
    said.push_back("At the PDR the generator was idle for " + percent(one.idle_at_pdr) + " of its time" +
                   (one.idle_at_pdr < 0.05 ? ": it is close to its own limit." : "."));
}

/// What was held up, and what came of it.
void say_what_was_spoiled(const TrialTally& tally, std::vector<std::string>& said) {
    if (tally.repeated + tally.spoiled == 0) return;
    std::string text = std::to_string(tally.repeated) + " trials beside the " + std::to_string(tally.trials) +
                       " that count were spoiled and made anew: something else had taken more than " +
                       percent(Disturbance::others_may) + " of their time from a worker of the gateway, or " +
                       percent(Disturbance::generator_may) + " from the generator. In the worst one " +
                       tally.worst.text() + ".";
    if (tally.spoiled != 0)
        text += " " + std::to_string(tally.spoiled) + " count though they are spoiled, the least of several each.";
    said.push_back(text);
}

void say_what_disturbed(const Results& results, const Case& one, std::vector<std::string>& said) {
    const Throughput *ndr = one.find("NDR"), *pdr = one.find("PDR");
    if (ndr != nullptr && pdr != nullptr && pdr->lower && (!ndr->lower || *ndr->lower < 0.9 * *pdr->lower))
        said.push_back(
            "NDR lies far below PDR: single frames were lost at loads that the gateway carries, when it or the "
            "generator was held up. On a shared or virtual machine that is noise, and the PDR the better figure.");
    for (const Throughput& found : one.throughputs)
        if (!found.complete) said.push_back("The search for the " + found.goal + " did not come to an end.");
    say_what_was_spoiled(one.tally, said);
    const auto spoiled = std::ranges::count_if(one.loss, &LossPoint::spoiled);
    if (spoiled != 0)
        said.push_back("All trials were spoiled of " + std::to_string(spoiled) + " points of the frame loss curve.");
    if (one.soak && one.soak->disturbance.spoils())
        said.push_back("During the soak test " + one.soak->disturbance.text() + " in all.");
    if (one.reconfiguration && one.reconfiguration->disturbance.spoils())
        said.push_back("During the reconfiguration test " + one.reconfiguration->disturbance.text() + " in all.");
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

std::string text_of(const Losses& losses) {
    if (losses.lost == 0) return "No frame was lost.";
    std::uint64_t dropped = 0;
    std::string reasons;
    for (const auto& [name, count] : losses.drops) {
        dropped += count;
        reasons += (reasons.empty() ? " (" : ", ") + name + " " + std::to_string(count);
    }
    const std::string text = std::to_string(losses.lost) +
                             " frames were lost: the full ring towards the gateway refused " +
                             std::to_string(losses.refused) + ", the gateway dropped " + std::to_string(dropped) +
                             reasons + (reasons.empty() ? "" : ")");
    const std::uint64_t found = losses.refused + dropped;
    return losses.lost <= found
               ? text + "."
               : text + ", and the ports lost " + std::to_string(losses.lost - found) + " that nobody has counted.";
}

std::string text_of(const ReconfigurationWindows& windows) {
    const auto losses = [](const WindowSum& sum) {
        char text[128];
        std::snprintf(text, sizeof text, "%llu with %llu frames lost %llu (%.4f %%)",
                      static_cast<unsigned long long>(sum.windows), static_cast<unsigned long long>(sum.offered),
                      static_cast<unsigned long long>(sum.lost), 100 * sum.loss_ratio());
        return std::string(text);
    };
    char length[32];
    std::snprintf(length, sizeof length, "%g ms", 1e3 * windows.seconds);
    std::string text = "Windows of " + std::string(length) + " with a change: " + losses(windows.with_change) +
                       "; without: " + losses(windows.without) + ".";
    if (windows.held_up_with_change.windows + windows.held_up_without.windows != 0)
        text += " A worker was kept from its CPU, with a change: " + losses(windows.held_up_with_change) +
                "; without: " + losses(windows.held_up_without) + ".";
    return text;
}

std::vector<std::string> limits_of(const Results& results, const Case& one) {
    std::vector<std::string> said;
    if (results.quick) said.emplace_back("--quick: these figures mean nothing.");
    if (one.overload.received > 0) say_who_was_full(one, said);
    say_what_disturbed(results, one, said);
    say_what_ports_cost(results, said);
    return said;
}

}  // namespace viaduct::rig
