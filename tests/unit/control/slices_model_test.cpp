// Random histories of EndpointSlices, with endpoints that are in two of them, events that come twice or late, and lists
// in between: what is forwarded in the end is what a gateway that starts now would forward.
#include <map>
#include <random>
#include <set>

#include "control/api/forwarding_json.h"
#include "control/desired/desired_state.h"
#include "control/objects/read_objects.h"
#include "scripted_api.h"
#include "tables/builder.h"

namespace viaduct {
namespace {

constexpr std::size_t slice_resource = 2;  // among the followed resources
constexpr const char* two_services = R"(
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}
---
kind: Service
metadata: {name: api, namespace: shop}
spec: {clusterIP: 10.96.0.2, publishNotReadyAddresses: true, ports: [{name: http, port: 80}]}
)";

class SlicesModelTest : public ReflectorTest, public ::testing::WithParamInterface<unsigned> {
protected:
    SlicesModelTest() : random_(GetParam()) {
        NetworkConfig& network = config_.networks.emplace_back();
        network.name = "demo";
        network.node_name = "gw";
        for (const Object& one : read_objects(two_services, "services.yaml").objects) services_.put(one);
    }
    unsigned chance(unsigned n) { return static_cast<unsigned>(random_() % n); }

    std::string endpoint() {
        static const std::vector<std::string> conditions{"", R"("ready":true)", R"("ready":false)",
                                                         R"("ready":false,"serving":true,"terminating":true)"};
        return R"({"addresses":["10.244.1.)" + std::to_string(chance(8)) + R"("],"conditions":{)" +
               conditions[chance(static_cast<unsigned>(conditions.size()))] + "}}";
    }
    /// Of few addresses, so that many endpoints are in several slices.
    std::string slice(const std::string& name) {
        std::string endpoints;
        for (unsigned n = chance(5); n != 0; --n) endpoints += (endpoints.empty() ? "" : ",") + endpoint();
        return R"({"metadata":{"name":")" + name + R"(","namespace":"shop","resourceVersion":")" +
               std::to_string(++version_) + R"(","labels":{"kubernetes.io/service-name":")" +
               (name < "s4" ? "web" : "api") + R"("}},"addressType":"IPv4","endpoints":[)" + endpoints +
               R"(],"ports":[{"name":"http","port":808)" + std::to_string(chance(2)) + "}]}";
    }
    void change() {
        const std::string name = "s" + std::to_string(chance(8));
        const std::string next = slice(name);
        const bool goes = model_.contains(name) && chance(4) == 0;
        const std::string one = event(goes ? "DELETED" : model_.contains(name) ? "MODIFIED" : "ADDED", next);
        if (goes)
            model_.erase(name);
        else
            model_[name] = next;
        sent_.push_back(one);
        tell(one);
        if (chance(3) == 0) tell(one);
        if (chance(3) == 0) tell(sent_[chance(static_cast<unsigned>(sent_.size()))]);
    }
    void tell(const std::string& one) {
        if (transport_.handler != nullptr) send(one);
    }
    void list_again() {
        send(error_event(410, "too old"));
        ++version_;
        change_unseen();
        pass(std::chrono::minutes(1));
        give_list();
    }
    void change_unseen() {
        if (!model_.empty()) model_.erase(model_.begin());
        const std::string name = "s" + std::to_string(chance(8));
        model_[name] = slice(name);
    }
    void give_list() {
        std::string items;
        for (const auto& [name, content] : model_) items += (items.empty() ? "" : ",") + content;
        answer(200, R"({"kind":"EndpointSliceList","metadata":{"resourceVersion":")" + std::to_string(version_) +
                        R"("},"items":[)" + items + "]}");
        open();
    }

    std::shared_ptr<const Snapshot> build(SnapshotBuilder& builder, const std::shared_ptr<const Snapshot>& former) {
        const std::vector<SourceObjects> sources{{"demo", &services_}, {"demo", &sink_.objects}};
        return builder.build(desired_state({config_, sources, {}, {}}).state, former);
    }
    /// Without backends' identities, which tell who was there before.
    static std::string text_of(const Snapshot& snapshot) {
        Json all = {services_json(snapshot, {}), backends_json(snapshot, {})};
        std::set<std::string> backends;
        for (Json& one : all[1]["backends"]) {
            one.erase("id");
            backends.insert(one.dump());
        }
        std::string text = all[0]["services"].dump();
        for (const std::string& one : backends) text += "\n" + one;
        return text;
    }

    std::mt19937 random_;
    int version_ = 100;
    std::map<std::string, std::string> model_;
    std::vector<std::string> sent_;
    Config config_;
    Objects services_;
};

TEST_P(SlicesModelTest, EndsWithTheSnapshotOfAFreshStart) {
    follow_by_list(slice_resource);
    give_list();
    SnapshotBuilder builder;
    std::shared_ptr<const Snapshot> followed;
    for (int step = 0; step < 150; ++step) {
        if (chance(12) == 0) list_again();
        change();
        followed = build(builder, followed);
    }
    EXPECT_GT(reflector_->status().lists, 5U);
    EXPECT_GT(reflector_->status().events, 150U);
    reflector_.reset();
    sink_ = {};
    follow_by_list(slice_resource);
    give_list();
    SnapshotBuilder fresh;
    EXPECT_EQ(text_of(*followed), text_of(*build(fresh, nullptr)));
}
INSTANTIATE_TEST_SUITE_P(Seeds, SlicesModelTest, ::testing::Range(1U, 21U));

}  // namespace
}  // namespace viaduct
