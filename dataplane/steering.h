// Steering: what the XDP program of an AF_XDP port takes for the gateway, computed from a snapshot and put into its
// maps.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "tables/snapshot.h"

struct bpf_link;
struct bpf_object;

namespace viaduct {

// The maps' keys, as steering.bpf.c lays them out. IPv4 addresses are IPv4-mapped.
struct SteeredPort {
    Ipv6 address;
    Be16 port;
    Protocol protocol{};
    std::uint8_t zero = 0;
    auto operator<=>(const SteeredPort&) const = default;
};
struct SteeredSubnet {
    std::uint32_t length = 0;  // bits of the mapped address; host byte order, as LPM tries want it
    Ipv6 address;
    auto operator<=>(const SteeredSubnet&) const = default;
};
static_assert(sizeof(SteeredPort) == 20 && sizeof(SteeredSubnet) == 20);

/// Everything that is steered to the workers. Each list is sorted and free of duplicates.
struct SteeringEntries {
    std::vector<Ipv6> addresses;         // Services' alone: every packet
    std::vector<SteeredPort> ports;      // on the gateway's own addresses: tunnel endpoints and NodePorts
    std::vector<SteeredSubnet> subnets;  // pods, own SNAT addresses included
    bool operator==(const SteeringEntries&) const = default;
};
[[nodiscard]] SteeringEntries steering_entries(const Snapshot& snapshot);

/// What the entries are computed from: where it is equal, so are they.
struct SteeringInput {
    std::shared_ptr<const void> frontends;
    std::vector<DesiredNetwork> networks;
    SharedList<DesiredPeer> peers;
    bool operator==(const SteeringInput&) const = default;
};
[[nodiscard]] SteeringInput steering_input(const Snapshot& snapshot);

/// An owned file descriptor.
class FileDescriptor {
public:
    FileDescriptor() = default;
    explicit FileDescriptor(int fd) : fd_(fd) {}
    ~FileDescriptor();
    FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    FileDescriptor& operator=(FileDescriptor&& other) noexcept;
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_ = -1;
};

/// The compiled XDP program as a file that a driver can open by `path`, for as long as this lives.
class SteeringObject {
public:
    SteeringObject();
    [[nodiscard]] std::string path() const;

private:
    FileDescriptor file_;
};

/// The right to an interface: one gateway at a time. Throws std::runtime_error, naming the remedy, when another gateway
/// runs there or somebody else's XDP program does. One that a gateway left when it was killed while starting is
/// removed.
class InterfaceClaim {
public:
    explicit InterfaceClaim(const std::string& interface);

private:
    FileDescriptor lock_;  // gone with the process, however it ends
};

/// The XDP program of one interface, in the kernel. It is detached when this goes, also when the process is killed:
/// then Linux gets all packets. Control thread.
class Steering {
public:
    /// Loads it, attached to nothing. Throws std::runtime_error.
    Steering();
    ~Steering();
    Steering(const Steering&) = delete;
    Steering& operator=(const Steering&) = delete;

    /// What is taken from this receive queue goes to this AF_XDP socket. A queue without one is Linux's.
    void serve(std::uint32_t queue, int socket);
    void attach(const std::string& interface);
    /// Brings the maps in line: first what is new, then what is gone, so that nothing that stays is ever missing.
    /// Throws std::runtime_error; the next update then tries the rest again.
    void update(const SteeringEntries& next);
    [[nodiscard]] int program() const;  // its descriptor

private:
    [[nodiscard]] int map(const char* name) const;
    bpf_object* object_;
    bpf_link* link_ = nullptr;
    SteeringEntries now_;
};

}  // namespace viaduct
