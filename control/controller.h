// The control thread: follows sources and the kernel, and publishes a snapshot whenever the desired state changed.
#pragma once

#include <functional>
#include <memory>

#include "control/config.h"
#include "control/status.h"
#include "tables/gateway_view.h"
#include "tables/published.h"

namespace viaduct {

/// Blocks SIGTERM and SIGINT, which the controller takes from a descriptor. For main, before it starts any thread.
void block_stop_signals();

/// Fail static: whatever breaks in a source, the kernel or a build is reported, and the last good snapshot stays.
class Controller {
public:
    /// Opens the sources and the kernel's event sockets; throws std::runtime_error naming the remedy. `view` and
    /// `published` outlive the controller.
    Controller(Config config, GatewayView& view, Published& published);
    ~Controller();
    Controller(const Controller&) = delete;
    Controller& operator=(const Controller&) = delete;

    /// The control thread's loop, in the caller's thread, until SIGTERM, SIGINT or `stop`. `on_ready` is called once,
    /// after the first snapshot is published.
    void run(const std::function<void()>& on_ready = {});
    /// Any thread.
    void stop() noexcept;
    /// Any thread.
    [[nodiscard]] ControlStatus status() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct
