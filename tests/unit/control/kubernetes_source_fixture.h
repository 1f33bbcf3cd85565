// A source that follows a server in a process of its own, over HTTPS.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <regex>
#include <sstream>

#include "api_server_process.h"
#include "control/sources/kubernetes/kubernetes_source.h"
#include "temporary_directory.h"

namespace viaduct {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

class KubernetesSourceTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(directory_.path() / "cluster");
        std::filesystem::create_directories(directory_.path() / "state");
        write_node("one", "a");
    }
    void write_node(const std::string& name, const std::string& zone) {
        directory_.replace("cluster/" + name + ".yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: " + name +
                                                            ", labels: {topology.kubernetes.io/zone: " + zone + "}}\n");
    }
    void start(const std::string& options = "") {
        server_ = std::make_unique<ApiServerProcess>(directory_.path(), options);
        open(server_->info["kubeconfig"]);
    }
    void open(const std::string& kubeconfig, const std::string& context = "") {
        SourceConfig config{"cluster", "kubernetes", "", ""};
        config.kubeconfig = kubeconfig;
        config.context = context;
        network_.name = "demo";
        source_ = std::make_unique<KubernetesSource>(config, network_);
    }
    /// Opens the kubeconfig of the server, which it starts if there is none, with something changed.
    void open_changed(const std::string& pattern, const std::string& by) {
        if (server_ == nullptr) server_ = std::make_unique<ApiServerProcess>(directory_.path(), "");
        std::ifstream file(server_->info["kubeconfig"].get<std::string>());
        std::ostringstream text;
        text << file.rdbuf();
        const std::string changed = std::regex_replace(text.str(), std::regex(pattern), by);
        ASSERT_NE(changed, text.str());
        directory_.write("state/changed", changed);
        open((directory_.path() / "state/changed").string());
    }
    template <class Condition>
    bool until(Condition condition) {
        const auto end = Clock::now() + seconds(60);
        while (!condition() && Clock::now() < end) {
            pollfd wait{source_->fd(), POLLIN, 0};
            if (poll(&wait, 1, 100) == 1) source_->process();
        }
        return condition();
    }
    bool until_nodes(const std::string& wanted) {
        return until([&] { return nodes() == wanted; });
    }
    bool until_error(const std::string& wanted) {
        return until([&] { return errors().find(wanted) != std::string::npos; });
    }
    std::string nodes() const {
        std::string text;
        for (const auto& one : source_->objects().nodes) text += one->key.name + "=" + one->zone + " ";
        return text;
    }
    std::string errors() const {
        std::string text;
        for (const std::string& error : source_->status().errors) text += error + "\n";
        return text;
    }

    TemporaryDirectory directory_;
    std::unique_ptr<ApiServerProcess> server_;
    NetworkConfig network_;
    std::unique_ptr<KubernetesSource> source_;
};

}  // namespace viaduct
