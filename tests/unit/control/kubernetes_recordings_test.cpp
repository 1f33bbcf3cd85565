// A real API server's recorded answers, whole, and cut where connections may be cut.
#include "control/objects/read_objects.h"
#include "scripted_api.h"

namespace viaduct {
namespace {

constexpr std::size_t services = 1, slices = 2;

/// What a source would hold, for comparing.
template <class T>
std::vector<T> values(const std::vector<Shared<T>>& list) {
    std::vector<T> values;
    for (const auto& one : list) values.push_back(*one);
    return values;
}

Objects read_as_yaml(const std::string& file) {
    Objects objects;
    for (const Object& one : read_objects(recorded(file), file).objects) objects.put(one);
    return objects;
}

TEST_F(ReflectorTest, RecordedListsMeanTheSameInBothParsers) {
    follow_by_list(slices);
    answer(200, recorded("list-endpointslices.json"));
    EXPECT_EQ(values(sink_.objects.slices), values(read_as_yaml("list-endpointslices.json").slices));
    EXPECT_GT(sink_.objects.slices.size(), 10U);
    reflector_.reset();
    follow_by_list(services);
    answer(200, recorded("list-services.json"));
    EXPECT_EQ(values(sink_.objects.services), values(read_as_yaml("list-services.json").services));
    reflector_.reset();
    follow_by_list(0);
    answer(200, recorded("list-nodes.json"));
    EXPECT_EQ(values(sink_.objects.nodes), values(read_as_yaml("list-nodes.json").nodes));
    EXPECT_EQ(sink_.objects.nodes.size(), 3U);
}

TEST_F(ReflectorTest, RecordedWatchByteForByte) {
    for (const auto& [which, file] :
         {std::pair(services, "watch-services.jsonl"), {slices, "watch-endpointslices.jsonl"}}) {
        RecordingSink whole;
        sink_ = {};
        Reflector other("whole", followed_resources(NetworkType::flannel)[which], transport_, whole, timing_);
        other.tick();
        open();
        send(recorded(file));
        end("over");
        follow(which);
        open();
        for (const char byte : recorded(file)) send({byte});
        EXPECT_EQ(values(sink_.objects.services), values(whole.objects.services));
        EXPECT_EQ(values(sink_.objects.slices), values(whole.objects.slices));
        EXPECT_EQ(reflector_->status().events, other.status().events);
        EXPECT_GT(reflector_->status().events, 15U);
        reflector_.reset();
    }
}

/// The stream is cut, and what a server would send from there follows on the next watch.
TEST_F(ReflectorTest, RecordedWatchCutAtEveryThousandthByte) {
    const std::string stream = recorded("watch-endpointslices.jsonl");
    follow_by_list(slices);
    answer(200, R"({"kind":"EndpointSliceList","metadata":{"resourceVersion":"1"},"items":[]})");
    open();
    send(stream);
    const auto wanted = values(sink_.objects.slices);
    reflector_.reset();
    for (std::size_t cut = 1000; cut < stream.size(); cut += 1000 * EVERY) {
        sink_ = {};
        follow_by_list(slices);
        answer(200, R"({"kind":"EndpointSliceList","metadata":{"resourceVersion":"1"},"items":[]})");
        open();
        send(stream.substr(0, cut));
        end(cut % 2000 == 0 ? "" : "connection reset by peer");
        pass_until_due();
        ASSERT_TRUE(asked("watch=1&resourceVersion=")) << "no list for a broken stream";
        open();
        send(stream.substr(stream.rfind('\n', cut - 1) + 1));
        ASSERT_EQ(values(sink_.objects.slices), wanted) << "cut at " << cut;
        reflector_.reset();
    }
}

TEST_F(ReflectorTest, RecordedListsCutAnywhereHaveNoObjects) {
    const std::string whole = recorded("list-endpointslices.json");
    for (std::size_t cut = 0; cut < whole.size(); cut += 1000) {
        follow_by_list(slices);
        answer(200, whole.substr(0, cut));
        ASSERT_FALSE(reflector_->synced()) << cut;
        ASSERT_TRUE(sink_.objects.slices.empty()) << cut;
        ASSERT_TRUE(error().starts_with("the list is no JSON")) << error();
        reflector_.reset();
    }
}

TEST_F(ReflectorTest, RecordedExpiryListsAgain) {
    follow_by_list(services);
    answer(200, recorded("list-services.json"));
    open();
    pass(std::chrono::minutes(1));
    send(recorded("watch-410-expired.jsonl"));
    pass({});
    EXPECT_TRUE(asked("limit=500"));
    EXPECT_EQ(reflector_->status().expirations, 1U);
    EXPECT_TRUE(sink_.erased.empty());
}

TEST_F(ReflectorTest, RecordedChunksAreOneList) {
    follow_by_list(slices);
    answer(200, recorded("chunk1-endpointslices.json"));
    answer(200, recorded("chunk2-endpointslices.json"));
    EXPECT_EQ(sink_.objects.slices.size(), 6U);
    EXPECT_FALSE(reflector_->synced()) << "seven are still to come";
    EXPECT_EQ(reflector_->status().lists, 2U) << "the watch-list that was refused, and this one";
}

}  // namespace
}  // namespace viaduct
