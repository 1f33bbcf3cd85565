// Draws flows.
#include "bench/rig/flow_order.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace viaduct::rig {
namespace {

std::vector<std::uint32_t> rounds(std::uint32_t flows, std::size_t length, std::mt19937_64& random) {
    std::vector<std::uint32_t> order(flows);
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), random);
    for (std::size_t i = flows; i < length; ++i) order.push_back(order[i - flows]);
    order.resize(length);
    return order;
}

std::vector<double> cumulative_shares(std::uint32_t flows, double skew) {
    std::vector<double> shares(flows);
    double sum = 0;
    for (std::uint32_t k = 0; k < flows; ++k) shares[k] = sum += std::pow(k + 1.0, -skew);
    return shares;
}

}  // namespace

std::vector<std::uint32_t> flow_order(std::uint32_t flows, double skew, std::size_t length, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    if (skew == 0) return rounds(flows, length, random);
    const std::vector<double> shares = cumulative_shares(flows, skew);
    std::uniform_real_distribution<double> point(0, shares.back());
    std::vector<std::uint32_t> order(length);
    for (std::uint32_t& flow : order) {
        const auto at = std::upper_bound(shares.begin(), shares.end() - 1, point(random));
        flow = static_cast<std::uint32_t>(at - shares.begin());
    }
    return order;
}

}  // namespace viaduct::rig
