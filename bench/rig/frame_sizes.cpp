// Spreads shares over a cycle.
#include "bench/rig/frame_sizes.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <stdexcept>

namespace viaduct::rig {

/// At each place the size that is most behind its share.
FrameSizes::FrameSizes(std::string name, const std::vector<SizeShare>& shares) : name_(std::move(name)) {
    unsigned round = 0;
    for (const SizeShare& share : shares) round += share.packets;
    std::vector<int> behind(shares.size());
    for (unsigned place = 0; place < round; ++place) {
        for (std::size_t i = 0; i < shares.size(); ++i) behind[i] += static_cast<int>(shares[i].packets);
        const auto most = std::max_element(behind.begin(), behind.end());
        *most -= static_cast<int>(round);
        cycle_.push_back(shares[static_cast<std::size_t>(most - behind.begin())].size);
    }
}

FrameSizes FrameSizes::parse(const std::string& text) {
    if (text == "imix") return {"imix", {{64, 28}, {570, 16}, {1518, 4}}};
    unsigned size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc() || end != text.data() + text.size() || size < smallest_frame || size > largest_frame)
        throw std::invalid_argument("'" + text + "': expected imix or a number from 64 to 1518");
    return {text, {{size, 1}}};
}

double FrameSizes::mean() const noexcept {
    return std::accumulate(cycle_.begin(), cycle_.end(), 0.0) / static_cast<double>(cycle_.size());
}

}  // namespace viaduct::rig
