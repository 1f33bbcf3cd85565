// A stand-in API server in a process of its own, for tests of what only real sockets show.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "processes.h"

namespace viaduct {

/// tests/support/api_server over a directory of YAML.
class ApiServerProcess {
public:
    ApiServerProcess(const std::filesystem::path& directory, const std::string& options) {
        const std::string command = "exec python3 -B " API_SERVER " --directory " + (directory / "cluster").string() +
                                    " --state " + (directory / "state").string() + " " + options;
        output_ = popen(command.c_str(), "r");
        std::array<char, 4096> line{};
        if (output_ == nullptr || std::fgets(line.data(), line.size(), output_) == nullptr)
            throw std::runtime_error("the API server did not start: " + command);
        info = nlohmann::json::parse(line.data());
    }
    ~ApiServerProcess() { stop(); }
    ApiServerProcess(const ApiServerProcess&) = delete;
    ApiServerProcess& operator=(const ApiServerProcess&) = delete;

    void stop() {
        if (output_ == nullptr) return;
        kill(info["pid"].get<pid_t>(), SIGTERM);
        pclose(std::exchange(output_, nullptr));
    }
    void control(const std::string& actions) const {
        const std::string command =
            "curl -sS --max-time 20 -o /dev/null -d '" + actions + "' " + info["control"].get<std::string>();
        ASSERT_EQ(std::system(command.c_str()), 0) << command;
    }
    /// What an administrator is told.
    [[nodiscard]] nlohmann::json get(const std::string& path) const { return as_administrator("", path); }
    /// What an administrator changes: a strategic merge patch.
    [[nodiscard]] nlohmann::json patch(const std::string& path, const std::string& body) const {
        return as_administrator("-X PATCH -H 'Content-Type: application/strategic-merge-patch+json' -d '" + body + "' ",
                                path);
    }
    /// All requests so far: verb, path, status …
    [[nodiscard]] nlohmann::json requests() const {
        return json_of("curl -sS --max-time 20 " + info["control"].get<std::string>() + "/requests");
    }
    /// "127.0.0.1:4711"
    [[nodiscard]] std::string address() const {
        const std::string url = info["url"];
        return url.substr(url.find("//") + 2);
    }

    nlohmann::json info;

private:
    [[nodiscard]] nlohmann::json as_administrator(const std::string& options, const std::string& path) const {
        const auto file = [&](const char* name) { return info[name].get<std::string>(); };
        return json_of("curl -sS --max-time 20 --cacert " + file("ca") + " --cert " + file("client_certificate") +
                       " --key " + file("client_key") + " " + options + "'" + file("url") + path + "'");
    }
    static nlohmann::json json_of(const std::string& command) {
        const FinishedCommand finished = run_command(command);
        EXPECT_EQ(finished.status, 0) << command;
        return nlohmann::json::parse(finished.output, nullptr, false);
    }

    std::FILE* output_ = nullptr;
};

}  // namespace viaduct
