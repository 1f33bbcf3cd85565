// flannel's net-conf.json.
#include "control/objects/net_conf.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "encap/net_text.h"

namespace viaduct {

namespace {

using nlohmann::json;

constexpr unsigned last_port_or_mtu = 65'535;

std::optional<IpPrefix> prefix_in(const json& conf, const char* name) {
    const std::string text = conf.value(name, "");
    if (text.empty()) return {};
    const auto prefix = parse_prefix(text);
    if (!prefix) throw std::invalid_argument(std::string(name) + " is '" + text + "': write a prefix");
    return prefix;
}

std::optional<IpAddress> address_in(const json& conf, const std::string& name) {
    const std::string text = conf.value(name, "");
    if (text.empty()) return {};
    const auto address = parse_ip(text);
    if (!address) throw std::invalid_argument(name + " is '" + text + "': write an address");
    return address;
}

/// Of which subnets are taken: "SubnetLen", "SubnetMin", "SubnetMax", or the same with "IPv6" before it.
FlannelConfig::Subnets subnets_in(const json& conf, const std::string& family) {
    const auto length = conf.value(family + "SubnetLen", 0U);
    if (length > 128) throw std::invalid_argument(family + "SubnetLen is over 128: write a smaller one");
    return {static_cast<std::uint8_t>(length), address_in(conf, family + "SubnetMin"),
            address_in(conf, family + "SubnetMax")};
}

void read_backend(FlannelConfig& config, const json& backend) {
    config.backend_type = backend.value("Type", config.backend_type);
    config.vni = backend.value("VNI", config.vni);
    if (!Vni::fits(config.vni)) throw std::invalid_argument("Backend.VNI is over 24 bits: write a smaller one");
    const auto port = backend.value("Port", 0U), mtu = backend.value("MTU", 0U);
    if (port > last_port_or_mtu || mtu > last_port_or_mtu)
        throw std::invalid_argument("Backend.Port or MTU is over 65535: write a smaller one");
    if (port != 0) config.port = static_cast<std::uint16_t>(port);  // 0: the kernel's default
    config.underlay_mtu = static_cast<std::uint16_t>(mtu);
    config.direct_routing = backend.value("DirectRouting", false);
}

}  // namespace

FlannelConfig read_net_conf(const ObjectKey& key, const std::string& text) {
    try {
        const json conf = json::parse(text);
        FlannelConfig config;
        config.key = key;
        config.network = prefix_in(conf, "Network");
        config.ipv6_network = prefix_in(conf, "IPv6Network");
        config.enable_v4 = conf.value("EnableIPv4", true);
        config.enable_v6 = conf.value("EnableIPv6", false);
        config.subnets = subnets_in(conf, "");
        config.ipv6_subnets = subnets_in(conf, "IPv6");
        read_backend(config, conf.value("Backend", json::object()));
        return config;
    } catch (const json::exception& wrong) {
        throw std::invalid_argument(std::string("is no valid JSON for flannel: ") + wrong.what());
    }
}

}  // namespace viaduct
