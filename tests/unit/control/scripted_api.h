// An API server that does what a test says, and time that passes when it says so: a reflector without sockets.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "control/sources/kubernetes/reflector.h"

namespace viaduct {

inline std::string recorded(const std::string& name) {
    std::ifstream file(SOURCE_ROOT "/tests/data/kube-apiserver-1.33/" + name, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_FALSE(text.str().empty()) << name;
    return text.str();
}

class ScriptedTransport final : public ApiTransport {
public:
    bool ready() override { return is_ready; }
    std::unique_ptr<Exchange> get(const std::string& path, ResponseHandler& to, bool is_fresh) override {
        EXPECT_EQ(handler, nullptr) << "two requests at once";
        paths.push_back(path);
        handler = &to;
        fresh = is_fresh;
        return std::make_unique<Open>(*this);
    }
    void refused() override { ++refusals; }

    bool is_ready = true, fresh = false;
    unsigned refusals = 0;
    std::vector<std::string> paths;      // of all requests
    ResponseHandler* handler = nullptr;  // of the one under way

private:
    struct Open : Exchange {
        explicit Open(ScriptedTransport& all) : transport(all) {}
        ~Open() override { transport.handler = nullptr; }
        ScriptedTransport& transport;
    };
};

class RecordingSink final : public ObjectSink {
public:
    void put(const Object& object) override { changes += objects.put(object) ? 1 : 0; }
    void erase(const ObjectKey& key) override {
        if (objects.erase(key)) erased.push_back(key.name);
    }
    Objects objects;
    unsigned changes = 0;
    std::vector<std::string> erased;
};

class ReflectorTest : public ::testing::Test {
protected:
    void follow(std::size_t which) {
        reflector_ = std::make_unique<Reflector>("source test", followed_resources(NetworkType::flannel)[which],
                                                 transport_, sink_, timing_);
        reflector_->tick();
    }
    void follow_nodes() { follow(0); }
    /// Past the watch-list, which this server does not have.
    void follow_by_list(std::size_t which = 0) {
        follow(which);
        answer(422, recorded("error-422-watchlist-off.json"));
        reflector_->tick();
    }
    void answer(int status, const std::string& body, int retry_after = 0) {
        asking().on_response(status, std::chrono::seconds(retry_after));
        if (transport_.handler != nullptr) transport_.handler->on_data(body);
        if (transport_.handler != nullptr) transport_.handler->on_end("");
    }
    void open() { asking().on_response(200, {}); }
    void send(const std::string& data) { asking().on_data(data); }
    void end(const std::string& error = "") { asking().on_end(error); }
    void pass(std::chrono::milliseconds time) {
        now_ += time;
        reflector_->tick();
    }
    /// Until the reflector has something to do; how long that was.
    std::chrono::milliseconds pass_until_due() {
        const auto time = std::chrono::ceil<std::chrono::milliseconds>(reflector_->due() - now_);
        pass(std::max(time, std::chrono::milliseconds(0)));
        return time;
    }

    ResponseHandler& asking() {
        if (transport_.handler == nullptr) throw std::logic_error("no request is under way");
        return *transport_.handler;
    }
    static std::string node(const std::string& name, int version, const std::string& zone = "a") {
        return R"({"metadata":{"name":")" + name + R"(","resourceVersion":")" + std::to_string(version) +
               R"(","labels":{"topology.kubernetes.io/zone":")" + zone + R"("}}})";
    }
    static std::string event(const std::string& type, const std::string& object) {
        return R"({"type":")" + type + R"(","object":)" + object + "}\n";
    }
    static std::string bookmark(int version, bool end_of_initial = false) {
        return event("BOOKMARK", R"({"metadata":{"resourceVersion":")" + std::to_string(version) + '"' +
                                     (end_of_initial ? R"(,"annotations":{"k8s.io/initial-events-end":"true"})" : "") +
                                     "}}");
    }
    static std::string list(const std::string& items, int version, const std::string& continuation = "") {
        return R"({"kind":"NodeList","metadata":{"resourceVersion":")" + std::to_string(version) + R"(","continue":")" +
               continuation + R"("},"items":[)" + items + "]}";
    }
    static std::string error_event(int code, const std::string& message) {
        return event("ERROR",
                     R"({"kind":"Status","code":)" + std::to_string(code) + R"(,"message":")" + message + "\"}");
    }
    std::string nodes() const {
        std::string text;
        for (const auto& one : sink_.objects.nodes) text += one->key.name + "=" + one->zone + " ";
        return text;
    }
    bool asked(const std::string& part) const { return transport_.paths.back().find(part) != std::string::npos; }
    std::string error() const { return reflector_->status().error; }

    TimePoint now_{std::chrono::hours(1)};
    double chance_ = 0;
    const Timing timing_{[this] { return now_; }, [this] { return chance_; }};
    ScriptedTransport transport_;
    RecordingSink sink_;
    std::unique_ptr<Reflector> reflector_;
};

}  // namespace viaduct
