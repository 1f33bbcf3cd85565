// Kubernetes' timestamps.
#include "control/objects/time_text.h"

#include <cctype>
#include <ctime>

namespace viaduct {

std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text) {
    std::tm fields{};
    const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &fields);
    if (rest == nullptr) return {};
    std::chrono::nanoseconds fraction{};
    if (*rest == '.') {
        std::chrono::nanoseconds unit{100'000'000};
        for (++rest; std::isdigit(static_cast<unsigned char>(*rest)) != 0; ++rest, unit /= 10)
            fraction += unit * (*rest - '0');
    }
    std::tm offset{};
    const char* end = strptime(rest, "%z", &offset);
    if (end == nullptr || *end != '\0') return {};
    return std::chrono::system_clock::from_time_t(timegm(&fields) - offset.tm_gmtoff) +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(fraction);
}

}  // namespace viaduct
