// A real etcd of a test's own: one member on loopback, stopped with its owner.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "processes.h"
#include "temporary_directory.h"

namespace viaduct {

class EtcdProcess {
public:
    explicit EtcdProcess(std::vector<std::string> options = {}, const std::string& scheme = "http")
        : url_(scheme + "://127.0.0.1:" + free_port()),
          peer_url_("http://127.0.0.1:" + free_port()),
          options_(std::move(options)) {
        start();
    }
    ~EtcdProcess() { stop(); }
    EtcdProcess(const EtcdProcess&) = delete;
    EtcdProcess& operator=(const EtcdProcess&) = delete;

    void start() {
        pid_ = fork();
        if (pid_ == 0) run();
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (output_of("curl -sk --max-time 1 " + url_ + "/health").find("true") == std::string::npos) {
            if (std::chrono::steady_clock::now() > end || is_listening_with_tls()) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    }
    void stop() {
        if (pid_ <= 0) return;
        kill(pid_, SIGKILL);  // a crash: what etcd has acknowledged is on disk
        waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    /// As if somebody had lost the disk.
    void wipe() {
        stop();
        std::filesystem::remove_all(directory_.path() / "data");
        start();
    }
    [[nodiscard]] std::string ctl(const std::string& arguments) const {
        return output_of("ETCDCTL_API=3 etcdctl --endpoints " + url_ + " " + ctl_options + " " + arguments);
    }
    void put(const std::string& key, const std::string& value, const std::string& lease = "") const {
        EXPECT_EQ(ctl("put " + (lease.empty() ? "" : "--lease=" + lease + " ") + "'" + key + "' '" + value + "'"),
                  "OK");
    }
    /// "694d81417acd4713"
    [[nodiscard]] std::string grant(unsigned seconds) const {
        const std::string text = ctl("lease grant " + std::to_string(seconds));  // "lease 694d… granted with TTL(2s)"
        return text.substr(6, text.find(' ', 6) - 6);
    }
    [[nodiscard]] const std::string& url() const { return url_; }

    std::string ctl_options;

private:
    /// Its /health wants a client certificate that curl has not: a refused handshake tells as much.
    [[nodiscard]] bool is_listening_with_tls() const {
        return url_.starts_with("https") &&
               output_of("curl -k --max-time 1 -o /dev/null -w '%{errormsg}' " + url_).find("alert") !=
                   std::string::npos;
    }
    [[noreturn]] void run() {
        std::vector<std::string> words{"etcd",
                                       "--data-dir",
                                       directory_.path() / "data",
                                       "--log-level",
                                       "error",
                                       "--listen-client-urls",
                                       url_,
                                       "--advertise-client-urls",
                                       url_,
                                       "--listen-peer-urls",
                                       peer_url_,
                                       "--initial-advertise-peer-urls",
                                       peer_url_,
                                       "--initial-cluster",
                                       "default=" + peer_url_};
        words.insert(words.end(), options_.begin(), options_.end());
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        const std::string log = directory_.path() / "log";
        if (std::freopen(log.c_str(), "a", stderr) == nullptr) _exit(126);
        execvp("etcd", arguments.data());
        _exit(127);
    }

    TemporaryDirectory directory_;
    const std::string url_, peer_url_;
    const std::vector<std::string> options_;
    pid_t pid_ = -1;
};

}  // namespace viaduct
