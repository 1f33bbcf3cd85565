// A distribution of durations as Prometheus wants it: counts below fixed bounds, in seconds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace viaduct {

class Histogram {
public:
    /// kube-proxy's bounds for network programming begin at 250 ms; those below tell what it cannot.
    static constexpr std::array bounds{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,   0.25, 0.5,
                                       1.0,    2.0,   5.0,   10.0,  20.0, 30.0, 60.0, 120.0, 300.0};

    void add(double seconds) {
        std::size_t i = 0;
        while (i < bounds.size() && seconds > bounds[i]) ++i;
        ++counts_[i];
        sum_ += seconds;
    }
    /// Of all durations up to and including bounds[i]; i = bounds.size(): of all.
    [[nodiscard]] std::uint64_t count_to(std::size_t i) const {
        std::uint64_t count = 0;
        for (std::size_t j = 0; j <= i; ++j) count += counts_[j];
        return count;
    }
    [[nodiscard]] std::uint64_t count() const { return count_to(bounds.size()); }
    [[nodiscard]] double sum() const { return sum_; }

private:
    std::array<std::uint64_t, bounds.size() + 1> counts_{};
    double sum_ = 0;
};

}  // namespace viaduct
