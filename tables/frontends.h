// Frontends: (address, protocol, port) → service, and whether an address is a service's at all.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "encap/net_types.h"
#include "lb/service.h"

namespace viaduct {

struct Frontend {
    IpAddress address;
    std::uint16_t port = 0;
    Protocol protocol{};
    ServiceIndex service = no_service;
    bool own_address = false;   // NodePort on the gateway's own address: other ports there are the kernel's
    bool check_source = false;  // loadBalancerSourceRanges apply to this frontend (load-balancer addresses only)
};

/// Whose address a destination is.
enum class AddressOwner : std::uint8_t {
    nobody,   // no service's
    service,  // a service's alone: a ClusterIP, external or load-balancer address
    shared,   // the gateway's own, with NodePorts on it
};

class FrontendTable {
public:
    FrontendTable(std::vector<Service> services, std::span<const Frontend> frontends);

    /// A quick test per packet, one load in the common case; false positives never happen.
    template <Address A>
    [[nodiscard]] AddressOwner owner_of(A destination) const noexcept;
    /// The frontend, or nullptr.
    template <Address A>
    [[nodiscard]] const Frontend* find(A destination, Be16 port, Protocol protocol) const noexcept;

    [[nodiscard]] const Service& service(ServiceIndex index) const noexcept { return services_[index]; }
    /// The service with this stable id, or nullptr.
    [[nodiscard]] const Service* by_id(std::uint64_t id) const noexcept;
    [[nodiscard]] std::span<const Service> services() const noexcept { return services_; }
    [[nodiscard]] std::span<const Frontend> frontends() const noexcept { return frontends_; }

private:
    std::vector<Service> services_;
    std::vector<Frontend> frontends_;
    // + the implementation's hash arrays
};

}  // namespace viaduct
