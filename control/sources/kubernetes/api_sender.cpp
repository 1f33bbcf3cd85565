// Sends what the writers say.
#include "control/sources/kubernetes/api_sender.h"

#include <algorithm>
#include <utility>

namespace viaduct {

namespace {

constexpr std::size_t longest_answer = 1U << 20U;  // of which more is cut off: nobody reads it

}  // namespace

/// One request until its answer is complete.
class ApiSender::Write final : private ResponseHandler {
public:
    Write(ApiSender& owner, ApiRequest request, Done done)
        : owner_(owner),
          request_(std::move(request)),
          done_(std::move(done)),
          until_(owner.timing_.now() + owner.time_) {}

    [[nodiscard]] bool waits() const { return exchange_ == nullptr; }
    [[nodiscard]] TimePoint until() const { return until_; }
    [[nodiscard]] Done take_done() { return std::move(done_); }
    void begin() {
        answer_ = {};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - owner_.timing_.now());
        exchange_ = owner_.client_.begin(request_, *this, std::max(left, std::chrono::milliseconds(1)));
    }

private:
    void on_response(int status, std::chrono::seconds retry_after) override {
        answer_.status = status;
        answer_.retry_after = retry_after;
    }
    void on_data(std::string_view data) override {
        answer_.body.append(data.substr(0, longest_answer - std::min(longest_answer, answer_.body.size())));
    }
    void on_end(const std::string& error) override {
        exchange_.reset();
        if (answer_.status == 401 && !std::exchange(asked_again_, true)) return owner_.client_.refused();
        // An answer that broke off may have done its work, or not: it counts as none.
        if (!error.empty()) answer_ = {0, error, {}};
        owner_.finish(*this, answer_);
    }

    ApiSender& owner_;
    const ApiRequest request_;
    Done done_;
    const TimePoint until_;
    std::unique_ptr<Exchange> exchange_;
    ApiAnswer answer_;
    bool asked_again_ = false;  // after a 401, with credentials that were read anew
};

ApiSender::ApiSender(ApiClient& client, const Timing& timing, std::chrono::milliseconds time)
    : client_(client), timing_(timing), time_(time) {}
ApiSender::~ApiSender() = default;

void ApiSender::send(const ApiRequest& request, Done done) {
    writes_.push_back(std::make_unique<Write>(*this, request, std::move(done)));
    if (client_.ready()) writes_.back()->begin();
}

void ApiSender::tick() {
    std::vector<const Write*> too_late;
    for (const auto& write : writes_) {
        if (!write->waits()) continue;
        if (timing_.now() >= write->until())
            too_late.push_back(write.get());
        else if (client_.ready())
            write->begin();
    }
    const std::string why = client_.problem().empty() ? "there are no credentials yet" : client_.problem();
    for (const Write* write : too_late) finish(*write, {0, why, {}});
}

TimePoint ApiSender::due() const {
    const bool waits = std::ranges::any_of(writes_, [](const auto& one) { return one->waits(); });
    return waits ? timing_.now() + credentials_time : TimePoint::max();
}

/// The answer may make its hearer send something else, so the request is forgotten before.
void ApiSender::finish(const Write& write, const ApiAnswer& answer) {
    const auto found = std::ranges::find(writes_, &write, &std::unique_ptr<Write>::get);
    const ApiAnswer heard = answer;
    const std::unique_ptr<Write> kept = std::move(*found);
    writes_.erase(found);
    kept->take_done()(heard);
}

}  // namespace viaduct
