// A high dynamic range histogram: every value up to 68 s in nanoseconds, to one part in a thousand, in fixed memory.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace viaduct::rig {

/// Values below 2,048 have a bucket each; beyond, every power of two has 1,024 of them.
class Histogram {
public:
    Histogram() : counts_((largest_power - fine_bits + 1) << fine_bits) {}

    void add(std::uint64_t value) noexcept {
        ++counts_[index(value)];
        ++count_;
        sum_ += value;
        if (value > max_) max_ = value;
        if (value < min_) min_ = value;
    }
    void add(const Histogram& other) noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
    [[nodiscard]] double mean() const noexcept {
        return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
    }
    /// The smallest recorded value, to the histogram's precision, that `percent` of all values do not exceed; 0 when
    /// there are none.
    [[nodiscard]] std::uint64_t percentile(double percent) const noexcept;

private:
    static constexpr unsigned fine_bits = 10, largest_power = 36;
    static std::size_t index(std::uint64_t value) noexcept {
        constexpr std::uint64_t largest = (std::uint64_t{1} << largest_power) - 1;
        if (value > largest) value = largest;
        const unsigned width = static_cast<unsigned>(std::bit_width(value));
        if (width <= fine_bits + 1) return value;
        const unsigned shift = width - fine_bits - 1;
        return (std::size_t{shift} << fine_bits) + (value >> shift);
    }
    /// The largest value of a bucket.
    static std::uint64_t value_of(std::size_t index) noexcept;

    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0, sum_ = 0, max_ = 0, min_ = UINT64_MAX;
};

}  // namespace viaduct::rig
