// In which order flows send: all alike in random order, or the popular ones more often, by Zipf's law.
#pragma once

#include <cstdint>
#include <vector>

namespace viaduct::rig {

/// `length` flow numbers below `flows`. Skew 0: every flow once per round, the rounds in one random order. Otherwise
/// flow k (from 0) has a share proportional to 1 / (k + 1)^skew, drawn at random.
[[nodiscard]] std::vector<std::uint32_t> flow_order(std::uint32_t flows, double skew, std::size_t length,
                                                    std::uint64_t seed);

}  // namespace viaduct::rig
