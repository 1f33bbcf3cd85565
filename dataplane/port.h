// A port: an ethdev of the gateway, opened from its configuration and closed again.
#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/steering.h"
#include "tables/gateway_view.h"

namespace viaduct {

struct PortOptions {
    std::string name{};  // for people: "outside"
    std::string
        device{};  // "af_xdp:INTERFACE[,driver options]", or DPDK devargs: "0000:01:00.0", "net_memif0,role=client"
    unsigned queues = 1;        // receive queues
    std::string network{};      // whose pods plain packets from here may address; "": the first network
    std::string twin = "auto";  // the kernel twin: "auto", "off", or its interface's name
    bool host = false;          // the other end is this host's kernel
    std::uint16_t mtu = 0;      // 0: as the device has it
};

/// What a configured device means to EAL.
struct Device {
    std::string interface {};  // AF_XDP: Linux's interface
    std::string name{};        // EAL's
    std::string arguments{};   // after the name, without a leading comma
    [[nodiscard]] bool is_af_xdp() const { return !interface.empty(); }
    /// "0000:01:00.0" or "01:00.0".
    [[nodiscard]] bool is_pci() const;
};
[[nodiscard]] Device parse_device(const std::string& text);

/// Whether a device's word about received checksums is as good as a look at them. A NIC's is; a paravirtual device also
/// calls good what its sender has left unfinished, and the gateway would send that on.
[[nodiscard]] bool vouches_for_checksums(const Device& device, const std::string& driver);

/// A queue of an ethdev, by DPDK's numbers.
struct DeviceQueue {
    std::uint16_t device = 0, queue = 0;
};

/// One started ethdev; stopped and removed with this. Throws std::runtime_error.
class EthDevice {
public:
    struct Setup {
        std::string name{}, arguments{};
        unsigned rx_queues = 1, tx_queues = 1;  // as many as the device has, at most
        std::uint16_t mtu = 0;                  // 0: as it is
    };
    EthDevice(const Setup& setup, rte_mempool* pool);
    ~EthDevice();
    EthDevice(const EthDevice&) = delete;
    EthDevice& operator=(const EthDevice&) = delete;

    [[nodiscard]] std::uint16_t id() const noexcept { return id_; }
    [[nodiscard]] std::uint16_t rx_queues() const noexcept { return rx_queues_; }
    [[nodiscard]] std::uint16_t tx_queues() const noexcept { return tx_queues_; }
    [[nodiscard]] bool hashes() const noexcept { return hashes_; }

private:
    void probe(const Setup& setup);
    void configure(const Setup& setup);
    void set_up_queues(rte_mempool* pool);
    void close() noexcept;

    std::uint16_t id_;
    std::uint16_t rx_queues_ = 1, tx_queues_ = 1;
    bool hashes_ = false;
};

class Port {
public:
    /// Opens and starts the device. `workers` is how many transmit queues would be welcome. Throws std::runtime_error,
    /// naming the port.
    Port(const PortOptions& options, unsigned workers, rte_mempool* pool);

    [[nodiscard]] std::vector<DeviceQueue> receive_queues() const;
    [[nodiscard]] std::vector<DeviceQueue> transmit_queues() const;
    /// With the link as it is now. Any thread.
    [[nodiscard]] PortFacts facts() const;
    /// nullptr unless this port shares its interface with Linux. Control thread.
    [[nodiscard]] Steering* steering() noexcept { return steering_ ? &*steering_ : nullptr; }

private:
    void open_af_xdp(const Device& device, const PortOptions& options, rte_mempool* pool);
    void learn_facts(const PortOptions& options);

    std::optional<InterfaceClaim> claim_;
    std::deque<EthDevice> devices_;  // one; for AF_XDP one per queue
    std::optional<Steering> steering_;
    PortFacts facts_;
};

}  // namespace viaduct
