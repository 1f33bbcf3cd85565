// The control thread as a whole: a directory of objects in, published snapshots out, until it is told to stop.
#include "control/controller.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "one_port.h"
#include "temporary_directory.h"

namespace viaduct {
namespace {

using namespace std::chrono_literals;

std::string service_yaml(const std::string& name, unsigned number) {
    return "kind: Service\nmetadata: {name: " + name + "}\nspec: {clusterIP: 10.96.0." + std::to_string(number) +
           ", ports: [{port: 80}]}\n";
}

class ControllerTest : public ::testing::Test {
protected:
    ControllerTest() {
        block_stop_signals();
        config_.ports.push_back({"outside", "net_null0", 1, "", "off"});
        config_.networks.emplace_back().name = "demo";
        config_.networks[0].node_name = "gw";
        config_.sources.push_back({"files", "directory", directory_.path().string(), ""});
        directory_.write("a.yaml", service_yaml("a", 1));
    }
    ~ControllerTest() override {
        if (controller_) controller_->stop();
    }
    void start() {
        controller_ = std::make_unique<Controller>(config_, view_, published_);
        thread_ = std::jthread([this] { controller_->run([this] { ready_ = true; }); });
    }
    static bool soon(const std::function<bool()>& condition) {
        for (int i = 0; i < 3000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
        return condition();
    }
    bool has_services(std::size_t n) {
        return soon([&] {
            const auto now = published_.current();
            return now->version != 0 && now->desired().services.size() == n;
        });
    }

    TemporaryDirectory directory_;
    Config config_;
    NoGrace grace_;
    OnePort view_;
    Published published_{grace_};
    std::atomic<bool> ready_ = false;
    std::unique_ptr<Controller> controller_;
    std::jthread thread_;  // last: joined first
};

TEST_F(ControllerTest, PublishesAndFollowsEdits) {
    start();
    ASSERT_TRUE(has_services(1));
    EXPECT_TRUE(soon([&] { return ready_ && controller_->status().ready(); }));
    directory_.write("b.yaml", service_yaml("b", 2));
    ASSERT_TRUE(has_services(2));
    directory_.write("b.yaml", "broken: [");
    EXPECT_TRUE(soon([&] { return controller_->status().sources.at(0).errors.size() == 1; }));
    EXPECT_TRUE(has_services(2)) << "the last good state stays";
    std::filesystem::remove(directory_.path() / "b.yaml");
    ASSERT_TRUE(has_services(1));
}

TEST_F(ControllerTest, ManyEditsInOneWindowAreOnePublication) {
    config_.debounce = 3s;
    start();
    ASSERT_TRUE(has_services(1));
    ASSERT_TRUE(soon([&] { return controller_->status().version == published_.current()->version; }))
        << "it tells later";
    const auto before = controller_->status().publications;
    for (unsigned i = 2; i < 20; ++i)
        directory_.write(std::to_string(i) + ".yaml", service_yaml("s" + std::to_string(i), i));
    const auto all_there = [&] { return published_.current()->desired().services.size() == 19; };
    EXPECT_TRUE(soon(all_there));
    EXPECT_TRUE(soon([&] { return controller_->status().publications > before; }));
    EXPECT_LE(controller_->status().publications, before + 2) << "the first at once, if none was just before";
}

TEST_F(ControllerTest, NothingIsPublishedWhenNothingChanged) {
    start();
    ASSERT_TRUE(has_services(1));
    const int steered = view_.steered;
    directory_.write("a.yaml", "# a comment\n" + service_yaml("a", 1));
    directory_.write("pod.yaml", "kind: Pod\nmetadata: {name: p}\n");
    directory_.write("seen.yaml", "kind: [");  // a mark: what was written before it has been read by then
    EXPECT_TRUE(soon([&] { return !controller_->status().sources.at(0).errors.empty(); }));
    EXPECT_EQ(view_.steered, steered);
}

TEST_F(ControllerTest, FailsStaticAndTriesAgain) {
    start();
    ASSERT_TRUE(has_services(1));
    view_.refuse = true;
    directory_.write("b.yaml", service_yaml("b", 2));
    EXPECT_TRUE(soon([&] {
        const auto findings = controller_->status().findings;
        return !findings.empty() && findings.back().text == "no room in the map";
    }));
    EXPECT_TRUE(has_services(1));
    view_.refuse = false;
    EXPECT_TRUE(has_services(2)) << "without another edit";
}

TEST_F(ControllerTest, TellsOfAClusterThatIsNotThereYetOnlyThat) {
    directory_.write("kubeconfig",
                     "current-context: c\ncontexts: [{name: c, context: {cluster: c}}]\n"
                     "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n");
    config_.sources.push_back({"api", "kubernetes", "", ""});
    config_.sources.back().kubeconfig = (directory_.path() / "kubeconfig").string();
    start();
    ASSERT_TRUE(has_services(1)) << "other sources go on";
    EXPECT_TRUE(soon([&] { return !controller_->status().sources.at(1).errors.empty(); }));
    const ControlStatus status = controller_->status();
    EXPECT_FALSE(status.ready());
    ASSERT_EQ(status.findings.size(), 1U);
    EXPECT_EQ(status.findings[0].subject, "source api");
}

/// The last one: the signal stays pending in this process.
TEST_F(ControllerTest, StopsOnSigterm) {
    start();
    ASSERT_TRUE(has_services(1));
    kill(getpid(), SIGTERM);
    thread_.join();
}

}  // namespace
}  // namespace viaduct
