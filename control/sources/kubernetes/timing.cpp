// The real time, and real chance.
#include <random>

#include "control/sources/kubernetes/transport.h"

namespace viaduct {

Timing real_timing() {
    return {std::chrono::steady_clock::now, [engine = std::mt19937(std::random_device{}())]() mutable {
                return std::uniform_real_distribution<double>(0, 1)(engine);
            }};
}

}  // namespace viaduct
