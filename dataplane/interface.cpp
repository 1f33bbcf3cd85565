// Asks Linux about network interfaces.
#include "dataplane/interface.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace viaduct {
namespace {

/// One request about one interface; false when Linux refuses it.
bool ask(unsigned long request, ifreq& about) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const int result = ioctl(fd, request, &about);
    const int error = errno;
    close(fd);
    errno = error;
    return result == 0;
}

ifreq request_about(const std::string& interface) {
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    return request;
}

unsigned count_rx_queues(const std::string& interface) {
    std::error_code none;
    unsigned count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/class/net/" + interface + "/queues", none))
        if (entry.path().filename().string().starts_with("rx-")) ++count;
    return count;
}

/// What AF_XDP counts: the channels, else the queues that sysfs shows.
unsigned rx_queues(const std::string& interface) {
    ethtool_channels channels{};
    channels.cmd = ETHTOOL_GCHANNELS;
    ifreq request = request_about(interface);
    request.ifr_data = reinterpret_cast<char*>(&channels);
    if (!ask(SIOCETHTOOL, request)) return count_rx_queues(interface);
    const unsigned count = channels.combined_count != 0 ? channels.combined_count : channels.rx_count;
    return count != 0 ? count : 1;
}

}  // namespace

InterfaceFacts interface_facts(const std::string& interface) {
    InterfaceFacts facts;
    facts.index = if_nametoindex(interface.c_str());
    if (facts.index == 0) return facts;
    ifreq request = request_about(interface);
    if (ask(SIOCGIFMTU, request)) facts.mtu = static_cast<std::uint16_t>(request.ifr_mtu);
    request = request_about(interface);
    if (ask(SIOCGIFFLAGS, request)) facts.running = (request.ifr_flags & IFF_RUNNING) != 0;
    ethtool_drvinfo driver{};
    driver.cmd = ETHTOOL_GDRVINFO;
    request = request_about(interface);
    request.ifr_data = reinterpret_cast<char*>(&driver);
    if (ask(SIOCETHTOOL, request)) facts.driver = driver.driver;
    facts.rx_queues = rx_queues(interface);
    return facts;
}

std::string interface_name(unsigned index) {
    char name[IF_NAMESIZE] = {};
    return index != 0 && if_indextoname(index, name) != nullptr ? name : "";
}

void disable_neighbour_resolution(const std::string& interface) {
    ifreq request = request_about(interface);
    bool done = ask(SIOCGIFFLAGS, request);
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_NOARP | IFF_UP);
    done = done && ask(SIOCSIFFLAGS, request);
    if (!done) throw std::runtime_error("cannot configure " + interface + ": " + std::strerror(errno));
}

}  // namespace viaduct
