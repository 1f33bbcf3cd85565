// Steering: what the XDP program of an AF_XDP port takes for the gateway, computed from a snapshot and put into its
// maps.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "tables/snapshot.h"

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

/// Takes away our own program that a killed gateway left on an interface. Throws std::runtime_error, naming the remedy,
/// when another gateway runs there or the program is somebody else's.
class InterfaceClaim {
public:
    explicit InterfaceClaim(const std::string& interface);

private:
    FileDescriptor lock_;  // gone with the process, however it ends
};

/// The maps of the program on one interface. Control thread.
class Steering {
public:
    /// Finds the maps of the program that the driver has attached. Throws std::runtime_error.
    explicit Steering(const std::string& interface);
    /// For tests: maps that are at hand.
    Steering(FileDescriptor addresses, FileDescriptor ports, FileDescriptor subnets);

    /// Brings the maps in line: first what is new, then what is gone, so that nothing that stays is ever missing.
    /// Throws std::runtime_error; the next update then tries the rest again.
    void update(const SteeringEntries& next);

private:
    FileDescriptor addresses_, ports_, subnets_;
    SteeringEntries now_;
};

}  // namespace viaduct
