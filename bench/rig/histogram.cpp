// Reading and adding up.
#include "bench/rig/histogram.h"

#include <algorithm>
#include <cmath>

namespace viaduct::rig {

void Histogram::add(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
    min_ = std::min(min_, other.min_);
}

std::uint64_t Histogram::value_of(std::size_t index) noexcept {
    if (index < (std::size_t{2} << fine_bits)) return index;
    const std::size_t shift = (index >> fine_bits) - 1;
    return ((index - (shift << fine_bits) + 1) << shift) - 1;
}

std::uint64_t Histogram::percentile(double percent) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(percent / 100 * static_cast<double>(count_) - 1e-6));
    const std::uint64_t rank = std::max<std::uint64_t>(wanted, 1);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        seen += counts_[i];
        if (seen >= rank) return std::clamp(value_of(i), min(), max_);
    }
    return max_;
}

}  // namespace viaduct::rig
