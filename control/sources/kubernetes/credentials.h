// What the API server wants to see now: tokens and certificates, read anew for every request because they are rotated.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "control/sources/kubernetes/exec_plugin.h"
#include "control/sources/kubernetes/kubeconfig.h"
#include "control/sources/kubernetes/transport.h"

namespace viaduct {

struct Credential {
    std::string token, ca, certificate, key;  // the latter PEM
};

/// Control thread only.
class Credentials {
public:
    Credentials(ApiAccess access, const Timing& timing) : access_(std::move(access)), timing_(timing) {}

    /// Whether `present` has all it needs. Starts a credential plugin when its last answer has expired, and looks
    /// whether it is done.
    [[nodiscard]] bool ready();
    /// Files that cannot be read keep what they last said.
    [[nodiscard]] Credential present();
    /// The server did not accept what was presented.
    void refused();
    /// What stands in the way; empty: nothing.
    [[nodiscard]] const std::string& problem() const {
        return plugin_problem_.empty() ? file_problem_ : plugin_problem_;
    }

private:
    [[nodiscard]] bool expired() const;
    [[nodiscard]] std::string read(TextOrFile& from);

    ApiAccess access_;
    const Timing& timing_;
    std::unique_ptr<ExecRun> run_;
    std::optional<ExecCredential> exec_;
    TimePoint next_run_{};
    std::string plugin_problem_, file_problem_;
};

}  // namespace viaduct
