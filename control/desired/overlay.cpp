// What Calico's and Cilium's networks have in common.
#include "control/desired/overlay.h"

#include <array>
#include <boost/uuid/detail/sha1.hpp>
#include <cstring>

namespace viaduct {

namespace {

/// SHA-1's first bytes. Boost has its digest as numbers, later versions as bytes.
std::array<std::uint8_t, 20> sha1_of(const std::string& text) {
    boost::uuids::detail::sha1 sha1;
    sha1.process_bytes(text.data(), text.size());
    boost::uuids::detail::sha1::digest_type digest;
    sha1.get_digest(digest);
    std::array<std::uint8_t, 20> bytes;
    if constexpr (sizeof digest[0] == 1)
        std::memcpy(bytes.data(), digest, bytes.size());
    else
        for (std::size_t i = 0; i < bytes.size(); ++i)
            bytes[i] = static_cast<std::uint8_t>(digest[i / 4] >> (24 - 8 * (i % 4)));
    return bytes;
}

}  // namespace

Mac calico_mac(const std::string& node, Family family) {
    const auto digest = sha1_of(family == Family::v4 ? node : node + "-v6");
    return {{'f', digest[0], digest[1], digest[2], digest[3], digest[4]}};
}

Mac cilium_mac(const IpAddress& underlay) {
    const auto bytes = underlay.v6().bytes;
    return {{0x0a, 0x0a, bytes[12], bytes[13], bytes[14], bytes[15]}};
}

std::optional<IpAddress> own_vtep(const NetworkConfig& config, const Overlay& overlay, Family family) {
    if (family == Family::v4) return config.vtep_v4 ? std::optional<IpAddress>(*config.vtep_v4) : overlay.vtep_v4;
    return config.vtep_v6 ? std::optional<IpAddress>(*config.vtep_v6) : overlay.vtep_v6;
}

std::optional<IpPrefix> own_subnet(const NetworkConfig& config, const Overlay& overlay, Family family) {
    if (family == Family::v4)
        return config.pod_subnet_v4 ? std::optional<IpPrefix>(*config.pod_subnet_v4) : overlay.pod_subnet_v4;
    return config.pod_subnet_v6 ? std::optional<IpPrefix>(*config.pod_subnet_v6) : overlay.pod_subnet_v6;
}

}  // namespace viaduct
