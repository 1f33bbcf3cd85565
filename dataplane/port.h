// A port: an ethdev of the gateway, opened from its configuration and closed again.
#pragma once

#include <rte_mempool.h>

#include <memory>
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

class Port {
public:
    /// Opens, configures and starts the device. `workers` is how many transmit queues would be welcome. Throws
    /// std::runtime_error, naming the port.
    Port(const PortOptions& options, unsigned workers, rte_mempool* pool);
    ~Port();
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    [[nodiscard]] std::uint16_t device() const noexcept { return id_; }
    [[nodiscard]] unsigned rx_queues() const noexcept { return facts_.rx_queues; }
    [[nodiscard]] unsigned tx_queues() const noexcept { return tx_queues_; }
    /// With the link as it is now. Any thread.
    [[nodiscard]] PortFacts facts() const;
    /// nullptr unless this port shares its interface with Linux. Control thread.
    [[nodiscard]] Steering* steering() noexcept { return steering_ ? &*steering_ : nullptr; }

private:
    void probe(const Device& device, unsigned queues);
    void configure(const PortOptions& options, unsigned workers);
    void set_up_queues(rte_mempool* pool);
    void learn_facts(const PortOptions& options);
    void close() noexcept;

    std::optional<InterfaceClaim> claim_;
    std::optional<SteeringObject> program_;
    std::uint16_t id_;
    unsigned tx_queues_ = 1;
    PortFacts facts_;
    std::optional<Steering> steering_;
};

}  // namespace viaduct
