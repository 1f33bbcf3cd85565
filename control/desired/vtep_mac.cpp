// MAC addresses of tunnel endpoints that nobody has chosen.
#include "control/desired/vtep_mac.h"

namespace viaduct {

Mac derived_mac(const std::string& node, const std::string& network) {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, 64 bits
    for (const char c : node + "/" + network) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    Mac mac;
    for (unsigned i = 0; i < 6; ++i) mac.bytes[i] = static_cast<std::uint8_t>(hash >> (8 * i));
    mac.bytes[0] = static_cast<std::uint8_t>((mac.bytes[0] & 0xfc) | 0x02);
    return mac;
}

}  // namespace viaduct
