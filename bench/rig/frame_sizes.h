// Frame sizes, alone or mixed. Sizes are on the wire: with the FCS, without preamble and gap (RFC 2544 §9.1).
#pragma once

#include <string>
#include <vector>

namespace viaduct::rig {

struct SizeShare {
    unsigned size;
    unsigned packets;  // in a round
};

/// A cycle of sizes, each spread over it as evenly as possible.
class FrameSizes {
public:
    FrameSizes(std::string name, const std::vector<SizeShare>& shares);
    /// "64", or "imix": 28 × 64, 16 × 570, 4 × 1518, as CSIT has it. Throws std::invalid_argument.
    static FrameSizes parse(const std::string& text);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::vector<unsigned>& cycle() const noexcept { return cycle_; }
    [[nodiscard]] double mean() const noexcept;

private:
    std::string name_;
    std::vector<unsigned> cycle_;
};

inline constexpr unsigned smallest_frame = 64, largest_frame = 1518, frame_check_sequence = 4;

}  // namespace viaduct::rig
