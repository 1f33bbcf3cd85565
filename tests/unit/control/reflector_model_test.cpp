// Random histories of a cluster and of a bad network between: a reflector ends with what a fresh list says.
#include <map>
#include <random>

#include "scripted_api.h"

namespace viaduct {
namespace {

/// A cluster of Nodes with its history, answering as an API server does.
class Cluster {
public:
    explicit Cluster(unsigned seed) : random_(seed) {}

    unsigned chance(unsigned n) { return static_cast<unsigned>(random_() % n); }
    void change() {
        const std::string name = "node" + std::to_string(chance(12));
        const std::string zone = std::string(1, static_cast<char>('a' + chance(5)));
        ++version_;
        const auto known = nodes_.find(name);
        const bool goes = known != nodes_.end() && chance(3) == 0;
        history_[version_] = {goes ? "DELETED" : known == nodes_.end() ? "ADDED" : "MODIFIED", name, zone};
        if (goes)
            nodes_.erase(known);
        else
            nodes_[name] = {version_, zone};
    }
    void compact() { oldest_ = version_ - static_cast<int>(chance(3)); }

    struct Change {
        std::string type, name, zone;
    };
    struct State {
        int version;
        std::string zone;
    };
    [[nodiscard]] const std::map<std::string, State>& nodes() const { return nodes_; }
    [[nodiscard]] const std::map<int, Change>& history() const { return history_; }
    [[nodiscard]] bool remembers(int version) const { return version >= oldest_; }
    [[nodiscard]] int version() const { return version_; }

private:
    std::mt19937 random_;
    int version_ = 100, oldest_ = 100;
    std::map<std::string, State> nodes_;
    std::map<int, Change> history_;
};

class ModelTest : public ReflectorTest, public ::testing::WithParamInterface<unsigned> {
protected:
    /// Answers what the reflector asks, or breaks it off; with `calm`, everything goes well.
    void serve(bool calm) {
        reflector_->tick();
        if (transport_.handler == nullptr) return void(pass_until_due());
        const std::string path = transport_.paths.back();
        if (path != served_) opened_ = false;
        served_ = path;
        if (!calm && cluster_.chance(8) == 0) return end("the network is down");
        if (path.find("sendInitialEvents") != std::string::npos) return answer(422, "no watch-lists");
        if (path.find("watch=1") == std::string::npos) return serve_list(path, calm);
        serve_watch(path, calm);
    }
    void serve_list(const std::string& path, bool calm) {
        served_.clear();
        const bool whole = path.find("limit=") == std::string::npos,
                   second = path.find("continue=") != std::string::npos;
        if (!second) listed_ = {cluster_.nodes(), cluster_.version()};
        if (second && !calm && cluster_.chance(4) == 0) return answer(410, "expired");
        std::string items;
        std::size_t i = 0;
        for (const auto& [name, state] : listed_.nodes)
            if (const bool is_first = i++ < listed_.nodes.size() / 2; whole || is_first != second)
                items += (items.empty() ? "" : ",") + node(name, state.version, state.zone);
        std::string body = list(items, listed_.version, whole || second ? "" : "more");
        if (!calm && cluster_.chance(6) == 0) body.resize(body.size() / 2);
        answer(200, body);
    }
    void serve_watch(const std::string& path, bool calm) {
        if (!opened_) {
            sent_ = std::stoi(path.substr(path.find("resourceVersion=") + 16));
            if (!cluster_.remembers(sent_)) return served_.clear(), answer(410, "too old");
            opened_ = true;
            open();
        }
        std::string events;
        for (auto next = cluster_.history().upper_bound(sent_); next != cluster_.history().end(); ++next) {
            const auto& [version, change] = *next;
            const std::string one = event(change.type, node(change.name, version, change.zone));
            events += one;
            if (!calm && cluster_.chance(4) == 0) events += one;
            if (!calm && cluster_.chance(6) == 0 && last_ != "") events += last_;
            last_ = one;
            sent_ = version;
        }
        if (!calm && cluster_.chance(5) == 0) {
            events.resize(events.size() / 2);
            served_.clear();
            send(events);
            if (transport_.handler != nullptr) end(cluster_.chance(2) == 0 ? "" : "reset");
            return;
        }
        if (calm || cluster_.chance(3) == 0) events += bookmark(cluster_.version());
        send(events);
        if (!calm && cluster_.chance(6) == 0 && transport_.handler != nullptr)
            served_.clear(), send(error_event(cluster_.chance(2) == 0 ? 410 : 500, "sorry"));
    }

    struct Listed {
        std::map<std::string, Cluster::State> nodes;
        int version;
    };
    Cluster cluster_{GetParam()};
    Listed listed_{};
    std::string served_, last_;
    bool opened_ = false;
    int sent_ = 0;
};

TEST_P(ModelTest, EndsWithWhatAFreshListSays) {
    follow_nodes();
    for (int step = 0; step < 400; ++step) {
        for (unsigned i = cluster_.chance(4); i != 0; --i) cluster_.change();
        if (cluster_.chance(10) == 0) cluster_.compact();
        serve(false);
        now_ += std::chrono::milliseconds(cluster_.chance(3000));
    }
    for (int step = 0; step < 40; ++step) serve(true);
    std::string wanted;
    for (const auto& [name, state] : cluster_.nodes()) wanted += name + "=" + state.zone + " ";
    EXPECT_EQ(nodes(), wanted);
    EXPECT_EQ(reflector_->status().objects, cluster_.nodes().size());
    EXPECT_GT(reflector_->status().failures, 20U) << "the network was bad enough";
    EXPECT_GT(reflector_->status().lists, 3U);
}
INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, ::testing::Range(1U, 41U));

}  // namespace
}  // namespace viaduct
