// Device arguments, by kind.
#include "bench/rig/links.h"

#include "encap/net_text.h"

namespace viaduct::rig {

Link link_of(const std::string& kind, const std::filesystem::path& directory, Side side) {
    const auto index = static_cast<std::size_t>(side);
    const std::string number = std::to_string(index), name = side_names[index];
    const std::string socket = (directory / (name + "." + kind)).string();
    // The gateway listens, since it is there first. An abstract socket would be the network namespace's.
    if (kind == "memif") {
        const std::string common = ",socket=" + socket + ",socket-abstract=no,rsize=11";
        return {"net_memif" + number + ",role=server" + common, "net_memif" + number + ",role=client" + common};
    }
    if (kind == "vhost")
        return {"net_vhost" + number + ",iface=" + socket, "net_virtio_user" + number + ",path=" + socket +
                                                               ",queue_size=1024,mac=" + to_string(World::router_mac)};
    return {"af_xdp:" + name, "net_af_packet" + number + ",iface=rig-" + name};
}

std::string link_commands(const std::string& kind) {
    std::string commands;
    if (kind != "veth") return commands;
    for (const std::string name : side_names)
        commands += "link add " + name + " mtu 1600 type veth peer name rig-" + name + " mtu 1600\nlink set " + name +
                    " up\nlink set rig-" + name + " up\n";
    return commands;
}

}  // namespace viaduct::rig
