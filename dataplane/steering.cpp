// Computes what is steered, and keeps the XDP program's maps equal to it.
#include "dataplane/steering.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <set>
#include <stdexcept>

#include "steering_object.h"

namespace viaduct {
namespace {

constexpr char program_name[] = "viaduct_steer";  // in steering.bpf.c

std::runtime_error failure(const std::string& what) { return std::runtime_error(what + ": " + std::strerror(errno)); }

SteeredSubnet subnet(const IpPrefix& prefix) {
    const unsigned mapped = prefix.is_v4() ? 96U : 0U;
    return {mapped + prefix.length, prefix.address.v6()};
}

template <class Key>
void sort_unique(std::vector<Key>& keys) {
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
}

void add_frontends(SteeringEntries& entries, const FrontendTable& table) {
    std::set<IpAddress> own;
    for (const Frontend& frontend : table.frontends())
        if (frontend.own_address) own.insert(frontend.address);
    for (const Frontend& frontend : table.frontends()) {
        if (own.contains(frontend.address))
            entries.ports.push_back({frontend.address.v6(), Be16(frontend.port), frontend.protocol});
        else
            entries.addresses.push_back(frontend.address.v6());
    }
}

void add_network(SteeringEntries& entries, const DesiredNetwork& network) {
    const auto add_endpoint = [&](IpAddress vtep) {
        entries.ports.push_back({vtep.v6(), Be16(network.udp_port), Protocol::udp});
    };
    if (network.vtep_v4) add_endpoint(*network.vtep_v4);
    if (network.vtep_v6) add_endpoint(*network.vtep_v6);
    if (network.pod_subnet_v4) entries.subnets.push_back(subnet(*network.pod_subnet_v4));
    if (network.pod_subnet_v6) entries.subnets.push_back(subnet(*network.pod_subnet_v6));
}

template <class Key>
void add(int map, std::vector<Key>& now, const std::vector<Key>& next) {
    std::vector<Key> fresh;
    std::ranges::set_difference(next, now, std::back_inserter(fresh));
    const std::uint8_t present = 1;
    for (auto key = fresh.begin(); key != fresh.end(); ++key) {
        if (bpf_map_update_elem(map, &*key, &present, BPF_ANY) == 0) continue;
        const int error = errno;
        for (auto undone = fresh.begin(); undone != key; ++undone) bpf_map_delete_elem(map, &*undone);
        errno = error;
        throw failure("cannot add to the XDP program's map");
    }
    std::vector<Key> all;
    std::ranges::set_union(now, next, std::back_inserter(all));
    now = std::move(all);
}

template <class Key>
void remove(int map, std::vector<Key>& now, const std::vector<Key>& next) {
    std::vector<Key> gone;
    std::ranges::set_difference(now, next, std::back_inserter(gone));
    for (const Key& key : gone) bpf_map_delete_elem(map, &key);
    now = next;
}

/// The name of the XDP program on an interface; "" when there is none.
std::string attached_program(unsigned interface_index) {
    std::uint32_t id = 0;
    if (bpf_xdp_query_id(static_cast<int>(interface_index), 0, &id) != 0 || id == 0) return "";
    const FileDescriptor program(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    if (program.get() < 0 || bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0)
        throw failure("cannot look at the interface's XDP program (CAP_SYS_ADMIN)");
    return info.name;
}

unsigned index_of(const std::string& interface) {
    const unsigned index = if_nametoindex(interface.c_str());
    if (index == 0) throw std::runtime_error("there is no interface " + interface);
    return index;
}

}  // namespace

SteeringEntries steering_entries(const Snapshot& snapshot) {
    SteeringEntries entries;
    add_frontends(entries, *snapshot.frontends);
    for (const Network& network : snapshot.networks) add_network(entries, network.settings);
    for (const DesiredPeer& peer : snapshot.desired().peers)
        for (const IpPrefix& prefix : peer.pod_subnets) entries.subnets.push_back(subnet(prefix));
    sort_unique(entries.addresses);
    sort_unique(entries.ports);
    sort_unique(entries.subnets);
    return entries;
}

SteeringInput steering_input(const Snapshot& snapshot) {
    return {snapshot.frontends->frontends_mark(), snapshot.desired().networks, snapshot.desired().peers};
}

FileDescriptor::~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

SteeringObject::SteeringObject() : file_(memfd_create("steering.bpf.o", MFD_CLOEXEC)) {
    if (file_.get() < 0 || ::write(file_.get(), steering_object, sizeof steering_object) != sizeof steering_object)
        throw failure("cannot keep the XDP program in memory");
}

std::string SteeringObject::path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }

InterfaceClaim::InterfaceClaim(const std::string& interface) {
    const unsigned index = index_of(interface);
    // An abstract socket: one per network namespace, as interfaces are.
    lock_ = FileDescriptor(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "viaduct-port-" + std::to_string(index);
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (bind(lock_.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0)
        throw std::runtime_error("another gateway runs on " + interface + "; stop it first");

    const std::string leftover = attached_program(index);
    if (leftover.empty()) return;
    if (leftover != program_name)
        throw std::runtime_error("interface " + interface + " has the XDP program '" + leftover +
                                 "'; remove it: ip link set dev " + interface + " xdp off");
    if (bpf_xdp_detach(static_cast<int>(index), 0, nullptr) != 0)
        throw failure("cannot remove the XDP program that a killed gateway left on " + interface);
}

Steering::Steering() : object_(bpf_object__open_mem(steering_object, sizeof steering_object, nullptr)) {
    if (object_ == nullptr) throw failure("cannot read the XDP program");
    if (bpf_object__load(object_) == 0) return;
    const int error = errno;
    bpf_object__close(object_);
    errno = error;
    throw failure("the kernel refuses the XDP program (CAP_BPF, CAP_NET_ADMIN)");
}

Steering::~Steering() {
    bpf_link__destroy(link_);
    bpf_object__close(object_);
}

int Steering::program() const { return bpf_program__fd(bpf_object__find_program_by_name(object_, program_name)); }

int Steering::map(const char* name) const { return bpf_object__find_map_fd_by_name(object_, name); }

void Steering::serve(std::uint32_t queue, int socket) {
    if (bpf_map_update_elem(map("xsks_map"), &queue, &socket, BPF_ANY) != 0)
        throw failure("cannot give a receive queue its AF_XDP socket");
}

void Steering::attach(const std::string& interface) {
    link_ = bpf_program__attach_xdp(bpf_object__find_program_by_name(object_, program_name),
                                    static_cast<int>(index_of(interface)));
    if (link_ == nullptr) throw failure("cannot attach the XDP program");
}

void Steering::update(const SteeringEntries& next) {
    const int addresses = map("addresses"), ports = map("ports"), subnets = map("subnets");
    add(addresses, now_.addresses, next.addresses);
    add(ports, now_.ports, next.ports);
    add(subnets, now_.subnets, next.subnets);
    remove(addresses, now_.addresses, next.addresses);
    remove(ports, now_.ports, next.ports);
    remove(subnets, now_.subnets, next.subnets);
}

}  // namespace viaduct
