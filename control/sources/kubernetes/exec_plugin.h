// Runs a credential plugin beside the control thread's loop and reads the ExecCredential that it prints.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "control/sources/kubernetes/kubeconfig.h"
#include "control/sources/kubernetes/transport.h"
#include "control/unique_fd.h"

namespace viaduct {

/// status of an ExecCredential.
struct ExecCredential {
    std::string token, certificate, key;
    std::optional<std::chrono::system_clock::time_point> expires;
};

/// Throws std::runtime_error.
[[nodiscard]] ExecCredential read_exec_credential(const std::string& json);

/// One run. The process is ended with its owner.
class ExecRun {
public:
    /// Of `access.exec`. Throws std::runtime_error naming the remedy when the command cannot be started.
    ExecRun(const ApiAccess& access, TimePoint now);
    ~ExecRun();
    ExecRun(const ExecRun&) = delete;
    ExecRun& operator=(const ExecRun&) = delete;

    /// The credential once it is there; nothing while the command runs. Throws std::runtime_error when it failed,
    /// printed something else or takes too long.
    [[nodiscard]] std::optional<ExecCredential> poll(TimePoint now);

private:
    [[nodiscard]] bool exited();

    const std::string command_;
    const TimePoint until_;
    UniqueFd output_;
    pid_t pid_ = -1;
    int exit_status_ = 0;
    std::string printed_;
};

}  // namespace viaduct
