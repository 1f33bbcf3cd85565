// Whatever an API server sends: as a list, as events of a watch, as the reason of a refusal. Nothing of it may do harm,
// and it must mean the same wherever the stream is cut.
#include <algorithm>
#include <cstdlib>

#include "control/sources/kubernetes/reflector.h"
#include "outcome.h"

namespace viaduct {
namespace {

/// Of every type of network, each once, and namespaces.
std::vector<Resource> all_resources() {
    std::vector<Resource> all = followed_resources(NetworkType::flannel);
    for (const NetworkType type : {NetworkType::calico, NetworkType::cilium, NetworkType::fixed})
        for (const Resource& one : followed_resources(type, type == NetworkType::fixed))
            if (std::ranges::find(all, one.kind, &Resource::kind) == all.end()) all.push_back(one);
    return all;
}
const std::vector<Resource> resources = all_resources();

/// An open watch.
class Stream final : public ApiTransport, public ObjectSink {
public:
    explicit Stream(const Resource& resource) : reflector_("fuzz", resource, *this, *this, timing_) {
        reflector_.tick();
        handler_->on_response(200, {});
    }
    void send(std::string_view data) {
        if (handler_ != nullptr) handler_->on_data(data);
    }
    void end() {
        if (handler_ != nullptr) handler_->on_end("");
    }
    [[nodiscard]] std::string told() const {
        const ResourceStatus status = reflector_.status();
        return log_ + status.error + " " + status.version + " " + std::to_string(status.objects) +
               (reflector_.synced() ? " synced" : "");
    }

private:
    struct Open : Exchange {
        explicit Open(Stream& all) : stream(all) {}
        ~Open() override { stream.handler_ = nullptr; }
        Stream& stream;
    };
    bool ready() override { return true; }
    void refused() override {}
    std::unique_ptr<Exchange> get(const std::string&, ResponseHandler& to, bool) override {
        handler_ = &to;
        return std::make_unique<Open>(*this);
    }
    void put(const Object& object) override { log_ += "+" + to_string(key_of(object)) + "\n"; }
    void erase(const ObjectKey& key) override { log_ += "-" + to_string(key) + "\n"; }

    const Timing timing_{[] { return TimePoint(std::chrono::hours(1)); }, [] { return 0.0; }};
    std::string log_;
    ResponseHandler* handler_ = nullptr;
    Reflector reflector_;
};

void read_all(const std::string& text) {
    JsonReader reader;
    for (const Resource& resource : resources) {
        may_throw<BadAnswer>([&] { (void)reader.read_list(resource.kind, text); });
        may_throw<BadAnswer>([&] { (void)reader.read_event(resource.kind, text); });
    }
    (void)reader.read_status(500, text);
}

void stream_all(const std::string& text) {
    for (const Resource& resource : resources) {
        Stream whole(resource), parts(resource);
        whole.send(text);
        whole.end();
        const std::size_t cut = text.size() / 2;
        parts.send(text.substr(0, cut));
        parts.send(text.substr(cut));
        parts.end();
        if (whole.told() != parts.told()) std::abort();
    }
}

}  // namespace
}  // namespace viaduct

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text = viaduct::text_of(data, size);
    viaduct::read_all(text);
    viaduct::stream_all(text);
    return 0;
}
