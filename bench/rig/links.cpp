// Device arguments, by kind.
#include "bench/rig/links.h"

#include "encap/net_text.h"

namespace viaduct::rig {
namespace {

constexpr const char* names[] = {"outside", "underlay"};

const Mac& mac_of(Side side) { return side == Side::outside ? World::outside_mac : World::underlay_mac; }

}  // namespace

Link link_of(const std::string& kind, const std::filesystem::path& directory, Side side) {
    const std::string number = std::to_string(static_cast<int>(side)), name = names[static_cast<int>(side)];
    const std::string socket = (directory / (name + "." + kind)).string(), mac = ",mac=" + to_string(mac_of(side));
    // The gateway listens, since it is there first. An abstract socket would be the network namespace's.
    if (kind == "memif") {
        const std::string common = ",socket=" + socket + ",socket-abstract=no,rsize=11";
        return {"net_memif" + number + ",role=server" + common + mac, "net_memif" + number + ",role=client" + common};
    }
    return {"af_xdp:" + name, "net_af_packet" + number + ",iface=rig-" + name};
}

std::string link_commands(const std::string& kind) {
    std::string commands;
    if (kind != "veth") return commands;
    for (const Side side : {Side::outside, Side::underlay}) {
        const std::string name = names[static_cast<int>(side)];
        commands += "link add " + name + " mtu 1600 address " + to_string(mac_of(side)) + " type veth peer name rig-" +
                    name + " mtu 1600\nlink set " + name + " up\nlink set rig-" + name + " up\n";
    }
    return commands;
}

}  // namespace viaduct::rig
