// What cache lines that another CPU has just written cost: what bounds any hand-over between two workers.
#pragma once

#include <array>

namespace viaduct {

/// In TSC cycles.
struct LineCost {
    double alone = 0;     // a line that is waited for: half a round trip between the two
    double streamed = 0;  // one of many that lie scattered and are asked for in advance: the reader's part
};
/// Takes some milliseconds on both CPUs.
[[nodiscard]] LineCost line_cost(std::array<unsigned, 2> cpus);

}  // namespace viaduct
