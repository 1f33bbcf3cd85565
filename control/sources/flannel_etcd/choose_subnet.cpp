// flanneld's rules for subnets.
#include "control/sources/flannel_etcd/choose_subnet.h"

#include <algorithm>
#include <stdexcept>

#include "encap/net_text.h"
#include "encap/prefixes.h"

namespace viaduct {

namespace {

constexpr std::size_t most_candidates = 100;

/// What differs between the families: the usual length, where it starts to be too long, and how keys begin.
struct Rules {
    std::uint8_t usual, longest;
    const char* name;
};
constexpr Rules rules_v4{24, 30, ""}, rules_v6{64, 126, "IPv6"};
constexpr unsigned least_bits = 2;  // of a network over its subnets: the first one is not used

std::uint8_t length_of(const FlannelConfig::Subnets& subnets, const IpPrefix& network, const Rules& rules) {
    const std::string name = std::string(rules.name) + "SubnetLen";
    const unsigned least = network.length + least_bits;
    if (least > rules.longest) throw std::invalid_argument(std::string(rules.name) + "Network is too small: widen it");
    if (subnets.length == 0) return static_cast<std::uint8_t>(std::max<unsigned>(rules.usual, least));
    if (subnets.length < least || subnets.length > rules.longest)
        throw std::invalid_argument(name + " is " + std::to_string(subnets.length) + ": write one from " +
                                    std::to_string(least) + " to " + std::to_string(rules.longest));
    return subnets.length;
}

IpPrefix bound(const std::optional<IpAddress>& address, const IpPrefix& otherwise, const IpPrefix& network,
               const std::string& name) {
    if (!address) return otherwise;
    const IpPrefix subnet(*address, otherwise.length);
    if (address->is_v4() != network.is_v4() || !network.contains(*address) || subnet.address != *address)
        throw std::invalid_argument(name + " is " + to_string(*address) + ": write the first address of a /" +
                                    std::to_string(otherwise.length) + " in " + to_string(network));
    return subnet;
}

std::optional<IpPrefix> of_family(const SubnetPair& subnets, Family family) {
    return family == Family::v4 ? std::optional(subnets.v4) : subnets.v6;
}

IpPrefix choose(const SubnetRange& range, Family family, std::span<const SubnetPair> taken, double random) {
    std::vector<IpPrefix> candidates;
    const auto is_free = [&](const IpPrefix& subnet) {
        return std::ranges::none_of(taken, [&](const SubnetPair& one) {
            const auto other = of_family(one, family);
            return other && other->overlaps(subnet);
        });
    };
    std::optional<IpPrefix> next = range.first;
    for (; next && next->address <= range.last.address && candidates.size() < most_candidates;
         next = next_prefix(*next))
        if (is_free(*next)) candidates.push_back(*next);
    if (candidates.empty())
        throw std::invalid_argument("all subnets from " + to_string(range.first) + " to " + to_string(range.last) +
                                    " are taken: widen the network, or remove leases");
    return candidates[static_cast<std::size_t>(random * static_cast<double>(candidates.size()))];
}

}  // namespace

SubnetRange subnet_range(const FlannelConfig& config, Family family) {
    const bool v4 = family == Family::v4;
    const Rules& rules = v4 ? rules_v4 : rules_v6;
    const auto& network = v4 ? config.network : config.ipv6_network;
    const auto& subnets = v4 ? config.subnets : config.ipv6_subnets;
    const std::string name = rules.name;
    if (!network || network->is_v4() != v4) throw std::invalid_argument(name + "Network is missing: add it");
    const std::uint8_t length = length_of(subnets, *network, rules);
    // The network's first subnet is left out: its first address is the network's.
    const auto second = next_prefix({network->address, length});
    return {bound(subnets.first, second.value(), *network, name + "SubnetMin"),
            bound(subnets.last, {last_address(*network), length}, *network, name + "SubnetMax")};
}

bool fits(const FlannelConfig& config, const SubnetPair& subnets) {
    const auto within = [&](const IpPrefix& subnet, Family family) {
        const SubnetRange range = subnet_range(config, family);
        return subnet.length == range.first.length && range.first.address <= subnet.address &&
               subnet.address <= range.last.address;
    };
    if (!within(subnets.v4, Family::v4) || config.enable_v6 != subnets.v6.has_value()) return false;
    return !subnets.v6 || within(*subnets.v6, Family::v6);
}

SubnetPair choose_subnet(const FlannelConfig& config, std::span<const SubnetPair> taken, double random) {
    SubnetPair chosen{choose(subnet_range(config, Family::v4), Family::v4, taken, random), {}};
    if (config.enable_v6) chosen.v6 = choose(subnet_range(config, Family::v6), Family::v6, taken, random);
    return chosen;
}

}  // namespace viaduct
