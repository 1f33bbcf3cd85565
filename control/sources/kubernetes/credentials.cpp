// Presents what the kubeconfig names, and runs its credential plugin when that is due.
#include "control/sources/kubernetes/credentials.h"

#include <fstream>
#include <sstream>

namespace viaduct {

namespace {

constexpr std::chrono::seconds before_expiry{30};
constexpr std::chrono::seconds between_runs{5};  // a plugin may ask a server of its own

}  // namespace

bool Credentials::ready() {
    if (!access_.exec) return true;
    const TimePoint now = timing_.now();
    try {
        if (!run_ && expired() && now >= next_run_) {
            next_run_ = now + between_runs;
            (void)read(access_.ca);  // the plugin may be told it
            run_ = std::make_unique<ExecRun>(access_, now);
        }
        if (auto done = run_ ? run_->poll(now) : std::nullopt) {
            exec_ = std::move(done);
            run_.reset();
            plugin_problem_.clear();
        }
    } catch (const std::runtime_error& failed) {
        run_.reset();
        next_run_ = now + between_runs;
        plugin_problem_ = failed.what();
    }
    return exec_.has_value() && !run_;
}

bool Credentials::expired() const {
    return !exec_ || (exec_->expires && timing_.wall() + before_expiry >= *exec_->expires);
}

void Credentials::refused() {
    if (!run_) exec_.reset();
}

Credential Credentials::present() {
    file_problem_.clear();
    Credential now{read(access_.token), read(access_.ca), read(access_.certificate), read(access_.key)};
    if (exec_) {
        if (!exec_->token.empty()) now.token = exec_->token;
        if (!exec_->certificate.empty()) now.certificate = exec_->certificate, now.key = exec_->key;
    }
    return now;
}

std::string Credentials::read(TextOrFile& from) {
    if (from.file.empty()) return from.text;
    std::ifstream file(from.file, std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    std::string read = text.str();
    while (read.ends_with('\n') || read.ends_with('\r')) read.pop_back();
    if (!read.empty())
        from.text = std::move(read);
    else
        file_problem_ = from.file.string() + " cannot be read or is empty: mend it; what it last said is used";
    return from.text;
}

}  // namespace viaduct
