// The rig's own ends of the links to the gateway.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "bench/rig/generator.h"
#include "dataplane/eal.h"
#include "dataplane/port.h"

namespace viaduct::rig {

/// How EAL has to start for these devices; `free_memory`: bytes of free huge pages. PCI devices are named to it. A
/// virtio-user device shares all memory with the gateway, by few files: so there it does without huge pages, of which
/// each would be one.
[[nodiscard]] EalOptions eal_options(const std::vector<std::string>& devices, unsigned cpu, std::uint64_t free_memory);

/// The ports, started and with their links up: of outside and underlay.
class OwnPorts {
public:
    /// Throws std::runtime_error, naming the device.
    OwnPorts(const std::vector<std::string>& devices, const Pool& receive);
    [[nodiscard]] const Ports& ports() const { return ports_; }

private:
    std::deque<EthDevice> devices_;
    Ports ports_{};
};

}  // namespace viaduct::rig
