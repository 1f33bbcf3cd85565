// Small help with files, commands and waiting, for those who set a rig up.
#pragma once

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

namespace viaduct::rig {

/// Throws std::runtime_error.
void write_file(const std::filesystem::path& file, const std::string& text);
/// Hands commands to `ip -batch` by a file in `directory`. Throws std::runtime_error.
void run_ip(const std::filesystem::path& directory, const std::string& commands);

/// Throws std::runtime_error when `condition` does not come true.
template <class Condition>
void wait_for(Condition&& condition, double seconds, const std::string& what) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("waited in vain until " + what);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

inline constexpr double start_seconds = 30;  // that a gateway or a link may take to come up

/// A directory of our own in /tmp; gone with this.
class Scratch {
public:
    Scratch();
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace viaduct::rig
